"use strict";
// Prompts: texts that the models continue, or sequences that they answer, side by side.

let truth = null;  // what follows the prompt where it is a test sample

function card(model) {
  const said = element("div", { className: "said" });
  const heat = element("figure", { className: "map" });
  const facts = [[model.measure, model.score, "error"],
    [shelf.kind === "text" ? "latency, one byte" : "latency, one answer",
      `${model.latency_ms.toFixed(2)} ms`, "latency"]];
  return { article: frame(model, [said, heat], facts), said, heat, model };
}

// The bluer its ground, the likelier a symbol.
function shaded({ text, probability }) {
  const symbol = element("span", { textContent: text, title: percent(probability) });
  symbol.style.background = `rgb(0 114 178 / ${0.6 * probability})`;
  return symbol;
}

function fill({ said, heat }, prompt, answer) {
  const symbols = answer.symbols.flatMap((each, index) =>
    index ? [shelf.between, shaded(each)] : [shaded(each)]);
  const before = shelf.kind === "text" ? [element("b", { textContent: prompt })] : [];
  const marks = truth === null || shelf.kind === "text" ? [] : [truth.includes(answer.text)
    ? element("em", { className: "mark right", textContent: "✓ right" })
    : element("em", { className: "mark wrong", textContent: "✗ wrong" })];
  said.replaceChildren(...before, ...symbols, ...marks);
  heat.replaceChildren(...answer.attention ? [alignment(answer),
    element("figcaption", { textContent: "what each symbol of the answer attends to" })] : []);
}

// A row for each symbol of the answer, a column for each that was read.
function alignment({ symbols, read, attention }) {
  const head = (text) => element("th", { textContent: text });
  return element("table", { className: "alignment" },
    element("tr", {}, head(""), ...read.map(head)),
    ...attention.map((weights, row) => element("tr", {}, head(symbols[row].text),
      ...weights.map((weight) => {
        const cell = element("td", { title: percent(weight) });
        cell.style.background = `rgb(0 114 178 / ${weight})`;
        return cell;
      }))));
}

function numberOf(id) {
  const value = at(id).value.trim();
  if (value === "") return null;
  if (!Number.isFinite(Number(value))) throw new Error(`${id} is “${value}”; expected a number`);
  return Number(value);
}

function question(prompt) {
  if (!shelf.ways) return { prompt };
  return { prompt, ...Object.fromEntries(Object.keys(shelf.ways).map((id) => [id, numberOf(id)])) };
}

// How likely a model holds what it writes itself says nothing of how good it is.
function verdict(answers) {
  const each = shelf.cards.map(({ model }, index) => {
    const size = sizeOf(model).join("");
    return shelf.kind === "text" ? `${model.score} with ${size}`
      : `${size} say ${answers[index].text}`;
  }).join(", ");
  return shelf.kind === "text" ? `A byte of text that they have not seen takes ${each}.`
    : `${each}.`;
}

async function answer() {
  const number = ++asked, prompt = at("prompt").value;
  for (const { said, heat } of shelf.cards) {
    said.replaceChildren();
    heat.replaceChildren();
  }
  try {
    const body = question(prompt);
    tell("The models are writing…");
    const answers = [], notes = new Set();
    // One after the other, so that the small one does not wait for the large one.
    for (const shownCard of shelf.cards) {
      const options = { ...body, models: [shownCard.model.id] };
      const content = await ask("/predict", { method: "POST", body: JSON.stringify(options),
        headers: { "Content-Type": "application/json" } });
      if (number !== asked) return;
      answers.push(content.answers[0]);
      fill(shownCard, prompt, content.answers[0]);
      for (const note of content.notes) notes.add(note);
    }
    shown = number;
    const known = truth === null ? [] : [shelf.kind === "text"
      ? `The text itself goes on: ${truth[0]}` : `It is ${truth.join(", or ")}.`];
    tell(verdict(answers), [...notes, ...known].join("\n"));
  } catch (trouble) {
    if (number === asked) tell(trouble.message, "", true);
  }
}

async function pickSample() {
  const number = ++asked;
  try {
    const sample = await ask("/sample");
    if (number !== asked) return;
    at("prompt").value = sample.prompt;
    truth = sample.answers;
    await answer();
  } catch (trouble) {
    tell(trouble.message, "", true);
  }
}

async function start() {
  await meet(card);
  const text = shelf.kind === "text";
  document.body.classList.toggle("pairs", !text);
  at("task").textContent = text ? "Begin a text" : "Give a sequence";
  at("go").textContent = text ? "Continue" : "Answer";
  at("sample").textContent = text ? "A test text" : "A test sample";
  at("how").textContent = "The bluer a symbol, the likelier the model held it; point at one for " +
    "the number. Ctrl and Enter asks again." + (text ? " Temperature 0 takes the likeliest byte " +
    "each time, 1 draws as the model says; the same seed draws the same text." : "");
  at("ways").hidden = !shelf.ways;
  for (const [id, value] of Object.entries(shelf.ways ?? {})) {
    at(id).value = value;
    at(id).addEventListener("change", answer);
  }
  at("go").addEventListener("click", answer);
  at("sample").addEventListener("click", pickSample);
  at("prompt").addEventListener("input", () => { truth = null; });
  at("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) answer();
  });
  await pickSample();
}

start().catch((error) => tell(error.message, "", true));
