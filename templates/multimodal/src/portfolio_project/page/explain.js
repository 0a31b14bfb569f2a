// Why a document fits: a heat map over its picture, and the words by their weight.

import { ask, byId, make, notice, picture, text } from "./page.js";

export async function explain(hit, query) {
  const { ok, data } = await ask("/v1/explain", { query, document: hit.id });
  notice(ok ? "" : data.detail ?? data.title);
  if (!ok) return;
  const url = await picture(hit.id);
  byId("why-picture").src = url ?? "";
  byId("why-picture").alt = hit.caption ?? hit.id;
  text("why-text", `Cosine with the picture ${data.score.toFixed(3)}. ${hit.caption ?? ""}`);
  paint(byId("why-heat"), data.regions);
  const most = Math.max(...data.words.map(({ weight }) => Math.abs(weight)), 1e-6);
  byId("why-words").replaceChildren(...data.words.map((one) => word(one, most)));
  byId("why").showModal();
}

/** Warm where the match rests, clear where it does not, blue where it would be better without. */
function paint(canvas, regions) {
  const context = canvas.getContext("2d");
  canvas.width = regions[0].length;
  canvas.height = regions.length;
  const most = Math.max(...regions.flat().map(Math.abs), 1e-6);
  const image = context.createImageData(canvas.width, canvas.height);
  regions.flat().forEach((value, at) => {
    const share = value / most;
    image.data.set(share > 0 ? [255, 74, 28, 200 * share] : [40, 120, 255, -160 * share], 4 * at);
  });
  context.putImageData(image, 0, 0);
}

function word({ word: content, weight }, most) {
  const share = weight / most;
  const element = make("span", { title: `${weight >= 0 ? "+" : ""}${weight.toFixed(3)}` }, content);
  element.style.borderBottomColor = share > 0 ? `rgb(224 74 28 / ${Math.round(100 * share)}%)` : `rgb(40 120 255 / ${Math.round(-100 * share)}%)`;
  return element;
}
