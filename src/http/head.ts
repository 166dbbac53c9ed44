import { type Reason, reasons } from "../reason.ts";
import { writeAuthority } from "./authority.ts";
import { F, FORWARD_MASK, fieldFlags, fieldId, HASH_PRIME, HASH_START, nameByte, ODD_NAME } from "./field.ts";
import { admitKnownField } from "./field-rule.ts";
import { readFraming } from "./framing.ts";
import { methodByte, methodId } from "./method.ts";
import { imitatesGuardedField } from "./odd-name.ts";
import type { PathOptions } from "./path.ts";
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
import { readTarget } from "./target.ts";

/** What a head may be; from the snapshot. */
export interface HeadLimits {
  readonly headBytesMax: number;
  readonly fieldsMax: number;
  readonly valueBytesMax: number;
  readonly targetBytesMax: number;
  readonly queryParamsMax: number;
  readonly path: PathOptions;
}

/** `readHead` found no end of head yet and nothing wrong so far. */
export const HEAD_MORE = 0;
/** `readHead` refused; the reason is in `request.refusal`. */
export const HEAD_REFUSED = -1;

/**
 * Reads one HTTP/1 request head from `source[start, end)`: the only place where request bytes are interpreted
 * (RFC 9112). Returns the offset after the head, `HEAD_MORE`, or `HEAD_REFUSED`. On success `request` is the canonical
 * form of everything but the client's identity. Strict on purpose: what two servers could read in two ways is refused.
 */
export function readHead(
  source: Uint8Array,
  start: number,
  end: number,
  request: CanonicalRequest,
  limits: HeadLimits,
): number {
  request.reset();
  let at = start;
  // RFC 9112 §2.2: one empty line before the request line is skipped (old clients send it after a POST body).
  if (at < end && source[at] === CR) {
    if (at + 1 >= end) return HEAD_MORE;
    if (source[at + 1] !== LF) return refuse(request, reasons.bareLf);
    at += 2;
  } else if (at < end && source[at] === LF) {
    at += 1;
  }
  const headStart = at;
  // Bytes beyond the limit are not even looked at: the cost of a refusal is bounded.
  const stop = Math.min(end, headStart + limits.headBytesMax);

  // --- request line: METHOD SP target SP HTTP/1.x CRLF
  const methodStart = at;
  while (at < stop && methodByte[source[at]!] === 1) at++;
  const methodEnd = at;
  if (at - methodStart > 32) return refuse(request, reasons.methodSyntax);
  if (at >= stop) return runOut(request, end, stop);
  // What a CR is depends on the byte after it: no split of the bytes may change the reason.
  if (source[at] === CR && at + 1 >= stop) return runOut(request, end, stop);
  if (source[at] !== SP || methodEnd === methodStart) return refuse(request, lineFault(source, at, stop));
  at++;
  const targetStart = at;
  while (at < stop && source[at]! > SP && source[at] !== 0x7f) at++;
  const targetEnd = at;
  request.targetBytes = targetEnd - targetStart;
  if (targetEnd - targetStart > limits.targetBytesMax) return refuse(request, reasons.uriLength);
  if (at >= stop) return runOut(request, end, stop);
  if (source[at] === CR && at + 1 >= stop) return runOut(request, end, stop);
  if (source[at] !== SP) return refuse(request, targetFault(source[at]!, source[at + 1]));
  if (targetEnd === targetStart) return refuse(request, reasons.requestLine);
  at++;
  const versionStart = at;
  while (at < stop && source[at] !== CR && source[at] !== LF) at++;
  if (at - versionStart > 16) return refuse(request, reasons.requestLine);
  if (at >= stop) return runOut(request, end, stop);
  const versionFault = readVersion(source, versionStart, at, request);
  if (versionFault !== undefined) return refuse(request, versionFault);
  if (source[at] === LF) return refuse(request, reasons.bareLf);
  if (at + 1 >= stop) return runOut(request, end, stop);
  if (source[at + 1] !== LF) return refuse(request, reasons.bareLf);
  at += 2;
  const method = methodId(source, methodStart, methodEnd);
  if (method < 0) return refuse(request, reasons.methodUnknown);
  request.method = method;

  // --- field lines
  const fieldsStart = at;
  const fieldsMax = Math.min(limits.fieldsMax, (request.fields.length / FIELD_SLOTS) | 0);
  let fields = request.fields;
  let count = 0;
  let irregular = false;
  for (;;) {
    if (at >= stop) return runOut(request, end, stop);
    const first = source[at]!;
    if (first === CR) {
      if (at + 1 >= stop) return runOut(request, end, stop);
      if (source[at + 1] !== LF) return refuse(request, reasons.bareLf);
      break;
    }
    if (count === fieldsMax) {
      if (count >= limits.fieldsMax) return refuse(request, reasons.headerCount);
      fields = request.growFields(limits.fieldsMax);
    }
    // Name: one table read per byte validates, folds for the hash, and notices odd characters.
    const nameStart = at;
    let hash = HASH_START;
    let odd = 0;
    for (; at < stop; at++) {
      const byte = nameByte[source[at]!]!;
      if (byte === 0) break;
      odd |= byte;
      hash = Math.imul(hash ^ byte, HASH_PRIME);
    }
    if (at >= stop) return runOut(request, end, stop);
    if (source[at] !== COLON || at === nameStart)
      return refuse(request, nameFault(source, nameStart, at, count));
    const nameEnd = at;
    at++;
    // Value: optional white space around it is not part of it (RFC 9110 §5.5).
    const afterColon = at;
    while (at < stop && (source[at] === SP || source[at] === TAB)) at++;
    const valueStart = at;
    let high = 0;
    for (; at < stop; at++) {
      const byte = source[at]!;
      if (byte < SP) {
        if (byte !== TAB) break;
      } else if (byte >= 0x7f) {
        if (byte === 0x7f) break;
        high = 1;
      }
    }
    if (at >= stop) return runOut(request, end, stop);
    if (source[at] !== CR) return refuse(request, source[at] === LF ? reasons.bareLf : reasons.fieldValue);
    if (at + 1 >= stop) return runOut(request, end, stop);
    if (source[at + 1] !== LF) return refuse(request, reasons.bareLf);
    let valueEnd = at;
    while (valueEnd > valueStart && (source[valueEnd - 1] === SP || source[valueEnd - 1] === TAB)) valueEnd--;
    if (valueEnd - valueStart > limits.valueBytesMax) return refuse(request, reasons.headerValue);
    // Canonical lines are `Name: value` with one space; others are written out again below.
    if (valueStart !== afterColon + 1 || source[afterColon] !== SP || valueEnd !== at) irregular = true;
    at += 2;

    let forward = 1;
    let id = 0;
    if ((odd & ODD_NAME) !== 0) {
      // `_`, `.` and their like become `-` in CGI-like servers: never forwarded; refused when they would become a
      // field that frames, forwards or identifies (issue 2, item 3; 9 of 4,000 real requests carry `is_xhr`).
      if (imitatesGuardedField(source, nameStart, nameEnd)) return refuse(request, reasons.underscore);
      request.droppedNames++;
      forward = 0;
    } else {
      id = fieldId(source, nameStart, nameEnd, hash);
      if (id !== 0) {
        const fault = admitKnownField(request, id, count, high !== 0);
        if (fault !== undefined) return refuse(request, fault);
        if ((fieldFlags[id]! & FORWARD_MASK) !== 0) forward = 0;
      }
    }
    const slot = count * FIELD_SLOTS;
    fields[slot + NAME_START] = nameStart - fieldsStart;
    fields[slot + NAME_END] = nameEnd - fieldsStart;
    fields[slot + VALUE_START] = valueStart - fieldsStart;
    fields[slot + VALUE_END] = valueEnd - fieldsStart;
    fields[slot + FIELD_ID] = id;
    fields[slot + FORWARD] = forward;
    count++;
  }
  const headEnd = at + 2;
  request.fieldCount = count;

  // --- the canonical copy: all field lines in one piece, spans relative to it
  request.reserve(at - fieldsStart);
  request.arena.set(source.subarray(fieldsStart, at), 0);
  request.arenaEnd = at - fieldsStart;
  if (irregular) rewriteIrregularLines(request);

  const fault =
    readTarget(source, targetStart, targetEnd, request, limits) ?? readHost(request) ?? readFraming(request);
  return fault === undefined ? headEnd : refuse(request, fault);
}

const CR = 13;
const LF = 10;
const SP = 32;
const TAB = 9;
const COLON = 58;

/** Host against the target's authority (RFC 9112 §3.2, RFC 9110 §7.2). */
function readHost(request: CanonicalRequest): Reason | undefined {
  const index = request.firstField[F.host]!;
  if (index < 0) {
    // HTTP/1.0 may leave it out; routes without hosts then serve it.
    return request.version === 10 ? undefined : reasons.host;
  }
  const slot = index * FIELD_SLOTS;
  const start = request.fields[slot + VALUE_START]!;
  const end = request.fields[slot + VALUE_END]!;
  if (start === end) return reasons.host;
  if (!request.hasTargetAuthority) return writeAuthority(request.arena, start, end, request);
  // Absolute-form: both must name the same host and port, or a server behind us may believe the other one.
  const { hostStart, hostEnd, port } = request;
  const fault = writeAuthority(request.arena, start, end, request);
  if (fault !== undefined) return fault;
  const same =
    request.hostEnd - request.hostStart === hostEnd - hostStart &&
    request.arena.compare(request.arena, hostStart, hostEnd, request.hostStart, request.hostEnd) === 0;
  const defaultPort = request.secureTarget ? 443 : 80;
  const samePort = (port === -1 ? defaultPort : port) === (request.port === -1 ? defaultPort : request.port);
  return same && samePort ? undefined : reasons.authorityMismatch;
}

/** Lines with other spacing get a canonical twin at the end of the arena; their spans point there. */
function rewriteIrregularLines(request: CanonicalRequest): void {
  for (let index = 0; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const fields = request.fields;
    const nameStart = fields[slot + NAME_START]!;
    const nameEnd = fields[slot + NAME_END]!;
    const valueStart = fields[slot + VALUE_START]!;
    const valueEnd = fields[slot + VALUE_END]!;
    const arena = request.arena;
    const regular = valueStart === nameEnd + 2 && arena[nameEnd + 1] === SP && arena[valueEnd] === CR;
    if (regular) continue;
    const nameBytes = nameEnd - nameStart;
    const valueBytes = valueEnd - valueStart;
    request.reserve(nameBytes + valueBytes + 4);
    const out = request.arena;
    const at = request.arenaEnd;
    out.copyWithin(at, nameStart, nameEnd);
    out[at + nameBytes] = COLON;
    out[at + nameBytes + 1] = SP;
    const valueAt = at + nameBytes + 2;
    out.copyWithin(valueAt, valueStart, valueEnd);
    out[valueAt + valueBytes] = CR;
    out[valueAt + valueBytes + 1] = LF;
    request.arenaEnd = valueAt + valueBytes + 2;
    fields[slot + NAME_START] = at;
    fields[slot + NAME_END] = at + nameBytes;
    fields[slot + VALUE_START] = valueAt;
    fields[slot + VALUE_END] = valueAt + valueBytes;
  }
}

function refuse(request: CanonicalRequest, reason: Reason): typeof HEAD_REFUSED {
  request.refusal = reason;
  return HEAD_REFUSED;
}

/** The bytes ended: wait for more, unless the size limit already decides. */
function runOut(request: CanonicalRequest, end: number, stop: number): number {
  return end > stop ? refuse(request, reasons.headerBytes) : HEAD_MORE;
}

function lineFault(source: Uint8Array, at: number, stop: number): Reason {
  const byte = source[at]!;
  if (byte === LF) return reasons.bareLf;
  if (byte === CR) return at + 1 < stop && source[at + 1] === LF ? reasons.requestLine : reasons.bareLf;
  return byte <= SP ? reasons.requestLine : reasons.methodSyntax;
}

/** Byte after a target that is not a space. `GET /` with no version is HTTP/0.9. */
function targetFault(byte: number, next: number | undefined): Reason {
  if (byte === CR) return next === LF ? reasons.version : reasons.bareLf;
  if (byte === LF) return reasons.bareLf;
  return byte === TAB ? reasons.requestLine : reasons.targetChar;
}

function nameFault(source: Uint8Array, nameStart: number, at: number, count: number): Reason {
  const byte = source[at]!;
  if (byte === LF) return reasons.bareLf;
  if (at === nameStart && (byte === SP || byte === TAB))
    return count === 0 ? reasons.fieldSyntax : reasons.obsFold;
  if (byte === COLON || byte === SP || byte === TAB || byte === CR) return reasons.fieldSyntax;
  return reasons.fieldName;
}

/** Exactly `HTTP/1.1` or `HTTP/1.0` (RFC 9112 §2.3). */
function readVersion(
  source: Uint8Array,
  start: number,
  end: number,
  request: CanonicalRequest,
): Reason | undefined {
  const named =
    end - start >= 5 &&
    source[start] === 72 &&
    source[start + 1] === 84 &&
    source[start + 2] === 84 &&
    source[start + 3] === 80 &&
    source[start + 4] === 47;
  if (!named) return versionlessFault(source, start, end);
  if (end - start === 8 && source[start + 6] === 46) {
    const major = source[start + 5]!;
    const minor = source[start + 7]!;
    if (major === 49 && (minor === 49 || minor === 48)) {
      request.version = minor === 49 ? 11 : 10;
      return undefined;
    }
    if (major >= 50 && major <= 57 && minor >= 48 && minor <= 57) return reasons.versionUnsupported;
    return reasons.version;
  }
  // A space after the version, or a second target: not one request line.
  for (let at = start + 5; at < end; at++)
    if (source[at] === SP || source[at] === TAB) return reasons.requestLine;
  return reasons.version;
}

function versionlessFault(source: Uint8Array, start: number, end: number): Reason {
  for (let at = start; at < end; at++) {
    if (source[at] === SP || source[at] === TAB) return reasons.requestLine;
    if (source[at] === 47) return reasons.protocol;
  }
  return reasons.requestLine;
}
