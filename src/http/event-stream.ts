import { F } from "./field.ts";
import { FIELD_ID, FIELD_SLOTS, FORWARD, NAME_END, NAME_START, VALUE_END, VALUE_START } from "./request.ts";
import type { ResponseHead } from "./response-head.ts";

/** Whether an answer is a stream of server-sent events: it may be silent for hours and has no end of its own. */
export function isEventStream(head: ResponseHead): boolean {
  if (head.status !== 200) return false;
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (head.fields[slot + FIELD_ID] !== F.contentType) continue;
    const start = head.fields[slot + VALUE_START]!;
    const end = head.fields[slot + VALUE_END]!;
    if (end - start < EVENT_STREAM.length) return false;
    const after = end - start === EVENT_STREAM.length ? SEMICOLON : head.source[start + EVENT_STREAM.length]!;
    if (after !== SEMICOLON && after !== SPACE) return false;
    return head.source.latin1Slice(start, start + EVENT_STREAM.length).toLowerCase() === EVENT_STREAM;
  }
  return false;
}

/**
 * For routes with `mode = "sse_stream"`: no cache and no buffer on the way may keep the answer. What the upstream says
 * is replaced, except `no-store`, which asks for more.
 */
export function markStream(head: ResponseHead): void {
  const { fields, source } = head;
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const name = fields[slot + FIELD_ID];
    if (name === F.cacheControl) {
      const value = source.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
      if (/no-store/i.test(value)) continue;
      fields[slot + FORWARD] = 0;
    } else if (fields[slot + NAME_END]! - fields[slot + NAME_START]! === BUFFERING.length) {
      const text = source.latin1Slice(fields[slot + NAME_START]!, fields[slot + NAME_END]!);
      if (text.toLowerCase() === BUFFERING) fields[slot + FORWARD] = 0;
    }
  }
  head.isStream = true;
}

const EVENT_STREAM = "text/event-stream";
const BUFFERING = "x-accel-buffering";
const SEMICOLON = 59;
const SPACE = 32;
