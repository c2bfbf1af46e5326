"use strict";
// Drawings, images and sequences; page.js shows what the models say of them.

/* ---- images ---- */

function caption(words) {
  at("seen").querySelector("span").textContent = words;
  at("seen").hidden = false;
}

function see(sample, words, enlarged = false) {
  const [channels, height, width] = shelf.input_shape;
  const canvas = at("seen").querySelector("canvas");
  canvas.width = width;
  canvas.height = height;
  const picture = new ImageData(width, height);
  for (let cell = 0; cell < height * width; cell++) {
    const row = Math.floor(cell / width), column = cell % width;
    for (let channel = 0; channel < 3; channel++)
      picture.data[4 * cell + channel] =
        255 * sample[channels === 1 ? 0 : channel][row][column] / shelf.white;
    picture.data[4 * cell + 3] = 255;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
  caption(words);
  if (!enlarged || paper.hidden) return;
  wipe();
  ink.imageSmoothingEnabled = false;
  ink.drawImage(canvas, 0, 0, paper.width, paper.height);
}

function sendDrawing() {
  truth = null;
  paper.toBlob((blob) => predict("/draw", blob, "image/png", (content) =>
    see(content.inputs[0], `What the models see: ${content.done.join(", ")}, as ` +
      `in ${shelf.data} (${shelf.input_shape.slice(1).join("×")}).`)));
}

function wipe() {
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, paper.width, paper.height);
  paper.dataset.empty = "yes";
}

function hint() {
  wipe();
  Object.assign(ink, { fillStyle: "#8b95a0", font: "17px system-ui, sans-serif", textAlign: "center" });
  ink.fillText("draw here", paper.width / 2, paper.height / 2);
}

function prepareImages() {
  const grey = shelf.input_shape[0] === 1;
  at("file").hidden = false;
  at("file").querySelector("input").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    truth = null;
    predict("/predict", file, file.type || "image/unknown", (content) => content.inputs &&
      see(content.inputs[0], `What the models see: ${content.done.join(", ")}.`, true));
  });
  if (!grey) return;
  const digits = shelf.classes.every((name) => /^[0-9]$/.test(short(name)));
  at("task").textContent = digits ? "Draw a digit" : `Draw one of: ${shelf.classes.join(", ")}`;
  paper.hidden = false;
  hint();
  let drawing = false;
  const place = (event) => {
    const box = paper.getBoundingClientRect();
    return [(event.clientX - box.left) * paper.width / box.width,
            (event.clientY - box.top) * paper.height / box.height];
  };
  const soon = () => {
    waiting ??= setTimeout(() => { waiting = null; sendDrawing(); }, 120);
  };
  paper.addEventListener("pointerdown", (event) => {
    if (paper.dataset.empty) wipe();
    delete paper.dataset.empty;
    drawing = true;
    paper.setPointerCapture(event.pointerId);
    ink.strokeStyle = "#fff";
    ink.lineWidth = 0.72 * paper.height * shelf.stroke;
    ink.lineCap = ink.lineJoin = "round";
    ink.beginPath();
    const [x, y] = place(event);
    ink.moveTo(x, y);
    ink.lineTo(x + 0.01, y);  // a line of no length leaves no dot
    ink.stroke();
    soon();
  });
  paper.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    ink.lineTo(...place(event));
    ink.stroke();
    soon();
  });
  for (const kind of ["pointerup", "pointercancel"])
    paper.addEventListener(kind, () => { drawing = false; });
}

/* ---- sequences ---- */

function plot(sequence) {
  const values = sequence.flat();
  const low = Math.min(...values), span = Math.max(...values) - low || 1;
  const colours = ["var(--accent)", "#d55e00", "#009e73", "#cc79a7"];
  at("plot").replaceChildren(...sequence.map((channel, index) => {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    const points = channel.map((value, step) =>
      `${10 + 300 * step / Math.max(1, channel.length - 1)},${165 - 150 * (value - low) / span}`);
    line.setAttribute("points", points.join(" "));
    line.style.stroke = colours[index % colours.length];
    return line;
  }));
}

function counted() {
  const [channels, steps] = shelf.input_shape;
  if (!shelf.unequal) return `${channels * steps} numbers`;
  return channels === 1 ? `up to ${steps} numbers`
    : `${channels} times up to ${steps} numbers, one channel after the other`;
}

function readNumbers() {
  const [channels, longest] = shelf.input_shape;
  const words = at("numbers").value.split(/[\s,;]+/).filter(Boolean);
  const values = words.map(Number);
  const bad = words.findIndex((word, index) => !Number.isFinite(values[index]));
  const expected = `expected ${counted()}, parted by commas, semicolons or spaces`;
  const steps = shelf.unequal ? Math.ceil(values.length / channels) : longest;
  if (!words.length) return welcome();
  if (bad >= 0) return clear(`“${words[bad].slice(0, 30)}” is not a number; ${expected}.`, "", true);
  if (values.length !== channels * steps || steps > longest)
    return clear(`${values.length.toLocaleString("en")} numbers; ${expected}.`, "", true);
  truth = null;
  at("seen").hidden = true;
  plot(Array.from({ length: channels }, (_, c) => values.slice(c * steps, (c + 1) * steps)));
  predictNumbers([values]);
}

function prepareSequences() {
  at("task").textContent = `Paste ${counted()}, or pick a test sample`;
  at("plot").removeAttribute("hidden");  // an SVG has no such property
  at("numbers").hidden = false;
  at("seen").querySelector("canvas").hidden = true;
  at("numbers").addEventListener("input", readNumbers);
  pickSample();
}

/* ---- tables ---- */

const cell = (text) => `"${text.replaceAll('"', '""')}"`;

function sendTable(text) {
  truth = null;
  at("seen").hidden = at("rows").hidden = true;
  if (!text.trim()) return welcome();
  predict("/predict", text, "text/csv", showRows);
}

function showRows(content) {
  if (content.done) caption(content.done.slice(0, 5).join("; "));
  const names = content.names ?? [];
  at("rows").hidden = names.length < 2;
  const sizes = shelf.cards.map(({ model }) => sizeOf(model).join(""));
  at("rows").replaceChildren(
    element("tr", {}, ...["", ...sizes].map((text) => element("th", { textContent: text }))),
    ...names.map((name, index) => element("tr", {}, ...[
      content.not_sure[index] ? `${name} (not sure)` : name,
      ...content.answers.map((answer) => answerOf(answer.predictions[index])),
    ].map((text) => element("td", { textContent: text })))));
}

function sendFields() {
  const fields = [...at("fields").querySelectorAll("input, select")];
  const lines = [fields.map((field) => field.name), fields.map((field) => field.value)];
  sendTable(lines.map((line) => line.map(cell).join(",")).join("\n"));
}

function fillFields(row) {
  for (const field of at("fields").querySelectorAll("input, select")) field.value = row[field.name];
}

function prepareTables() {
  const { target, steps, columns } = shelf.table;
  const names = [...columns.map((each) => each.name), ...steps];
  at("task").textContent = `${steps.length ? "Paste" : "Fill in a row, or paste"} or drop a CSV: ` +
    `what is its ${target}?`;
  at("numbers").placeholder = `${names.join(",")}\n…`;
  at("numbers").hidden = false;
  at("seen").querySelector("canvas").hidden = true;
  at("numbers").addEventListener("input", () => sendTable(at("numbers").value));
  const input = at("file").querySelector("input");
  at("file").querySelector("span").textContent = "A CSV file";
  at("file").hidden = false;
  input.accept = ".csv,.tsv,.txt";
  const take = async (file) => { if (file) sendTable(await file.text()); };
  input.addEventListener("change", () => { take(input.files[0]); input.value = ""; });
  at("input").addEventListener("dragover", (event) => event.preventDefault());
  at("input").addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  if (steps.length) return;
  at("fields").hidden = false;
  at("fields").append(...columns.flatMap(({ name, categories, default: usual }) => {
    const field = categories.length
      ? element("select", { name }, ...["", ...categories].map((text) =>
          element("option", { value: text, textContent: text || "missing" })))
      : element("input", { name, inputMode: "decimal" });
    field.value = usual;
    field.addEventListener("input", sendFields);
    return [element("label", { textContent: name }), field];
  }));
  sendFields();
}
