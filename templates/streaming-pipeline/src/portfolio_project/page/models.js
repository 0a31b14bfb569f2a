// The registry on the page: which models there are, which serves, promote and roll back.

import { ask, byId, text } from "./page.js";

let shown = "";

/** Show the registered models again when the serving one is another than the one shown. */
export function showModels(model) {
  if (model && model.version !== shown) {
    shown = model.version;
    refresh();
  }
}

export function watchModels() {
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
  if (response.ok) text("model-text", `${done}: ${name(answer.algorithm)} serves now.`);
  else text("model-text", [answer.detail, ...(answer.reasons ?? [])].join(" "));
  shown = "";
  refresh();
}

function item(model) {
  const element = document.createElement("li");
  element.className = model.serving ? "serving" : "";
  element.dataset.version = model.version;
  const { average_precision: precision, auc_roc: auc } = model.metrics;
  element.append(part("span", "name", name(model.algorithm)), facts(model.version, precision, auc), state(model));
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
  const button = part("button", "quiet", "Promote");
  button.setAttribute("aria-label", `Promote ${name(model.algorithm)}`);
  button.addEventListener("click", () => move(`/v1/models/${model.version}/promote`, "Promoted"));
  return button;
}

function part(tag, kind, content) {
  const element = document.createElement(tag);
  element.className = kind;
  element.textContent = content;
  return element;
}

const name = (algorithm) => ({ lightgbm: "Gradient-boosted trees", logistic: "Logistic regression" })[algorithm] ?? algorithm;
