// The live feed over fetch: unlike EventSource it can send a key, and it resumes just the same.

import { recording } from "./page.js";

const RETRY_MS = 1000;

/**
 * Read server-sent events from `url` for ever, behind the event `lastId` if one is given.
 * `on` maps an event's name to a function of its data.
 */
export async function follow(url, headers, on, onState, lastId) {
  if (recording) return replay(on, onState);
  for (;;) {
    try {
      const resume = lastId === null ? {} : { "Last-Event-ID": lastId };
      const response = await fetch(url, { headers: { ...headers(), ...resume } });
      if (response.status === 401) {
        onState("locked");
        return;
      }
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      onState("live");
      for await (const event of events(response.body)) {
        if (event.id) lastId = event.id;
        on[event.name]?.(JSON.parse(event.data));
      }
    } catch {
      onState("broken");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Play the recorded feed at the pace at which it came. */
async function replay(on, onState) {
  onState("recorded");
  const began = performance.now();
  for (const { after, name, data } of recording.frames) {
    const wait = after - (performance.now() - began);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    on[name]?.(data);
  }
  onState("ended");
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    const blocks = buffer.split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event.data) yield event;
    }
  }
}

function parse(block) {
  const event = { name: "message", data: "", id: null };
  for (const line of block.split("\n")) {
    const [, field, value] = line.match(/^(\w+): ?(.*)$/) ?? [];
    if (field === "event") event.name = value;
    else if (field === "data") event.data += value;
    else if (field === "id") event.id = value;
  }
  return event;
}
