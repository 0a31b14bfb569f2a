// The registry on the page: which models there are, which serves, promote and roll back.

import { ask, byId, text } from "./page.js";

const count = new Intl.NumberFormat("en");
let shown = "";

/** Show the registered models again when the serving one is another than the one shown. */
export function showModels(model) {
  if (model && model.version !== shown) {
    shown = model.version;
    refresh();
  }
}

export function watchModels() {
  setInterval(showTrial, 3000);
  showTrial();
  byId("rollback").addEventListener("click", () => move("/v1/models/rollback", "Rolled back"));
  refresh();
}

async function refresh() {
  const response = await ask("/v1/models");
  if (!response.ok) return;
  const { models } = await response.json();
  byId("models").replaceChildren(...models.map(item));
}

async function move(path, done) {
  byId("rollback").disabled = true;
  const response = await ask(path, "POST");
  const answer = await response.json();
  byId("rollback").disabled = false;
  if (response.ok) text("model-text", `${done}: ${name(answer.kind)} serves now.`);
  else text("model-text", [answer.detail, ...(answer.reasons ?? [])].join(" "));
  shown = "";
  refresh();
}

function item(model) {
  const element = document.createElement("li");
  element.className = model.serving ? "serving" : "";
  element.dataset.version = model.version;
  const { average_precision: precision, auc_roc: auc } = model.metrics;
  element.append(part("span", "name", name(model.kind)), facts(model.version, precision, auc), state(model));
  return element;
}

function facts(version, precision, auc) {
  const element = part("span", "facts", "");
  const code = document.createElement("code");
  code.textContent = version.slice(0, 8);
  element.append(code, ` · average precision ${precision.toFixed(3)} · AUC ${auc.toFixed(3)}`);
  return element;
}

function state(model) {
  if (model.serving) return part("span", "state", "serves");
  const element = part("span", "choices", "");
  element.append(
    action("Promote", model, () => move(`/v1/models/${model.version}/promote`, "Promoted")),
    action("Shadow", model, () => attempt(model, 0)),
    action("Canary", model, () => attempt(model, 0.1)),
  );
  return element;
}

function action(word, model, done) {
  const button = part("button", "quiet", word);
  button.setAttribute("aria-label", `${word === "Promote" ? "Promote" : `Try as ${word.toLowerCase()}:`} ${name(model.kind)}`);
  button.addEventListener("click", done);
  return button;
}

async function attempt(model, share) {
  const response = await ask(`/v1/models/${model.version}/try`, "POST", { share });
  const answer = await response.json();
  if (!response.ok) text("model-text", [answer.detail, ...(answer.reasons ?? [])].join(" "));
  showTrial();
}

async function showTrial() {
  const response = await ask("/v1/trial");
  if (!response.ok) return;
  const trial = await response.json();
  byId("trial").hidden = trial.version === null;
  if (trial.version === null) return;
  const place = trial.share ? `decides for ${Math.round(trial.share * 100)}% of the cards` : "runs in the shadow and decides nothing";
  const words = trial.payments
    ? ` On the same ${count.format(trial.payments)} payments: ${count.format(trial.alerts)} alerts beside ${count.format(trial.champion_alerts)}, another answer for ${count.format(trial.disagreements)}.`
    : " It has seen no payment yet.";
  const end = part("button", "link", "End the trial");
  end.addEventListener("click", async () => {
    await ask("/v1/trial/end", "POST");
    showTrial();
  });
  const said = `${name(trial.algorithm)} ${place}.${words} `;
  if (byId("trial").firstChild?.textContent !== said) byId("trial").replaceChildren(said, end);
}

function part(tag, kind, content) {
  const element = document.createElement(tag);
  element.className = kind;
  element.textContent = content;
  return element;
}

const name = (algorithm) => ({ lightgbm: "Gradient-boosted trees", logistic: "Logistic regression" })[algorithm] ?? algorithm;
