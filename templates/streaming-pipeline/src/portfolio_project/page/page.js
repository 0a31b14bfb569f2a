// Small tools of the page: its elements, its requests, its key.

const KEY = "api-key";

export const byId = (id) => document.getElementById(id);

/** Write `value` into an element, if it is not there already: screen readers hear changes only. */
export function text(id, value) {
  const element = byId(id);
  if (element.textContent !== value) element.textContent = value;
}

export function headers() {
  const key = sessionStorage.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** What the API said in a run that was recorded; null on a live page. See `record`. */
export const recording = globalThis.recording ?? null;

/** Ask the API; errors are answers too. */
export async function ask(path, method = "GET", body = null) {
  if (recording) return recorded(path, method);
  const sent = body === null ? {} : { body: JSON.stringify(body) };
  const type = body === null ? {} : { "Content-Type": "application/json" };
  try {
    return await fetch(path, { method, headers: { ...headers(), ...type }, ...sent });
  } catch {
    return new Response('{"detail": "The service does not answer."}', { status: 503 });
  }
}

function recorded(path, method) {
  const answer = method === "GET" ? recording.answers[path.split("?")[0]] : undefined;
  const words = method === "GET" ? "This was not recorded." : "This is a recorded run: nothing can be changed.";
  return new Response(JSON.stringify(answer ?? { detail: words }), { status: answer === undefined ? 409 : 200 });
}

/** Ask for a key, and start again with it. */
export function unlock() {
  byId("door").showModal();
  byId("door-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, byId("key").value.trim());
    location.reload();
  });
}

export function row(...cells) {
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}

export function cell(content, kind = "") {
  const element = document.createElement("td");
  if (kind) element.className = kind;
  element.append(content);
  return element;
}
