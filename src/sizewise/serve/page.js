"use strict";
const paper = at("paper"), ink = paper.getContext("2d", { willReadFrequently: true });
const error = (share) => `${(100 * share).toFixed(2)} %`;
const number = (value) => Math.abs(value) >= 1e6 && Math.abs(value) < 1e15
  ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(6));
const answerOf = (prediction) =>
  "value" in prediction ? number(prediction.value) : short(prediction.label);
const wrong = (measured) => shelf.classes.length ? error(measured) : number(measured);
const FAR = "It lies farther off than 98 in 100 test samples: from every training sample, from the shape " +
  "of each, or by more ink or larger numbers.";
let survey = null, truth = null, next = 0;
let again = null, waiting = null;  // the last request, and a drawing that will be one soon

// torchvision names MNIST's classes "7 - seven"
const short = (name) => name.replace(/^([0-9]) - [a-z]+$/, "$1");

/* ---- the models ---- */

function card(model) {
  const bars = element("div", { className: "bars" });
  const rows = shelf.classes.map((name) => {
    const fill = element("i");
    const row = [element("b", { textContent: short(name) }), element("span", {}, fill), element("em")];
    bars.append(...row);
    return { row, fill };
  });
  const parts = {
    label: element("span", { className: "label", textContent: "–" }),
    share: element("span", { className: "share" }),
    mark: element("span", { className: "mark" }),
    why: element("button", { type: "button", className: "why", textContent: "Why?", onclick: explain }),
    map: element("figure", { className: "map" }),
  };
  const article = frame(model,
    [element("div", { className: "answer" }, parts.label, parts.share, parts.mark),
      parts.why, parts.map, bars],
    [["latency, one sample", `${model.latency_ms.toFixed(2)} ms`, "latency"],
      [shelf.classes.length ? "wrong on the test set" : "mean absolute error",
        wrong(model.test_error), "error"]]);
  return { article, parts, rows, model };
}

function fill(shownCard, answer, unsure) {
  const { parts, rows } = shownCard;
  const prediction = answer.predictions[0];
  const label = answerOf(prediction);
  const share = "value" in prediction ? "" : percent(prediction.probability);
  parts.label.textContent = unsure ? "not sure" : label;
  parts.label.classList.toggle("long", unsure || label.length > 3);
  parts.share.textContent = unsure ? `if anything, ${label}${share && ` (${share})`}` : share;
  const right = prediction.label === truth;
  parts.mark.textContent = truth === null || !share ? "" : right ? "✓ right" : "✗ wrong";
  parts.mark.className = `mark ${right ? "right" : "wrong"}`;
  prediction.probabilities?.forEach((share, index) => {
    const { row, fill: bar } = rows[index];
    bar.style.width = `${100 * share}%`;
    row[2].textContent = percent(share);
    const top = !unsure && shelf.classes[index] === prediction.label;
    for (const cell of row) cell.classList.toggle("top", top);
  });
}

// Clears picture and answers, and says why.
function clear(text, more, trouble) {
  shown = ++asked;  // an answer that is still under way comes too late
  truth = again = explainable = null;
  forgetMaps();
  clearTimeout(waiting);
  waiting = null;
  for (const each of shelf.cards) {
    each.parts.label.textContent = "–";
    each.parts.share.textContent = each.parts.mark.textContent = "";
    for (const { row, fill: bar } of each.rows) {
      bar.style.width = 0;
      row[2].textContent = "";
      for (const cell of row) cell.classList.remove("top");
    }
  }
  at("seen").hidden = at("rows").hidden = true;
  at("plot").replaceChildren();
  hint();
  tell(text, more, trouble);
}

function verdict(answers) {
  const labels = answers.map((each) => answerOf(each.predictions[0]));
  const known = truth === null ? "" : short(truth);
  const said = labels.map((label, index) =>
    `${sizeOf(shelf.cards[index].model).join("")} say ${label}`).join(", ");
  if (!shelf.classes.length)
    return tell(`${said}.`, known && `It is ${known} in the table.`);
  const who = { 1: "The model", 2: "Both" }[labels.length] ?? "All";
  if (known && !labels.includes(known))
    return tell(`${who}${labels.length === 1 ? " is" : ""} wrong: it is ${known}.`, `${said}.`, true);
  if (new Set(labels).size > 1)
    return tell(`They disagree: ${said}.`, known && `By its label it is ${known}.`);
  const sizes = shelf.cards.map((each) => each.model.size);
  const ratio = sizes[sizes.length - 1] / sizes[0];
  tell(`${who} say${labels.length === 1 ? "s" : ""} ${labels[0]}${known && ", and so does the label"}.`,
    ratio >= 1.05 ? `${times(ratio)} times the size makes no difference here.` : "");
}

async function predict(path, body, type, done) {
  const number = ++asked;
  again = () => predict(path, body, type, done);
  try {
    const content = await ask(path, { method: "POST", body, headers: { "Content-Type": type } });
    if (number < shown) return;
    shown = number;
    const before = explainable?.[0];
    explainable = content.inputs
      ? [JSON.stringify({ inputs: content.inputs }), "application/json"] : [body, type];
    if (explainable[0] !== before) forgetMaps();  // of the same, asked again, they stay
    const unsure = truth === null && content.not_sure[0];  // a test sample is what they were taught
    content.answers.forEach((answer, index) => fill(shelf.cards[index], answer, unsure));
    if (!unsure) verdict(content.answers);
    else tell("Not sure: the models were taught nothing like it.", content.warnings.length ? "" : FAR);
    for (const warning of content.warnings)
      at("verdict").append(element("small", { className: "warning", textContent: `Unlike the training data: ${warning}.` }));
    if (done) done(content);
  } catch (trouble) {
    if (number >= shown) clear(trouble.message, "", true);
  }
}

const predictNumbers = (inputs) =>
  predict("/predict", JSON.stringify({ inputs }), "application/json");

/* ---- test samples ---- */

async function pickSample(index = null, place = "") {
  try {
    const sample = await ask(index === null ? "/sample" : `/sample?index=${index}`);
    const words = `Test sample ${sample.index} of ${shelf.data}${place}.`;
    if (shelf.kind === "image") {
      see(sample.inputs[0], words, true);
    } else if (sample.row) {
      fillFields(sample.row);
      at("rows").hidden = true;
      caption(words);
    } else if (shelf.kind === "table") {
      caption(words);
    } else {
      at("numbers").value = sample.inputs[0].flat().map((value) => +value.toFixed(4)).join(", ");
      plot(sample.inputs[0]);
      caption(words);
    }
    truth = sample.label;
    predictNumbers(sample.inputs);
  } catch (trouble) {
    clear(trouble.message, "", true);
  }
}

function pickDisagreement() {
  const all = survey.disagreements;
  const index = all[next % all.length];
  next = next % all.length + 1;
  pickSample(index, `, ${next.toLocaleString("en")} of ${all.length.toLocaleString("en")} where they disagree`);
}

function welcome() {
  const how = shelf.kind === "table" ? "Give a row" : shelf.kind === "sequence" ? "Paste a sequence" : paper.hidden ? "Choose an image"
    : "Draw on the left";
  clear(`${how}, and see what each model makes of it.`, "Or pick a test sample, whose label is known.");
}

async function takeSurvey() {
  const line = at("survey");
  line.textContent = "Trying the whole test set…";
  try {
    while ((survey = await ask("/survey")).samples === undefined)
      await new Promise((done) => setTimeout(done, 300));
    const samples = `of all ${survey.samples.toLocaleString("en")} test samples`;
    const who = shelf.models.length === 2 ? "both" : "all";
    if (!shelf.classes.length)
      line.textContent = `Mean absolute error ${samples}: ${survey.errors.map(number).join(", ")}.`;
    else line.textContent = shelf.models.length === 1 ? `It is wrong on ${error(survey.errors[0])} ${samples}.`
      : `They agree on ${percent(survey.agreement)} ${samples}; on ${error(survey.all_wrong)} ${who} are wrong.`;
    shelf.cards.forEach(({ article }, index) => {
      article.querySelector(".error").textContent = wrong(survey.errors[index]);
    });
    at("differ").disabled = !survey.disagreements.length;
    if (!survey.disagreements.length) at("differ").textContent = "They disagree on none";
    if (again) again();  // it may have been answered before it could be told what is far
  } catch (trouble) {
    line.textContent = `The test set can't be tried: ${trouble.message}`;
  }
}

async function start() {
  await meet(card);
  at("task").textContent = "Pick a test sample or an image";
  at("sample").addEventListener("click", () => pickSample());
  at("differ").addEventListener("click", pickDisagreement);
  at("differ").hidden = shelf.models.length === 1 || !shelf.classes.length;
  const restart = () => { at("numbers").value = ""; welcome(); };
  at("clear").addEventListener("click", restart);
  addEventListener("keydown", (event) => event.key === "Escape" && restart());
  takeSurvey();
  if (shelf.kind === "image") prepareImages();
  else if (shelf.kind === "table") prepareTables();
  else prepareSequences();
  if (!asked) welcome();
}

start().catch((error) => tell(error.message, "", true));
