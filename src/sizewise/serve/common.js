"use strict";
// What all pages have: requests, and a card for each model.
const at = (id) => document.getElementById(id);
const percent = (share) => share > 0.9995 && share < 1 ? "> 99.9 %" : `${(100 * share).toFixed(1)} %`;
const times = (ratio) => ratio < 10 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString("en");
let shelf = null, asked = 0, shown = 0;  // what was asked last, and what of it is answered

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

async function ask(path, options) {
  const response = await fetch(path, options);
  const content = await response.json();
  if (!response.ok) throw new Error(content.error);
  return content;
}

function tell(text, more = "", trouble = false) {
  at("verdict").replaceChildren(text, element("small", { textContent: more }));
  at("verdict").classList.toggle("trouble", trouble);
}

function sizeOf(model) {
  return model.parameters === null
    ? [Math.round(model.bytes / 1000).toLocaleString("en"), " kB stored"]
    : [model.parameters.toLocaleString("en"), " parameters"];
}

// A card: which model, in the middle what it says, and below what is known of it.
function frame(model, middle, facts) {
  const sizes = shelf.models.map((each) => each.size);
  const ratio = model.size / Math.min(...sizes);
  const side = Math.max(4, 48 * Math.sqrt(model.size / Math.max(...sizes)));  // area as parameters
  const dot = element("i");
  dot.style.width = dot.style.height = `${side}px`;
  const known = [...facts,
    ["training took", `${model.train_seconds.toFixed(1)} s`],
    ["size on disk", `${Math.round(model.bytes / 1000).toLocaleString("en")} kB`]];
  return element("article", {},
    element("header", {},
      element("div", {},
        element("div", { className: "size" }, sizeOf(model)[0],
          element("small", { textContent: sizeOf(model)[1] })),
        element("div", { className: "name", textContent: model.name }),
        element("div", { className: "name",
          textContent: ratio < 1.05 ? "" : `${times(ratio)} × the smallest` })),
      element("div", { className: "dot" }, dot)),
    ...middle,
    element("dl", {}, ...known.flatMap(([what, value, className = ""]) => [
      element("dt", { textContent: what }), element("dd", { className, textContent: value })])));
}

async function meet(card) {
  shelf = await ask("/models");
  shelf.cards = shelf.models.map(card);
  at("models").append(...shelf.cards.map((each) => each.article));
  const noun = shelf.models.length === 1 ? "model" : "models, the smallest first,";
  at("summary").textContent = `${shelf.models.length} ${noun} trained on ${shelf.data}; ` +
    "the area of a dot is its number of parameters.";
}
