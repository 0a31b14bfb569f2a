// The live page: takes the feed and keeps every part of the page in step with it.

import { Chart, bars, spark } from "./chart.js";
import { follow } from "./feed.js";
import { showModels, watchModels } from "./models.js";
import { offerDrift, watchMonitors } from "./monitors.js";
import { ask, byId, cell, headers, row, text, unlock } from "./page.js";

const KEPT = 90; // points of a small line
const ALERTS = 8;
const BEFORE = 2400; // log entries from before the page was opened
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const count = new Intl.NumberFormat("en");
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const signed = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: "exceptZero" });
const moment = new Intl.DateTimeFormat("en-GB", {
  weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC",
});

const chart = new Chart(byId("chart"));
const rates = [];
const lags = [];
const alerts = [];
let stats = null; // the last ones, with `seen`, when they came (ms)
let speed = 0; // stream seconds a real second
let shownTime = null;
let paused = false;
let killedAt = null;
let lastLetters = -1;

start();
watchModels();
watchMonitors(moment);
setInterval(showProof, 4000);
showProof();
setInterval(describe, 10000);
requestAnimationFrame(frame);

/** Begin with what happened just before the page was opened, then follow. */
async function start() {
  const response = await ask("/v1/stats");
  const { processed_offset: done } = response.ok ? await response.json() : {};
  const from = done === undefined ? null : String(Math.max(0, done - BEFORE));
  follow("/v1/stream", headers, { stats: onStats, decisions: onDecisions }, onState, from);
}

function onState(state) {
  byId("live").dataset.state = state;
  text("live-text", { live: "Live", broken: "Reconnecting", locked: "Locked", recorded: "Recorded run", ended: "Recorded run, at its end" }[state]);
  if (state === "locked") unlock();
}

function onStats(next) {
  next.seen = performance.now();
  if (stats !== null) measure(stats, next);
  stats = next;
  if (paused) return;
  for (const name of ["predictions", "alerts", "late", "labels"]) text(name, count.format(next.counts[name]));
  text("lag", count.format(next.lag));
  spark(byId("lag-line"), lags, "late");
  spark(byId("rate-line"), rates, "dot");
  showBooks(next);
  showWorker(next);
  showModels(next.model);
  chart.threshold = next.model?.threshold ?? null;
  if (next.counts.dead_letters !== lastLetters) showLetters(next.counts.dead_letters);
}

function measure(before, next) {
  const seconds = (next.seen - before.seen) / 1000;
  if (seconds <= 0) return;
  keep(rates, (next.processed_offset - before.processed_offset) / seconds);
  keep(lags, next.lag);
  const recent = rates.slice(-6);
  if (!paused) text("rate", count.format(Math.round(recent.reduce((sum, one) => sum + one, 0) / recent.length)));
  if (next.stream_time !== null && before.stream_time !== null) {
    speed = 0.8 * speed + 0.2 * ((next.stream_time - before.stream_time) / seconds);
  }
}

function onDecisions(decisions) {
  chart.add(decisions);
  const found = decisions.filter((one) => one.alert);
  if (!found.length) return;
  alerts.unshift(...found.reverse());
  alerts.length = Math.min(alerts.length, ALERTS);
  if (!paused) byId("alert-rows").replaceChildren(...alerts.map(alertRow));
}

function frame() {
  if (stats?.stream_time && !paused && !document.hidden) {
    const target = stats.stream_time + (calm.matches ? 0 : speed * Math.min(1, (performance.now() - stats.seen) / 1000));
    shownTime = shownTime === null || calm.matches || Math.abs(target - shownTime) > 7200 ? target : shownTime + (target - shownTime) * 0.12;
    chart.draw(shownTime);
    text("stream-time", `${moment.format(stats.stream_time * 1000)} UTC`);
  }
  if (calm.matches) setTimeout(() => requestAnimationFrame(frame), 1000);
  else requestAnimationFrame(frame);
}

function describe() {
  if (stats === null) return;
  const { counts } = stats;
  byId("chart").setAttribute(
    "aria-label",
    `Scores of the payments of the last day, by event time. So far ${counts.predictions} scored, ${counts.alerts} alerts, ${counts.late} late.`,
  );
}

function showBooks({ sent, counts, dead_letters_by_reason: refused, balanced, processed_offset: done, log_end: end, lag }) {
  const names = {
    "on-time": "Payments on time", late: "Payments late", duplicate: "Sent twice", label: "Labels", "too-late": "Too late",
    "not-json": "Not JSON", "breaks-contract": "Breaks the contract", "unknown-version": "Unknown version", "from-the-future": "From the future",
    "event-id-reused": "Event id reused",
  };
  const counted = {
    "on-time": counts.predictions - counts.late, late: counts.late, duplicate: counts.duplicates, label: counts.labels, ...refused,
  };
  const posted = end - Object.values(sent).reduce((sum, one) => sum + one, 0);
  const kinds = Object.keys(names).filter((kind) => (sent[kind] ?? 0) + (counted[kind] ?? 0) > 0);
  byId("ledger").replaceChildren(
    ...kinds.map((kind) => {
      const [given, found] = [sent[kind] ?? 0, counted[kind] ?? 0];
      const line = row(cell(names[kind]), cell(count.format(given), "number"), cell(count.format(found), "number"));
      if (given !== found && lag === 0 && posted === 0) line.classList.add("off");
      return line;
    }),
    ...(posted > 0 ? [row(cell("Others, posted to the API"), cell(count.format(posted), "number"), cell("above", "number"))] : []),
  );
  byId("balance").dataset.state = done === 0 ? "wait" : balanced ? "good" : "bad";
  if (done) text("balance-text", balanced ? `All ${count.format(done)} entries counted exactly once` : "The books do not balance");
}

function showWorker({ worker, lag, seen }) {
  byId("worker-box").hidden = worker === null;
  if (worker !== null) offerDrift();
  byId("kill").disabled = worker !== null && !worker.running;
  if (killedAt === null) return;
  if (killedAt.offset === null) killedAt.offset = stats.processed_offset;
  else if (stats.processed_offset > killedAt.offset && lag < 50) {
    const seconds = ((seen - killedAt.at) / 1000).toFixed(1);
    const times = worker.kills === 1 ? "once" : `${worker.kills} times`;
    text("worker-text", `Killed ${times}. Back and caught up after ${seconds} s; nothing lost, nothing doubled.`);
    killedAt = null;
  } else text("worker-text", `Down. ${count.format(lag)} events wait in the log.`);
}

byId("kill").addEventListener("click", async () => {
  byId("kill").disabled = true;
  const response = await ask("/v1/demo/kill-worker", "POST");
  if (response.ok) {
    killedAt = { at: performance.now(), offset: null };
    text("worker-text", "Killed.");
  } else text("worker-text", (await response.json()).detail);
});

byId("pause").addEventListener("click", ({ currentTarget }) => {
  paused = !paused;
  currentTarget.setAttribute("aria-pressed", String(paused));
  currentTarget.textContent = paused ? "Resume" : "Pause";
});

byId("chart").addEventListener("pointermove", ({ offsetX, offsetY }) => {
  const point = chart.nearest(offsetX, offsetY);
  text("readout", point ? `${point.event_id} · ${point.card_id} · ${money.format(point.amount_cents / 100)} · ${percent(point.score)}${waited(point)}` : "");
});
byId("chart").addEventListener("click", ({ offsetX, offsetY }) => {
  const point = chart.nearest(offsetX, offsetY);
  if (point) openDetail(point.event_id);
});

function alertRow(alert) {
  const name = document.createElement("button");
  name.className = "link";
  name.textContent = alert.event_id;
  name.addEventListener("click", () => openDetail(alert.event_id));
  const meter = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  meter.setAttribute("aria-hidden", "true");
  for (const [kind, width] of [["whole", 64], ["part", Math.max(3, 64 * alert.score)]]) {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({ class: kind, width, height: 6, rx: 3 })) bar.setAttribute(name, value);
    meter.append(bar);
  }
  const score = document.createElement("span");
  score.className = "score";
  const share = document.createElement("span");
  share.textContent = percent(alert.score);
  score.append(meter, share);
  return row(
    cell(name), cell(`${moment.format(alert.occurred_at * 1000).slice(-5)}${waited(alert)}`), cell(alert.card_id),
    cell(money.format(alert.amount_cents / 100), "number"), cell(score, "number"),
  );
}

async function showLetters(total) {
  lastLetters = total;
  const response = await ask("/v1/dead-letters?limit=8");
  if (!response.ok) return;
  const { items } = await response.json();
  if (items.length) byId("letter-rows").replaceChildren(...items.map((one) => row(cell(one.reason), cell(one.detail, "what"))));
}

async function openDetail(eventId) {
  const path = `/v1/predictions/${eventId}`;
  const [response, reasons] = await Promise.all([ask(path), ask(`${path}/explanation`)]);
  if (!response.ok) return;
  const found = await response.json();
  const parts = reasons.ok ? (await reasons.json()).contributions.map((one) => [one.feature, one.log_odds]) : [];
  const why = Object.fromEntries(parts);
  const truth = { true: "Reported as fraud since.", false: "A report was taken back.", null: "No report so far." }[found.fraud];
  text("detail-title", found.event_id);
  text("detail-text", `${moment.format(found.occurred_at * 1000)} UTC${waited(found)}. Score ${percent(found.score)}${found.alert ? ", an alert" : ""}. ${truth}`);
  const seen = Object.entries(found.features).sort(([one], [other]) => Math.abs(why[other] ?? 0) - Math.abs(why[one] ?? 0));
  const rows = seen.map(([name, value]) => row(
    cell(name.replaceAll("_", " ")), cell(count.format(value), "number"),
    cell(name in why ? signed.format(why[name]) : "", "number"),
  ));
  byId("detail-rows").replaceChildren(...rows);
  byId("detail").showModal();
}

async function showProof() {
  const response = await ask("/v1/reproduction");
  if (!response.ok) return;
  const { status, model_sha256: hashes } = await response.json();
  const words = { same: "The same, byte for byte", different: "The two differ", pending: "Training a second time, to compare" };
  byId("proof").dataset.state = { same: "good", different: "bad", pending: "wait" }[status];
  text("proof-text", words[status]);
  for (const [index, which] of ["first", "second"].entries()) {
    text(`hash-${which}`, hashes[index] ?? "…");
    bars(byId(`bars-${which}`), hashes[index] ?? "");
  }
}

function keep(values, value) {
  values.push(value);
  if (values.length > KEPT) values.shift();
}

function percent(score) {
  return `${(score * 100).toFixed(score < 0.0995 ? 1 : 0)}%`;
}

function waited({ occurred_at: at, arrived_at: arrived }) {
  const late = arrived - at;
  if (late <= 60) return "";
  return late < 5400 ? `, ${Math.round(late / 60)} min late` : `, ${(late / 3600).toFixed(1)} h late`;
}
