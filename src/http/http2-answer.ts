import { fieldNames } from "./field.ts";
import {
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "./request.ts";
import type { ResponseHead } from "./response-head.ts";

/**
 * The fields of an HTTP/2 answer, name and value in turn, `:status` first: what `printResponse` prints, without what
 * HTTP/2 says by other means. Names are in lower case (RFC 9113 §8.2.1), values one character per byte. `dateText` is
 * used where the upstream gave no Date.
 */
export function http2AnswerFields(head: ResponseHead, request: CanonicalRequest, dateText: string): string[] {
  const { source, fields } = head;
  const list = [":status", String(head.status)];
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FORWARD] === 0) continue;
    const id = fields[slot + FIELD_ID]!;
    const name =
      id !== 0
        ? fieldNames[id]!
        : source.latin1Slice(fields[slot + NAME_START]!, fields[slot + NAME_END]!).toLowerCase();
    list.push(name, source.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!));
  }
  if (head.isStream) list.push("cache-control", "no-cache", "x-accel-buffering", "no");
  if (head.addedLines !== "") pushLines(head.addedLines, list);
  if (!head.hasDate) list.push("date", dateText);
  const { arena } = request;
  list.push("x-request-id", arena.latin1Slice(request.requestIdStart, request.requestIdEnd));
  list.push("traceparent", arena.latin1Slice(request.traceStart, request.traceEnd));
  return list;
}

/** Whole `Name: value` lines as names and values in turn. */
function pushLines(lines: string, list: string[]): void {
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(": ", at);
    const end = lines.indexOf("\r\n", colon);
    list.push(lines.slice(at, colon).toLowerCase(), lines.slice(colon + 2, end));
    at = end + 2;
  }
}
