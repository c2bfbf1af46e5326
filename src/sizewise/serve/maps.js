"use strict";
// What the models look at: a map on each card, over the input.

let explainable = null;  // what was answered last, as /explain takes it

function forgetMaps() {
  for (const { parts } of shelf.cards) parts.map.replaceChildren();
}

async function explain() {
  if (!explainable) return;
  const [body, type] = explainable;
  try {
    const { explained, columns } =
      await ask("/explain", { method: "POST", body, headers: { "Content-Type": type } });
    if (explainable?.[0] !== body) return;
    explained.forEach((each, index) => showMap(shelf.cards[index].parts.map, each, columns));
  } catch (trouble) {
    tell(trouble.message, "", true);
  }
}

function showMap(place, { refused, method, maps }, columns) {
  if (refused) return place.replaceChildren(element("figcaption", { textContent: refused }));
  const map = maps[0], highest = Math.max(...map.flat().map(Math.abs));
  const signed = map.flat().some((weight) => weight < 0);
  const words = `by ${method}: ` + (signed ? "blue speaks for the answer, orange against it"
    : highest ? "the bluer, the more it counts" : "nothing in it speaks for the answer");
  const colour = (weight) =>
    `rgb(${weight < 0 ? "213 94 0" : "0 114 178"} / ${Math.abs(weight) / (highest || 1)})`;
  const drawn = shelf.kind === "image" ? mapOfImage(map, colour)
    : columns.length ? mapOfColumns(map, columns, highest, colour) : mapOfSteps(map, colour);
  place.replaceChildren(drawn, element("figcaption", { textContent: words }));
}

function mapOfImage(map, colour) {
  const canvas = element("canvas", { width: map[0].length, height: map.length });
  const brush = canvas.getContext("2d");
  map.forEach((row, y) => row.forEach((weight, x) => {
    brush.fillStyle = colour(weight);
    brush.fillRect(x, y, 1, 1);
  }));
  return canvas;
}

function mapOfSteps(map, colour) {
  const svg = svgElement("svg", { viewBox: "0 0 320 180", preserveAspectRatio: "none" });
  const width = 300 / Math.max(1, map.length - 1);
  svg.append(...map.map((weight, step) => svgElement("rect",
    { x: 10 + width * (step - 0.5), y: 0, width, height: 180, fill: colour(weight) })));
  const lines = [...at("plot").children].map((line) => line.cloneNode(true));
  if (lines.length === 1) lines[0].style.stroke = "var(--text)";  // on blue
  svg.append(...lines);
  return svg;
}

function mapOfColumns(map, columns, highest, colour) {
  const order = [...map.keys()].sort((a, b) => Math.abs(map[b]) - Math.abs(map[a])).slice(0, 6);
  return element("div", { className: "bars" }, ...order.flatMap((index) => {
    const bar = element("i");
    bar.style.width = `${100 * Math.abs(map[index]) / highest}%`;
    bar.style.background = colour(Math.sign(map[index]) * highest);
    return [element("b", { textContent: columns[index] }), element("span", {}, bar),
      element("em", { textContent: map[index].toPrecision(2) })];
  }));
}

function svgElement(tag, properties) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
  return made;
}
