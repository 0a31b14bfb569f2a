// The embedding map: every document a dot; pointing shows it, clicking searches with it.

import { ask, byId, make, picture, recorded, text } from "./page.js";
import { searchLike } from "./search.js";

const NAMED = {
  red: "#d8392b", orange: "#e8862e", yellow: "#d9b310", green: "#2f9e4f", cyan: "#1fa7b8", blue: "#3367d6",
  purple: "#8e4ec6", white: "#9aa3ad", black: "#3b4148", grey: "#8b8f94", brown: "#8a5a2b", navy: "#24407a",
};
const OTHERS = ["#2f7f74", "#c02f12", "#95610a", "#5b5bd6", "#1a6b45", "#b4237a", "#4a6fa5", "#7a6a2f"];

let points = [];
let near = null;

/** Load the map; returns its documents. */
export async function watchMap() {
  const { ok, data } = await ask("/v1/map?limit=600");
  if (!ok) return [];
  points = data.points;
  text("map-text", `${points.length} documents by the two directions in which their pictures differ most (${Math.round(100 * data.explained)}% of the variance). Point at a dot to see it${recorded ? "" : "; click to search with it"}.`);
  const canvas = byId("map");
  canvas.addEventListener("pointermove", (event) => point(event.offsetX, event.offsetY));
  canvas.addEventListener("pointerleave", () => show(null));
  if (!recorded) canvas.addEventListener("click", () => near && searchLike(near.id));
  byId("map-by").addEventListener("change", draw);
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return points;
}

export function offerColours(names) {
  const first = ["first.colour", "background"].find((name) => names.includes(name));
  byId("map-by").replaceChildren(...names.map((name) => make("option", { value: name }, name.replace(".", " "))));
  if (first) byId("map-by").value = first;
  byId("map-by").parentElement.hidden = !names.length;
  draw();
}

function colours() {
  const by = byId("map-by").value;
  const values = [...new Set(points.map(({ attributes }) => attributes[by]))].sort();
  return points.map(({ attributes }) => NAMED[attributes[by]] ?? OTHERS[Math.max(0, values.indexOf(attributes[by])) % OTHERS.length]);
}

function place({ x, y }, width, height) {
  return [width / 2 + x * (width / 2 - 18), height / 2 - y * (height / 2 - 18)];
}

function draw() {
  const canvas = byId("map");
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const dyes = colours();
  points.forEach((one, at) => {
    const [x, y] = place(one, width, height);
    context.globalAlpha = one === near ? 1 : 0.78;
    context.fillStyle = dyes[at];
    context.beginPath();
    context.arc(x, y, one === near ? 8 : 4.5, 0, 7);
    context.fill();
  });
}

function point(x, y) {
  const { clientWidth: width, clientHeight: height } = byId("map");
  let best = 15;
  let found = null;
  for (const one of points) {
    const [left, top] = place(one, width, height);
    const away = Math.hypot(left - x, top - y);
    if (away < best) [best, found] = [away, one];
  }
  show(found);
}

async function show(one) {
  if (one === near) return;
  near = one;
  draw();
  const box = byId("readout");
  box.hidden = !one;
  if (!one) return;
  const { clientWidth: width, clientHeight: height } = byId("map");
  const [x, y] = place(one, width, height);
  box.style.left = `${Math.max(0, Math.min(x + 14, width - 240))}px`;
  box.style.top = `${Math.max(0, Math.min(y + 14, height - 96))}px`;
  box.lastElementChild.textContent = one.caption ?? one.id;
  const url = await picture(one.id);
  if (near === one && url) box.firstElementChild.src = url;
}
