"use strict";
// Draws the page's plots from the JSON in #data, and opens the runs behind a number.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const settings = { responsive: true, displaylogo: false };
const MANY = 3000; // points, from which WebGL draws them

const escapeHtml = (text) =>
  String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const percent = (share) => (share === null ? "–" : (100 * share).toFixed(2) + "%");
const quantity = (value) => {
  if (value === null) return "–";
  const units = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];
  const [scale, unit] = units.find(([least]) => value >= least) || [1, ""];
  return Number((value / scale).toPrecision(4)) + unit;
};

const runsOf = data.cells.map(() => []);
data.runs.cell.forEach((cell, run) => runsOf[cell].push(run));

function costLines(costs) {
  return data.costs.map((cost, i) => `${cost.axis}: ${quantity(costs[i])}`);
}

function runText(run) {
  const runs = data.runs;
  return [
    `<b>${escapeHtml(runs.name[run])}</b>`,
    `run ${escapeHtml(runs.id[run])}`,
    ...data.varying.map((key, i) => `${escapeHtml(key)}=${escapeHtml(runs.config[run][i])}`),
    `test error ${percent(runs.test[run])}, validation ${percent(runs.validation[run])}`,
    ...costLines(runs.costs[run]),
  ].join("<br>");
}

function cellText(index) {
  const cell = data.cells[index];
  const interval = cell.low === null ? "" : ` [${percent(cell.low)}, ${percent(cell.high)}]`;
  const ids = runsOf[index].slice(0, 6).map((run) => `run ${escapeHtml(data.runs.id[run])}`);
  if (runsOf[index].length > 6) ids.push(`and ${runsOf[index].length - 6} more: click`);
  return [
    `<b>${escapeHtml(cell.label)}</b>, mean of ${runsOf[index].length}`,
    `test error ${percent(cell.mean)}${interval}`,
    ...(cell.setting ? [escapeHtml(cell.setting)] : []),
    ...costLines(cell.costs),
    ...ids,
  ].join("<br>");
}

const runTexts = data.runs.id.map((_, run) => runText(run));
const cellTexts = data.cells.map((_, index) => cellText(index));

function fitTraces(family) {
  const { fit, colour } = family;
  if (!fit) return [];
  const shared = { mode: "lines", hoverinfo: "skip", showlegend: false, legendgroup: family.name };
  const traces = [];
  if (fit.low) {
    traces.push({ ...shared, x: fit.x, y: fit.low, line: { width: 0 } });
    traces.push({ ...shared, x: fit.x, y: fit.high, line: { width: 0 }, fill: "tonexty",
      fillcolor: colour + "22" });
  }
  traces.push({ ...shared, x: fit.x, y: fit.y, line: { color: colour, width: 2 } });
  return traces;
}

function familyTraces(family, cost) {
  const runs = family.cells.flatMap((cell) => runsOf[cell]);
  const cells = family.cells.map((cell) => data.cells[cell]);
  const traces = [];
  if (byId("show-runs").checked) {
    traces.push({
      type: data.runs.id.length > MANY ? "scattergl" : "scatter", mode: "markers",
      x: runs.map((run) => data.runs.costs[run][cost]), y: runs.map((run) => data.runs.test[run]),
      text: runs.map((run) => runTexts[run]), hoverinfo: "text",
      customdata: runs.map((run) => data.runs.cell[run]),
      marker: { color: family.colour, size: 5, opacity: 0.45 },
      showlegend: false, legendgroup: family.name,
    });
  }
  traces.push({
    type: "scatter", mode: "markers", name: family.name, legendgroup: family.name,
    x: cells.map((cell) => cell.costs[cost]), y: cells.map((cell) => cell.mean),
    error_y: {
      type: "data", symmetric: false, thickness: 1.3, width: 3, color: family.colour,
      array: cells.map((cell) => (cell.high === null ? 0 : cell.high - cell.mean)),
      arrayminus: cells.map((cell) => (cell.low === null ? 0 : cell.mean - cell.low)),
    },
    text: family.cells.map((cell) => cellTexts[cell]), hoverinfo: "text",
    customdata: family.cells,
    marker: { color: family.colour, symbol: family.symbol, size: 10,
      line: { color: "white", width: 1 } },
  });
  return traces;
}

function frontTrace(cost) {
  const cells = data.fronts[cost].map((index) => data.cells[index]);
  return {
    mode: "lines", name: "Pareto front", hoverinfo: "skip",
    x: cells.map((cell) => cell.costs[cost]), y: cells.map((cell) => cell.mean),
    line: { color: "rgba(120,120,120,0.35)", width: 6, shape: "hv" },
  };
}

// A classical family has no size: a line across, and a marker where the cost is another.
function referenceTraces(cost) {
  const known = data.cells.map((cell) => cell.costs[cost]).filter((value) => value > 0);
  const ends = [Math.min(...known), Math.max(...known)];
  return data.references.flatMap((reference) => {
    const cell = data.cells[reference.cell];
    const shared = { legendgroup: reference.name, hoverinfo: "text" };
    const line = {
      ...shared, mode: "lines", name: reference.name, x: ends, y: [cell.mean, cell.mean],
      text: cellTexts[reference.cell], customdata: [reference.cell, reference.cell],
      line: { color: reference.colour, width: 1.6, dash: "dash" },
    };
    if (cell.low === null) return [line];
    const edge = { ...shared, mode: "lines", x: ends, line: { width: 0 }, showlegend: false,
      hoverinfo: "skip" };
    const marker = {
      ...shared, mode: "markers", showlegend: false, x: [cell.costs[cost]], y: [cell.mean],
      text: [cellTexts[reference.cell]], customdata: [reference.cell],
      marker: { color: reference.colour, symbol: reference.symbol, size: 10 },
    };
    return [
      { ...edge, y: [cell.low, cell.low] },
      { ...edge, y: [cell.high, cell.high], fill: "tonexty", fillcolor: reference.colour + "1a" },
      line, ...(cell.costs[cost] === null ? [] : [marker]),
    ];
  });
}

function layout(xTitle, yTitle, logX, logY, yFormat = ".3~p") {
  const axis = { gridcolor: "#e6e9ec", zeroline: false, showline: true, linecolor: "#8a949e" };
  const ticks = (log) => (log ? { type: "log", dtick: "D2" } : { type: "linear" });
  return {
    margin: { t: 20, r: 20, b: 60, l: 70 }, hovermode: "closest", paper_bgcolor: "white",
    plot_bgcolor: "white",
    hoverlabel: { align: "left", bgcolor: "white", font: { size: 12, color: "#1d2530" } },
    xaxis: { ...axis, ...ticks(logX), title: { text: xTitle }, tickformat: "~s" },
    yaxis: { ...axis, ...ticks(logY), title: { text: yTitle }, tickformat: yFormat },
    legend: { orientation: "h", y: 1.08, x: 0 },
  };
}

// 2 and 5 of each decade ("D2") crowd a long axis: it gets the decades alone.
function sparse(figure, values) {
  const known = values.filter((value) => value > 0);
  if (Math.max(...known) / Math.min(...known) > 300) figure.xaxis.dtick = 1;
  return figure;
}

function drawErrors() {
  const cost = Number(byId("cost").selectedIndex);
  const traces = [];
  if (byId("show-front").checked) traces.push(frontTrace(cost));
  if (data.costs[cost].metric === "cost/parameters") traces.push(...data.families.flatMap(fitTraces));
  traces.push(...referenceTraces(cost));
  traces.push(...data.families.flatMap((family) => familyTraces(family, cost)));
  const figure = layout(data.costs[cost].axis, "test error", byId("log-x").checked,
    byId("log-y").checked);
  if (byId("log-x").checked) sparse(figure, data.cells.map((cell) => cell.costs[cost]));
  return Plotly.react("error-plot", traces, figure, settings);
}

function byData(id, field, xTitle) {
  const traces = data.by_data.map((line) => ({
    mode: "lines+markers", name: line.name, x: line[field], y: line.mean,
    error_y: {
      type: "data", symmetric: false, thickness: 1.3, width: 3,
      array: line.mean.map((mean, i) => (line.high[i] === null ? 0 : line.high[i] - mean)),
      arrayminus: line.mean.map((mean, i) => (line.low[i] === null ? 0 : mean - line.low[i])),
    },
    text: line.labels.map((label, i) => `${escapeHtml(label)}, ${quantity(line.samples[i])} samples`),
    hovertemplate: "%{text}: %{y:.2%}<extra></extra>",
    line: { color: line.colour, width: 1.8, dash: line.dash },
    marker: { symbol: line.symbol, size: 8 },
  }));
  const figure = layout(xTitle, "test error", true, true);
  sparse(figure, data.by_data.flatMap((line) => line[field]));
  return Plotly.newPlot(id, traces, figure, settings);
}

function drawLearning() {
  if (!data.families.length) return;
  const family = data.families[byId("family").selectedIndex];
  const traces = family.cells.map((index) => {
    const cell = data.cells[index];
    return {
      mode: "lines", name: cell.label, y: cell.curve, x: cell.curve.map((_, i) => i + 1),
      line: { color: cell.colour, width: 2 },
      hovertemplate: `${escapeHtml(cell.label)}, epoch %{x}: %{y:.2%}<extra></extra>`,
    };
  });
  const figure = layout("epoch", "validation error, mean over seeds", false, false);
  figure.legend = { title: { text: "size" } };
  return Plotly.react("learning-plot", traces, figure, settings);
}

function bySize(id, yTitle, lines, yFormat) {
  const traces = data.families.flatMap((family) => lines.map(([field, name, dash]) => {
    const cells = family.cells.map((index) => data.cells[index]);
    return {
      mode: "lines+markers", name: `${family.name}${name}`, legendgroup: family.name,
      x: cells.map((cell) => cell.costs[0]), y: cells.map((cell) => cell[field]),
      text: cells.map((cell) => escapeHtml(cell.label)), customdata: family.cells,
      hovertemplate: `%{text}${name}: %{y}<extra></extra>`,
      line: { color: family.colour, width: 1.6, dash },
      marker: { symbol: family.symbol + (dash === "solid" ? "" : "-open"), size: 7 },
    };
  }));
  const figure = layout("parameters", yTitle, true, false, yFormat);
  figure.yaxis.rangemode = "tozero";
  sparse(figure, data.cells.map((cell) => cell.costs[0]));
  return Plotly.newPlot(id, traces, figure, settings);
}

function runsTable(index) {
  const heads = ["run", "seed", ...data.varying.filter((key) => key !== "seed"), "test error",
    "validation error", ...data.costs.map((cost) => cost.axis)];
  const rows = runsOf[index].map((run) => {
    const runs = data.runs;
    const id = `<code>${escapeHtml(runs.id[run])}</code>`;
    const link = data.run_url
      ? `<a target="_blank" rel="noopener" href="${escapeHtml(data.run_url.replace("{run_id}", runs.id[run]))}">${id}</a>`
      : id;
    const config = data.varying.map((key, i) => [key, runs.config[run][i]])
      .filter(([key]) => key !== "seed").map(([, value]) => escapeHtml(value));
    const cells = [link, runs.seed[run], ...config, percent(runs.test[run]),
      percent(runs.validation[run]), ...runs.costs[run].map(quantity)];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const head = `<tr>${heads.map((each) => `<th>${escapeHtml(each)}</th>`).join("")}</tr>`;
  return `<table><thead>${head}</thead><tbody>${rows.join("")}</tbody></table>`;
}

function openCell(index, scroll) {
  const row = document.querySelector(`tr.cell[data-cell="${index}"]`);
  const next = row.nextElementSibling;
  if (next && next.classList.contains("runs")) {
    if (!scroll) { next.remove(); row.classList.remove("open"); }
  } else {
    const runs = document.createElement("tr");
    runs.className = "runs";
    runs.innerHTML = `<td colspan="${row.children.length}">${runsTable(index)}</td>`;
    row.after(runs);
    row.classList.add("open");
  }
  if (scroll) row.scrollIntoView({ behavior: "smooth", block: "center" });
}

data.costs.forEach((cost) => byId("cost").add(new Option(cost.words, cost.metric)));
data.families.forEach((family) => byId("family").add(new Option(family.name, family.name)));
for (const id of ["cost", "log-x", "log-y", "show-runs", "show-front"])
  byId(id).addEventListener("change", drawErrors);
byId("family").addEventListener("change", drawLearning);
byId("cells").addEventListener("click", (event) => {
  const row = event.target.closest("tr.cell");
  if (!row) return;
  event.preventDefault();
  openCell(Number(row.dataset.cell), false);
});
byId("log-y").checked = data.log_error;
byId("show-runs").checked = data.runs.id.length <= MANY; // more would hide the means
drawErrors().then((plot) => {
  plot.on("plotly_click", (event) => openCell(event.points[0].customdata, true));
});
drawLearning();
bySize("gap-plot", "error", [["mean", ", test", "solid"], ["train", ", training", "dash"]]);
bySize("spread-plot", "standard deviation of test error", [["deviation", "", "solid"]]);
if (data.by_data) {
  byData("data-plot", "samples", "training samples");
  byData("seconds-plot", "seconds", "training time (s)");
}
