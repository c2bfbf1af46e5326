// Draws the page's charts from the JSON in #data, and opens the runs behind a row.
const { data, charts, runs, links, answers } = JSON.parse(document.getElementById("data").textContent);
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

// The answers for other tolerances are computed beforehand; the slider looks them up.
const slider = document.querySelector("#answer input");
slider?.addEventListener("input", () => {
  const found = answers[1 + Number(slider.value)];
  const box = document.getElementById("answer");
  box.querySelector("output").textContent = found.tolerance;
  box.querySelector("h2").textContent = found.headline;
  box.querySelector("p").textContent = found.sentence;
  box.querySelector(".scroll").outerHTML = found.rows;
  Object.assign(data, { marks: found.marks, band: found.band });
  const figure = document.getElementById("error_by_cost");
  draw(figure, charts.error_by_cost[figure.querySelector("select").value]);
});

function openRuns(cell, stay) {
  const row = document.querySelector(`tr.cell[data-cell="${cell}"]`);
  if (stay) row.scrollIntoView({ behavior: "smooth", block: "center" });
  if (stay && row.classList.contains("open")) return;
  if (!row.classList.toggle("open")) return row.nextElementSibling.remove();
  const columns = Object.keys(runs[cell][0]);
  const element = (tag, own) => Object.assign(document.createElement(tag), own);
  const table = element("table");
  for (const texts of [columns, ...runs[cell].map((run) => Object.values(run))])
    table.insertRow().append(...texts.map((textContent) => {
      const cell = element("td", { textContent }), href = links[textContent];
      if (href) cell.replaceChildren(element("a", { textContent, href, target: "_blank" }));
      return cell;
    }));
  const inner = element("tr", { className: "runs" });
  inner.append(element("td", { colSpan: row.cells.length }));
  inner.firstChild.append(table);
  row.after(inner);
}

for (const row of document.querySelectorAll("tr.cell")) {
  row.addEventListener("click", () => openRuns(Number(row.dataset.cell), false));
  row.addEventListener("keydown", (event) => event.key === "Enter" && row.click());
}

// A click on a heading sorts its table by that column: numbers by their value, sizes and all.
const UNITS = { k: 1e3, M: 1e6, G: 1e9, kB: 1e3, MB: 1e6, ms: 1e-3 };
function value(text) {
  const [, number, unit] = text.replaceAll(",", "").match(/^\D*?(-?\d+\.?\d*)\s*([a-zA-Z]*)/) ?? [];
  return number === undefined ? text : Number(number) * (UNITS[unit] ?? 1);
}
document.addEventListener("click", ({ target: heading }) => {
  if (heading.tagName !== "TH") return;
  const table = heading.closest("table"), column = heading.cellIndex;
  for (const open of table.querySelectorAll("tr.open")) openRuns(Number(open.dataset.cell), false);
  const up = heading.classList.contains("sorted") && !heading.classList.contains("up");
  for (const other of heading.parentNode.cells) other.classList.remove("sorted", "up");
  heading.classList.add("sorted", ...(up ? ["up"] : []));
  const rows = [...table.tBodies[0].rows].sort((one, other) => {
    const [a, b] = [one, other].map((row) => value(row.cells[column].textContent));
    return (typeof a === typeof b ? (a > b) - (a < b) : typeof a === "string" ? 1 : -1) * (up ? 1 : -1);
  });
  table.tBodies[0].append(...rows);
});
addEventListener("beforeprint", () =>
  document.querySelectorAll("main > details").forEach((each) => (each.open = true)));

const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
const lines = [Object.keys(runs[0]?.[0] ?? {}), ...runs.flat().map(Object.values)];
const csv = new Blob([lines.map((line) => line.map(quoted).join(",") + "\n").join("")], { type: "text/csv" });
document.getElementById("csv").href = URL.createObjectURL(csv);
