// The question (its parts, target and filters), and what fits it.

import { ask, byId, dataUrl, make, notice, picture, play, recorded, text } from "./page.js";
import { explain } from "./explain.js";

const LIMIT = 12;
const EXAMPLES = 4;
const LONGEST_EXAMPLE = 80;

/** Parts besides the words: {label, part, weight, thumbnail}. */
const parts = [];
let turn = 0;

export function watchSearch() {
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  byId("targets").addEventListener("change", search);
  byId("filters").addEventListener("change", search);
  byId("drop").addEventListener("click", () => byId("file").click());
  byId("file").addEventListener("change", (event) => take([...event.target.files]));
  byId("drop").hidden = recorded;
  if (!recorded) watchDrop();
}

/** Captions of some documents, to begin with; a recorded page has answers to its own. */
export function offerExamples(documents) {
  const short = documents.map(({ caption }) => caption).filter((one) => one && one.length <= LONGEST_EXAMPLE);
  const captions = [...new Set(short)];
  const every = Math.max(1, Math.floor(captions.length / EXAMPLES));
  const chosen = captions.filter((_, at) => at % every === 0).slice(0, EXAMPLES);
  const said = recorded ? globalThis.recording.examples : chosen;
  byId("examples").replaceChildren(...(said.length ? ["Try: ", ...said.map(example)] : []));
}

/** Fill the choices of the filters from what documents have. */
export function offerFilters(documents) {
  const values = new Map();
  for (const { attributes } of documents)
    for (const [name, value] of Object.entries(attributes))
      values.set(name, (values.get(name) ?? new Set()).add(value));
  const useful = [...values].filter(([, found]) => found.size > 1 && found.size <= 12);
  byId("filters").replaceChildren(...(recorded ? [] : useful.map(([name, found]) => filter(name, found))));
  byId("narrow").hidden = recorded || !useful.length;
  return useful.map(([name]) => name);
}

function filter(name, values) {
  const options = [...values].sort().map((value) => make("option", { value }, value));
  const select = make("select", { name }, make("option", { value: "" }, "any"), ...options);
  return make("label", {}, name.replace(".", " "), select);
}

function example(words) {
  const button = make("button", { type: "button", class: "link" }, words);
  button.addEventListener("click", () => {
    byId("words").value = words;
    parts.length = 0;
    search();
  });
  return button;
}

/** The body of the search that the page asks now. */
export function question() {
  const words = byId("words").value.trim();
  const query = parts.map(({ part, weight }) => ({ part, weight }));
  if (words) query.push({ part: { kind: "text", text: words }, weight: 1 });
  const filters = {};
  for (const select of byId("filters").querySelectorAll("select"))
    if (select.value) filters[select.name] = select.value;
  const target = document.querySelector("input[name=target]:checked").value;
  return { query, target, limit: LIMIT, filters };
}

/** Search with one stored document and nothing else. */
export function searchLike(id) {
  byId("words").value = "";
  parts.length = 0;
  picture(id).then((thumbnail) => {
    add({ label: id, part: { kind: "document", id, modality: "image" }, weight: 1, thumbnail });
    byId("ask-title").scrollIntoView({ block: "center" });
  });
}

export async function search() {
  const body = question();
  showParts();
  if (!body.query.length) return;
  const mine = ++turn;
  byId("cards").setAttribute("aria-busy", "true");
  const began = performance.now();
  const { ok, data } = await ask("/v1/search", body);
  if (mine !== turn) return;
  byId("cards").setAttribute("aria-busy", "false");
  notice(ok ? "" : data.detail ?? data.title);
  if (!ok) return;
  const took = recorded ? "" : ` in ${Math.round(performance.now() - began)} ms`;
  text("answer", `${data.hits.length} of ${data.target === "image" ? "the pictures" : `the ${data.target}s`}${took}; model ${data.model_version.slice(0, 8)}, index ${data.index_version}`);
  const none = make("li", { class: "none" }, "Nothing fits these filters.");
  byId("cards").replaceChildren(...(data.hits.length ? data.hits.map((hit) => card(hit, body.query)) : [none]));
}

function card(hit, query) {
  const image = make("img", { class: "picture", alt: hit.caption ?? hit.id, loading: "lazy" });
  picture(hit.id).then((url) => (url ? (image.src = url) : image.remove()));
  const why = make("button", { type: "button", class: "quiet", "aria-label": `Why ${hit.id}` }, "Why");
  why.addEventListener("click", () => explain(hit, query));
  const like = make("button", { type: "button", class: "quiet", "aria-label": `Alike: ${hit.id}` }, "Alike");
  like.addEventListener("click", () => searchLike(hit.id));
  const hear = make("button", { type: "button", class: "quiet", "aria-label": `Hear ${hit.id}` }, "Hear");
  hear.addEventListener("click", async () => (await play(hit.id)) || hear.replaceWith("silent"));
  const does = make("div", { class: "does" }, why, ...(recorded ? [] : [like]), ...(heard(hit) ? [hear] : []));
  return make("li", { class: "card", "data-id": hit.id }, image,
    make("div", { class: "body" }, score(hit.score), make("p", { class: "caption" }, hit.caption ?? hit.id), does));
}

/** Whether there may be a sound to hear. */
function heard({ id }) {
  return recorded ? id in globalThis.recording.sounds : !document.querySelector("input[value=sound]").disabled;
}

function score(value) {
  const row = make("p", { class: "score" }, value.toFixed(3));
  const share = Math.max(0, Math.min(1, value));
  row.insertAdjacentHTML("beforeend",
    `<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="whole" width="100" height="6" rx="3"/><rect class="part" width="${(100 * share).toFixed(1)}" height="6" rx="3"/></svg>`);
  return row;
}

function showParts() {
  byId("parts").replaceChildren(...parts.map((one, at) => {
    const shown = one.thumbnail ? [make("img", { src: one.thumbnail, alt: "", width: 40, height: 40 })] : [];
    const weight = make("input", { type: "range", min: 0.2, max: 2, step: 0.2, value: one.weight, "aria-label": `Weight of ${one.label}` });
    weight.addEventListener("change", () => {
      one.weight = Number(weight.value);
      search();
    });
    const remove = make("button", { type: "button", class: "quiet", "aria-label": `Remove ${one.label}` }, "×");
    remove.addEventListener("click", () => {
      parts.splice(at, 1);
      search();
    });
    return make("li", {}, ...shown, make("span", { class: "kind" }, one.label), weight, remove);
  }));
}

function add(part) {
  parts.push(part);
  search();
}

async function take(files) {
  byId("file").value = "";
  for (const file of files.slice(0, 4)) {
    const kind = file.type.startsWith("audio/") ? "sound" : "image";
    const url = await dataUrl(file);
    const data = url.slice(url.indexOf(",") + 1);
    add({ label: file.name.slice(0, 24), part: { kind, data }, weight: 1, thumbnail: kind === "image" ? url : "" });
  }
}

function watchDrop() {
  const zone = document.body;
  const mark = (on) => byId("drop").classList.toggle("over", on);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  zone.addEventListener("dragleave", () => mark(false));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    take([...event.dataTransfer.files]);
  });
}
