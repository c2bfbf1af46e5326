// Draws the page's charts from the JSON in #data, and opens the runs behind a row.
const { data, charts, runs } = JSON.parse(document.getElementById("data").textContent);
const settings = { renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false } };

// The encodings of an axis in every layer of a chart, where it can be logarithmic.
const channels = (spec, axis) =>
  spec.layer.map((view) => view.encoding?.[axis]).filter((channel) => channel?.scale?.type);

function draw(figure, original) {
  const spec = structuredClone(original);
  for (const box of figure.querySelectorAll("input"))
    for (const channel of channels(spec, box.name)) {
      channel.scale.type = box.checked ? "log" : "linear";
      if (!box.checked) delete channel.axis.values; // they suit the logarithm
    }
  const width = figure.clientWidth;
  if (spec.layer || spec.mark) spec.width = "container";
  if (spec.facet) spec.columns = Math.max(1, Math.floor((width - 120) / (spec.spec.width + 40)));
  if (width < 700) Object.assign(spec.config.legend, { orient: "bottom", columns: 2 });
  if (spec.hconcat && width < 900) {
    spec.vconcat = spec.hconcat.map((view) => ({ ...view, width: Math.min(view.width, width - 80) }));
    delete spec.hconcat;
  }
  spec.datasets = data;
  return vegaEmbed(figure.querySelector(".plot"), spec, settings).then(({ view }) =>
    view.addEventListener("click", (_, item) => {
      if (item?.datum?.cell !== undefined) openRuns(item.datum.cell, true);
    }));
}

for (const [name, specs] of Object.entries(charts)) {
  const figure = document.getElementById(name);
  const select = figure.querySelector("select");
  const chosen = () => specs[select?.value ?? ""];
  for (const box of figure.querySelectorAll("input"))
    box.checked = channels(chosen(), box.name).every(({ scale }) => scale.type === "log");
  figure.querySelector("form")?.addEventListener("change", () => draw(figure, chosen()));
  draw(figure, chosen());
}

function openRuns(cell, stay) {
  const row = document.querySelector(`tr.cell[data-cell="${cell}"]`);
  if (stay) row.scrollIntoView({ behavior: "smooth", block: "center" });
  if (stay && row.classList.contains("open")) return;
  if (!row.classList.toggle("open")) return row.nextElementSibling.remove();
  const columns = Object.keys(runs[cell][0]);
  const element = (tag, own) => Object.assign(document.createElement(tag), own);
  const table = element("table");
  for (const texts of [columns, ...runs[cell].map((run) => Object.values(run))])
    table.insertRow().append(...texts.map((textContent) => element("td", { textContent })));
  const inner = element("tr", { className: "runs" });
  inner.append(element("td", { colSpan: row.cells.length }));
  inner.firstChild.append(table);
  row.after(inner);
}

for (const row of document.querySelectorAll("tr.cell")) {
  row.addEventListener("click", () => openRuns(Number(row.dataset.cell), false));
  row.addEventListener("keydown", (event) => event.key === "Enter" && row.click());
}
