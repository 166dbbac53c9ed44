import { copy, latin1, put, putNumber } from "../std/byte-print.ts";
import type { Outbox } from "../std/outbox.ts";
import { FIELD_SLOTS, FORWARD, NAME_START, VALUE_END } from "./request.ts";
import type { ResponseHead } from "./response-head.ts";

/** How the answer's body is framed to the client. */
export const ANSWER_NONE = 0;
export const ANSWER_LENGTH = 1;
export const ANSWER_CHUNKED = 2;
export const ANSWER_CLOSE = 3;

/** What `printResponse` adds to the upstream's bytes at most. */
export const OWN_RESPONSE_BYTES_MAX = 1024;

/**
 * Prints the client's response head from the upstream's: its status and forwarded fields, our request id and
 * traceparent, and framing of our own. `out` must have room for RESPONSE_HEAD_BYTES_MAX plus OWN_RESPONSE_BYTES_MAX and the added lines.
 */
export function printResponse(
  head: ResponseHead,
  framing: number,
  keepAlive: boolean,
  clientVersion: number,
  idLines: Buffer,
  idLinesStart: number,
  idLinesEnd: number,
  dateLine: Uint8Array,
  out: Outbox,
): void {
  const bytes = out.bytes;
  const source = head.source;
  let at = put(bytes, out.end, STATUS_LINE);
  bytes[at++] = 48 + Math.floor(head.status / 100);
  bytes[at++] = 48 + (Math.floor(head.status / 10) % 10);
  bytes[at++] = 48 + (head.status % 10);
  bytes[at++] = 32;
  at = copy(bytes, at, source, head.reasonStart, head.reasonEnd);
  bytes[at++] = 13;
  bytes[at++] = 10;
  const fields = head.fields;
  let runStart = -1;
  let runEnd = -1;
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FORWARD] === 0) continue;
    const lineStart = fields[slot + NAME_START]!;
    if (lineStart !== runEnd) {
      if (runStart >= 0) at = copy(bytes, at, source, runStart, runEnd);
      runStart = lineStart;
    }
    runEnd = fields[slot + VALUE_END]!;
    // Padding after a value is not part of it; the line is closed by its own CRLF when there is none.
    if (source[runEnd] === 13) runEnd += 2;
    else {
      at = copy(bytes, at, source, runStart, runEnd);
      bytes[at++] = 13;
      bytes[at++] = 10;
      runStart = -1;
      runEnd = -1;
    }
  }
  if (runStart >= 0) at = copy(bytes, at, source, runStart, runEnd);
  if (head.isStream) at = put(bytes, at, STREAM_LINES);
  if (head.addedLines !== "") at += bytes.latin1Write(head.addedLines, at);
  if (!head.hasDate) at = put(bytes, at, dateLine);
  at = copy(bytes, at, idLines, idLinesStart, idLinesEnd);
  if (framing === ANSWER_CHUNKED) {
    at = put(bytes, at, CHUNKED_LINE);
  } else if (
    framing === ANSWER_LENGTH ||
    (framing === ANSWER_NONE && head.bodyLength >= 0 && head.status !== 204)
  ) {
    at = put(bytes, at, LENGTH);
    at = putNumber(bytes, at, head.bodyLength);
    bytes[at++] = 13;
    bytes[at++] = 10;
  }
  if (head.status === 101) at = put(bytes, at, SWITCH_LINES);
  else if (!keepAlive) at = put(bytes, at, CLOSE);
  else if (clientVersion === 10) at = put(bytes, at, KEEP_ALIVE);
  bytes[at] = 13;
  bytes[at + 1] = 10;
  out.end = at + 2;
}

const STATUS_LINE = latin1("HTTP/1.1 ");
const SWITCH_LINES = latin1("Connection: Upgrade\r\nUpgrade: websocket\r\n");
const STREAM_LINES = latin1("Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n");
const CHUNKED_LINE = latin1("Transfer-Encoding: chunked\r\n");
const LENGTH = latin1("Content-Length: ");
const CLOSE = latin1("Connection: close\r\n");
const KEEP_ALIVE = latin1("Connection: keep-alive\r\n");
