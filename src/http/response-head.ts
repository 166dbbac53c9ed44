import { F, fieldId, HASH_PRIME, HASH_START, nameByte } from "./field.ts";
import { FIELD_ID, FIELD_SLOTS, FORWARD, NAME_END, NAME_START, VALUE_END, VALUE_START } from "./request.ts";

/** How a response body ends on the wire. */
export const RESPONSE_NONE = 0;
export const RESPONSE_LENGTH = 1;
export const RESPONSE_CHUNKED = 2;
export const RESPONSE_CLOSE = 3;

/** `readResponseHead` results beside an offset. */
export const RESPONSE_MORE = 0;
export const RESPONSE_BAD = -1;

export const RESPONSE_HEAD_BYTES_MAX = 32768;
export const RESPONSE_FIELDS_MAX = 100;

/**
 * One upstream response head, as spans into the buffer it was read from. One instance serves a whole worker: it is
 * valid only during the call that it is passed to, and the client's head is printed from it at once.
 */
export class ResponseHead {
  source: Buffer = EMPTY;
  status = 0;
  /** 10 or 11. */
  version = 11;
  reasonStart = 0;
  reasonEnd = 0;
  fieldCount = 0;
  /** Slots as in request.ts. */
  readonly fields = new Int32Array(RESPONSE_FIELDS_MAX * FIELD_SLOTS);
  /** First span of contiguous field lines: fields stand in the source as received. */
  bodyKind = RESPONSE_NONE;
  bodyLength = 0;
  /** The upstream keeps the connection. */
  keepAlive = true;
  hasDate = false;
  /** Printed with `Cache-Control: no-cache` and `X-Accel-Buffering: no`; see `markStream`. */
  isStream = false;
  /** Whole lines with CRLF to add, from the request's `answerLines`. */
  addedLines = "";
  /** What was wrong, for the log; a closed list. */
  fault = "";
}

const EMPTY = Buffer.alloc(0);

/**
 * Reads one HTTP/1 response head from `source[start, end)` (RFC 9112 §4, §6.3). `bodiless` says that the request was
 * HEAD. Returns the offset after the head, `RESPONSE_MORE`, or `RESPONSE_BAD` with `head.fault` set. As strict as the
 * request side: an upstream that can be made to answer ambiguously is a way into the next client's answer.
 */
export function readResponseHead(
  source: Buffer,
  start: number,
  end: number,
  bodiless: boolean,
  head: ResponseHead,
): number {
  head.source = source;
  const stop = Math.min(end, start + RESPONSE_HEAD_BYTES_MAX);
  // Whatever arrives first must be able to become `HTTP/1.x NNN`.
  for (let i = 0; i < STATUS_LINE.length && start + i < stop; i++) {
    if (source[start + i] !== STATUS_LINE[i]) return bad(head, "not_http");
  }
  if (stop - start < 13) return end > stop ? bad(head, "head_bytes") : RESPONSE_MORE;
  const minor = source[start + 7]!;
  if (minor !== 48 && minor !== 49) return bad(head, "version");
  if (source[start + 8] !== SP) return bad(head, "status_line");
  const hundreds = source[start + 9]! - 48;
  const tens = source[start + 10]! - 48;
  const ones = source[start + 11]! - 48;
  if (!(hundreds >= 1 && hundreds <= 9 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9))
    return bad(head, "status");
  head.version = minor === 49 ? 11 : 10;
  head.status = hundreds * 100 + tens * 10 + ones;
  let at = start + 12;
  // The space before an empty reason is often left out.
  if (source[at] === SP) at++;
  else if (source[at] !== CR) return bad(head, "status");
  head.reasonStart = at;
  while (at < stop && source[at]! >= SP && source[at] !== 0x7f) at++;
  if (at + 1 >= stop) return end > stop ? bad(head, "head_bytes") : RESPONSE_MORE;
  if (source[at] !== CR || source[at + 1] !== LF) return bad(head, "status_line");
  head.reasonEnd = at;
  at += 2;

  head.bodyKind = RESPONSE_CLOSE;
  head.bodyLength = 0;
  head.keepAlive = head.version === 11;
  head.hasDate = false;
  head.isStream = false;
  head.addedLines = "";
  let lengthSeen = false;
  let chunked = false;
  let connectionAt = -1;
  let count = 0;
  const fields = head.fields;
  for (;;) {
    if (at + 1 >= stop) return end > stop ? bad(head, "head_bytes") : RESPONSE_MORE;
    if (source[at] === CR) {
      if (source[at + 1] !== LF) return bad(head, "bare_cr");
      break;
    }
    if (count === RESPONSE_FIELDS_MAX) return bad(head, "field_count");
    const nameStart = at;
    let hash = HASH_START;
    for (; at < stop; at++) {
      const byte = nameByte[source[at]!]!;
      if (byte === 0) break;
      hash = Math.imul(hash ^ byte, HASH_PRIME);
    }
    if (at >= stop) return end > stop ? bad(head, "head_bytes") : RESPONSE_MORE;
    if (source[at] !== COLON || at === nameStart)
      return bad(head, source[nameStart] === SP || source[nameStart] === TAB ? "obs_fold" : "field_name");
    const nameEnd = at++;
    while (at < stop && (source[at] === SP || source[at] === TAB)) at++;
    const valueStart = at;
    for (; at < stop; at++) {
      const byte = source[at]!;
      if ((byte < SP && byte !== TAB) || byte === 0x7f) break;
    }
    if (at + 1 >= stop) return end > stop ? bad(head, "head_bytes") : RESPONSE_MORE;
    if (source[at] !== CR || source[at + 1] !== LF) return bad(head, "field_value");
    let valueEnd = at;
    while (valueEnd > valueStart && (source[valueEnd - 1] === SP || source[valueEnd - 1] === TAB)) valueEnd--;
    at += 2;
    const id = fieldId(source, nameStart, nameEnd, hash);
    let forward = 1;
    if (id !== 0 && dropped[id] !== 0) {
      forward = 0;
      if (id === F.contentLength) {
        // 204 and 1xx must not carry one; on HEAD and 304 it describes the body that is not sent.
        if (lengthSeen) return bad(head, "content_length");
        const length = parseLength(source, valueStart, valueEnd);
        if (length < 0) return bad(head, "content_length");
        lengthSeen = true;
        head.bodyLength = length;
      } else if (id === F.transferEncoding) {
        if (chunked || head.version === 10) return bad(head, "transfer_encoding");
        if (source.latin1Slice(valueStart, valueEnd).toLowerCase() !== "chunked")
          return bad(head, "transfer_encoding");
        chunked = true;
      } else if (id === F.connection) {
        if (connectionAt === -1) connectionAt = count;
        readConnection(source, valueStart, valueEnd, head);
      }
    } else if (id === F.date) {
      head.hasDate = true;
    }
    const slot = count * FIELD_SLOTS;
    fields[slot + NAME_START] = nameStart;
    fields[slot + NAME_END] = nameEnd;
    fields[slot + VALUE_START] = valueStart;
    fields[slot + VALUE_END] = valueEnd;
    fields[slot + FIELD_ID] = id;
    fields[slot + FORWARD] = forward;
    count++;
  }
  head.fieldCount = count;
  if (lengthSeen && chunked) return bad(head, "cl_te");
  if (connectionAt >= 0) dropNominated(head, connectionAt);
  const status = head.status;
  if (bodiless || status === 204 || status === 304 || status < 200) {
    head.bodyKind = RESPONSE_NONE;
    if (!lengthSeen || status === 204 || status < 200) head.bodyLength = -1;
  } else if (chunked) {
    head.bodyKind = RESPONSE_CHUNKED;
  } else if (lengthSeen) {
    head.bodyKind = RESPONSE_LENGTH;
  } else {
    head.keepAlive = false;
  }
  return at + 2;
}

const STATUS_LINE = Buffer.from("HTTP/1.", "latin1");
const KEEP_ALIVE = Buffer.from("keep-alive", "latin1");
const CLOSE = Buffer.from("close", "latin1");
const CR = 13;
const LF = 10;
const SP = 32;
const TAB = 9;
const COLON = 58;

function bad(head: ResponseHead, fault: string): typeof RESPONSE_BAD {
  head.fault = fault;
  return RESPONSE_BAD;
}

function parseLength(source: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) return -1;
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = source[at]! - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

function readConnection(source: Buffer, start: number, end: number, head: ResponseHead): void {
  if (head.version === 11 && is(source, start, end, KEEP_ALIVE)) return; // the common case
  for (const part of source.latin1Slice(start, end).toLowerCase().split(",", 32)) {
    const token = part.trim();
    if (token === "close") head.keepAlive = false;
    else if (token === "keep-alive") head.keepAlive = true;
  }
}

function is(source: Buffer, start: number, end: number, word: Buffer): boolean {
  return end - start === word.length && word.compare(source, start, end) === 0;
}

/** Fields that the upstream's Connection names are for this hop only. Rare: not on the path of ordinary answers. */
function dropNominated(head: ResponseHead, connectionAt: number): void {
  const { fields, source } = head;
  for (let index = connectionAt; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FIELD_ID] !== F.connection) continue;
    const start = fields[slot + VALUE_START]!;
    const end = fields[slot + VALUE_END]!;
    if (is(source, start, end, CLOSE) || is(source, start, end, KEEP_ALIVE)) continue;
    for (const part of source.latin1Slice(start, end).toLowerCase().split(",", 32)) {
      const token = part.trim();
      if (token === "" || token === "close" || token === "keep-alive") continue;
      for (let other = 0; other < head.fieldCount; other++) {
        const at = other * FIELD_SLOTS;
        const id = fields[at + FIELD_ID]!;
        if (id === F.setCookie || id === F.contentType || id === F.contentEncoding) continue;
        if (source.latin1Slice(fields[at + NAME_START]!, fields[at + NAME_END]!).toLowerCase() === token)
          fields[at + FORWARD] = 0;
      }
    }
  }
}

/** Response fields that are ours to say, or for one hop only. */
const dropped: Uint8Array = buildDropped();

function buildDropped(): Uint8Array {
  const flags = new Uint8Array(256);
  for (const id of [
    F.connection,
    F.keepAlive,
    F.proxyConnection,
    F.proxyAuthenticate,
    F.te,
    F.trailer,
    F.transferEncoding,
    F.upgrade,
    F.http2Settings,
    F.contentLength,
    F.server,
    F.surrogateKey,
    F.xZionCache,
    F.xRequestId,
    F.traceparent,
  ]) {
    flags[id] = 1;
  }
  return flags;
}
