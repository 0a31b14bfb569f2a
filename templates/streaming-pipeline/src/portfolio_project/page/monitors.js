// What the monitor says: signals beside their limits, alarms, and a drift on demand.

import { ask, byId, cell, row, text } from "./page.js";

const EVERY = 2000;
const KINDS = {
  drift: "changed of late", shift: "not what the model was tested on", late: "arrives late", refused: "is refused",
  lag: "is not processed in time", retrain: "training is due",
};
const value = new Intl.NumberFormat("en", { maximumFractionDigits: 3, minimumFractionDigits: 3 });
let shown = "";

export function watchMonitors(moment) {
  const look = () => show(moment);
  setInterval(look, EVERY);
  look();
  byId("drift").addEventListener("click", toggle);
}

/** Offer the drift where there is a demo to have one. */
export async function offerDrift() {
  if (!byId("drift-box").hidden) return;
  byId("drift-box").hidden = false;
  const response = await ask("/v1/demo/drift");
  if (response.ok) press((await response.json()).on);
}

async function show(moment) {
  const response = await ask("/v1/monitors");
  if (!response.ok) return;
  const { watched_offset: watched, signals, latest, retraining_due: due } = await response.json();
  if (!watched) return;
  const over = signals.filter((one) => one.value > one.limit);
  const verdict = due ? "bad" : over.length ? "bad" : "good";
  byId("drift-verdict").dataset.state = verdict;
  const names = over.map((one) => words(one.signal)).join(", ");
  text("drift-text", due ? "It has changed: training again is due" : names ? `Over the limit: ${names}` : "As it was when the model was tested");
  if (signals.length) byId("signal-rows").replaceChildren(...signals.map(signalRow));
  const newest = JSON.stringify(latest[0]?.id ?? null);
  if (newest === shown || !latest.length) return;
  shown = newest;
  byId("alarm-rows").replaceChildren(
    ...latest.map((one) => row(cell(moment.format(one.at * 1000)), cell(words(one.signal)), cell(`${KINDS[one.kind]}: ${one.detail}`, "what"))),
  );
}

function signalRow({ signal, kind, value: now, limit }) {
  const meter = document.createElement("meter");
  meter.min = 0;
  meter.max = limit * 1.6;
  meter.high = limit;
  meter.low = limit;
  meter.optimum = 0;
  meter.value = Math.min(now, limit * 1.6);
  meter.setAttribute("aria-label", `${words(signal)}, ${kind}`);
  const line = row(cell(words(signal)), cell(meter), cell(value.format(now), "number"), cell(String(limit), "number"));
  if (now > limit) line.classList.add("over");
  return line;
}

async function toggle() {
  const on = byId("drift").getAttribute("aria-pressed") !== "true";
  const response = await ask("/v1/demo/drift", "POST", { on });
  const answer = await response.json();
  if (response.ok) press(answer.on);
  else text("drift-note", answer.detail);
}

function press(on) {
  byId("drift").setAttribute("aria-pressed", String(on));
  byId("drift").textContent = on ? "Take the drift back" : "Inject a drift";
}

const words = (signal) => signal.replaceAll("_", " ");
