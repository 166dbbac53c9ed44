import { putNumber } from "../std/byte-print.ts";
import {
  ENCODED_FIELD_EXTRA_BYTES,
  encodedField,
  putField,
  putKnownField,
  putStatus,
  putTextField,
  textPrefix,
} from "./hpack-encoder.ts";
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
import type { Trailers } from "./trailer.ts";

/** What `putAnswer` adds to the upstream's fields at most, but for the added lines. */
const OWN_ANSWER_BYTES_MAX = 512;

/** Room that `putAnswer` needs. */
export function answerBytesMax(head: ResponseHead): number {
  const count = head.fieldCount;
  const given = count === 0 ? 0 : head.fields[(count - 1) * FIELD_SLOTS + VALUE_END]! - head.reasonEnd;
  return given + count * ENCODED_FIELD_EXTRA_BYTES + 2 * head.addedLines.length + OWN_ANSWER_BYTES_MAX;
}

/**
 * Writes the header block of an answer: what `printResponse` prints, without what HTTP/2 says by other means.
 * `bodyLength` -1 = no content-length; `dateText` is used where the upstream gave no Date. `without`: the id of a field
 * to leave out, 0 = none.
 */
export function putAnswer(
  out: Buffer,
  at: number,
  head: ResponseHead,
  status: number,
  request: CanonicalRequest,
  dateText: string,
  bodyLength: number,
  without: number,
): number {
  const { source, fields } = head;
  at = putStatus(out, at, status);
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FORWARD] === 0) continue;
    const id = fields[slot + FIELD_ID]!;
    if (id === 0)
      at = putField(
        out,
        at,
        source,
        fields[slot + NAME_START]!,
        fields[slot + NAME_END]!,
        fields[slot + VALUE_START]!,
        fields[slot + VALUE_END]!,
      );
    else if (id !== without)
      at = putKnownField(out, at, id, source, fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
  }
  if (head.isStream) at = putBytes(out, at, STREAM_FIELDS);
  if (head.addedLines !== "") at = putLines(out, at, head.addedLines);
  if (!head.hasDate) at = putTextField(out, at, "date", dateText);
  at = putSpan(out, at, REQUEST_ID, request.arena, request.requestIdStart, request.requestIdEnd);
  at = putSpan(out, at, TRACEPARENT, request.arena, request.traceStart, request.traceEnd);
  if (bodyLength >= 0) at = putContentLength(out, at, bodyLength);
  return at;
}

/** Room that `putTrailers` needs. */
export function trailerBytesMax(trailers: Trailers): number {
  let bytes = 0;
  for (const text of trailers) bytes += text.length + ENCODED_FIELD_EXTRA_BYTES;
  return bytes;
}

export function putTrailers(out: Buffer, at: number, trailers: Trailers): number {
  for (let index = 0; index + 1 < trailers.length; index += 2)
    at = putTextField(out, at, trailers[index]!, trailers[index + 1]!);
  return at;
}

/** Whole `Name: value` lines. */
function putLines(out: Buffer, at: number, lines: string): number {
  for (let from = 0; from < lines.length; ) {
    const colon = lines.indexOf(": ", from);
    const end = lines.indexOf("\r\n", colon);
    at = putTextField(out, at, lines.slice(from, colon).toLowerCase(), lines.slice(colon + 2, end));
    from = end + 2;
  }
  return at;
}

/** The span is shorter than 127 bytes: request ids and traces are. */
function putSpan(
  out: Buffer,
  at: number,
  prefix: Buffer,
  source: Buffer,
  start: number,
  end: number,
): number {
  at = putBytes(out, at, prefix);
  out[at++] = end - start;
  source.copy(out, at, start, end);
  return at + end - start;
}

function putContentLength(out: Buffer, at: number, length: number): number {
  at = putBytes(out, at, CONTENT_LENGTH);
  const end = putNumber(out, at + 1, length);
  out[at] = end - at - 1;
  return end;
}

function putBytes(out: Buffer, at: number, bytes: Buffer): number {
  for (let i = 0; i < bytes.length; i++) out[at++] = bytes[i]!;
  return at;
}

const STREAM_FIELDS = Buffer.concat([
  encodedField("cache-control", "no-cache"),
  encodedField("x-accel-buffering", "no"),
]);
const REQUEST_ID = textPrefix("x-request-id");
const TRACEPARENT = textPrefix("traceparent");
const CONTENT_LENGTH = textPrefix("content-length");
