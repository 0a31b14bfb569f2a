// Puts the page together: what is held, the search, the map.

import { ask, byId, make, notice, recorded } from "./page.js";
import { offerColours, watchMap } from "./map.js";
import { offerExamples, offerFilters, search, watchSearch } from "./search.js";

async function start() {
  watchSearch();
  const { ok, data } = await ask("/v1/index");
  if (!ok) return notice(data.detail ?? data.title);
  const count = make("b", {}, data.documents.toLocaleString("en"));
  const model = make("code", {}, data.model_version.slice(0, 8));
  byId("held").replaceChildren(count, " documents · model ", model, ` · index ${data.index_version}`, recorded ? " · a recording" : "");
  for (const input of document.querySelectorAll("input[name=target]"))
    input.disabled = !data.vectors[input.value] || (recorded && input.value !== "image");
  const documents = await watchMap();
  offerExamples(documents);
  const names = offerFilters(documents);
  offerColours(names);
  if (!data.documents) return notice("The index is empty: run the command `index build`, or put documents in through the API.");
  byId("examples").querySelector("button")?.click();
}

start();
