// Small tools of the page: its elements, its requests, its key. A recorded page answers by itself.

const KEY = "api-key";
const { recording } = globalThis;

export const recorded = Boolean(recording);
export const byId = (id) => document.getElementById(id);

/** Write `value` into an element, if it is not there already: screen readers hear changes only. */
export function text(id, value) {
  const element = byId(id);
  if (element.textContent !== value) element.textContent = value;
}

/** Make an element with attributes and content. */
export function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...content);
  return element;
}

function headers(more = {}) {
  const key = recorded ? null : sessionStorage.getItem(KEY);
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

/** Ask the API; returns {ok, status, data}. Errors are answers too. */
export async function ask(path, body) {
  if (recorded) return replay(path, body);
  try {
    const options = body
      ? { method: "POST", headers: headers({ "Content-Type": "application/json" }), body: JSON.stringify(body) }
      : { headers: headers() };
    const response = await fetch(path, options);
    if (response.status === 401) unlock();
    return { ok: response.ok, status: response.status, data: await response.json() };
  } catch {
    return { ok: false, status: 503, data: { detail: "The service does not answer." } };
  }
}

function replay(path, body) {
  const key = body ? `${path} ${JSON.stringify(body)}` : path;
  const data = recording.answers[key];
  const detail = "This page is a recording: it knows the examples below the search field.";
  return data ? { ok: true, status: 200, data } : { ok: false, status: 404, data: { detail } };
}

const fetched = new Map();

/** A document's picture as a data URL, or nothing. */
export function picture(id) {
  if (recorded) return Promise.resolve(recording.pictures[id]);
  if (!fetched.has(id)) {
    if (fetched.size > 400) fetched.clear();
    fetched.set(id, load(`/v1/documents/${id}/image`).then((blob) => blob && dataUrl(blob)));
  }
  return fetched.get(id);
}

/** Play a document's sound; says whether there was one. */
export async function play(id) {
  const data = recorded
    ? recording.sounds[id] && (await (await fetch(recording.sounds[id])).arrayBuffer())
    : await (await load(`/v1/documents/${id}/sound`))?.arrayBuffer();
  if (!data) return false;
  const context = new AudioContext();
  const source = context.createBufferSource();
  source.buffer = await context.decodeAudioData(data);
  source.connect(context.destination);
  source.onended = () => context.close();
  source.start();
  return true;
}

async function load(path) {
  const response = await fetch(path, { headers: headers() });
  return response.ok ? response.blob() : undefined;
}

/** The bytes of a file as a data URL. */
export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function unlock() {
  if (byId("door").open) return;
  byId("door").showModal();
  byId("door-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, byId("key").value.trim());
    location.reload();
  });
}

/** Tell of a trouble, or that it is over. */
export function notice(message = "") {
  byId("notice").hidden = !message;
  text("notice", message);
}
