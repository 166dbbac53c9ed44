import { randomBytes } from "node:crypto";
import { type Reason, reasons } from "../reason.ts";
import { writeAuthority } from "./authority.ts";
import { F, FORWARD_MASK, fieldFlags } from "./field.ts";
import {
  FACT_EIGHT_BIT,
  FACT_ID,
  FACT_IMITATES,
  FACT_MALFORMED,
  FACT_ODD,
  FACT_PSEUDO,
  fieldFacts,
  PSEUDO_AUTHORITY,
  PSEUDO_METHOD,
  PSEUDO_PATH,
  PSEUDO_PROTOCOL,
  PSEUDO_SCHEME,
} from "./field-facts.ts";
import { admitKnownField } from "./field-rule.ts";
import { readFraming } from "./framing.ts";
import type { HeadLimits } from "./head.ts";
import type { FieldSink } from "./hpack-decoder.ts";
import { methodByte, methodId } from "./method.ts";
import { refusedHeadOf } from "./refused-head.ts";
import {
  BODY_CHUNKED,
  BODY_NONE,
  CanonicalRequest,
  CONNECT,
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  GET,
  HEAD,
  NAME_END,
  NAME_START,
  OPTIONS,
  VALUE_END,
  VALUE_START,
} from "./request.ts";
import { readTarget } from "./target.ts";

/** Cookie fields of one head. Browsers send a crumb per cookie (RFC 9113 §8.2.3): 46 were seen in real traffic. */
export const COOKIE_CRUMBS_MAX = 128;

/**
 * Reads the fields of an HTTP/2 request straight into the canonical form, as strictly as head.ts reads HTTP/1: the same
 * rules for targets, authorities, known fields and framing, and what only HTTP/2 knows (RFC 9113 §8.2, §8.3). Malformed
 * heads are refused with `reasons.http2Head`, whose detail says why. One per worker; a head at a time.
 */
export class Http2HeadReader implements FieldSink {
  #request: CanonicalRequest = NO_REQUEST;
  #limits: HeadLimits | undefined;
  #fault: Reason | undefined;
  #detail = "";
  /** Bytes so far, as they would stand in an HTTP/1 head. */
  #size = 0;
  #hasFields = false;

  // Pseudo-fields, copied: what they stand in may be gone when the last of them is here.
  #pseudo: Buffer = Buffer.allocUnsafeSlow(4096);
  #pseudoEnd = 0;
  /** Bits `1 << PSEUDO_…`. */
  #seen = 0;
  readonly #starts = new Int32Array(PSEUDO_PROTOCOL + 1);
  readonly #ends = new Int32Array(PSEUDO_PROTOCOL + 1);

  #cookie: Buffer = Buffer.allocUnsafeSlow(4096);
  #cookieEnd = 0;
  #crumbs = 0;
  #isCookieEightBit = false;

  /** Fields for `request` follow. `request.secure` is set by the caller. */
  begin(request: CanonicalRequest, limits: HeadLimits): void {
    request.reset();
    this.#request = request;
    this.#limits = limits;
    this.#fault = undefined;
    this.#detail = "";
    this.#size = HEAD_OVERHEAD_BYTES;
    this.#hasFields = false;
    this.#pseudoEnd = this.#seen = 0;
    this.#cookieEnd = this.#crumbs = 0;
    this.#isCookieEightBit = false;
  }

  onField(bytes: Buffer, start: number, nameLength: number, valueLength: number, facts: number): void {
    if (this.#fault !== undefined) return;
    // Counted before anything is copied: a reference of one byte can stand for a field of 4 KiB (HPACK bomb).
    this.#size += nameLength + valueLength + LINE_OVERHEAD_BYTES;
    if (this.#size > this.#limits!.headBytesMax) this.#fault = reasons.headerBytes;
    else if ((facts & FACT_MALFORMED) !== 0) this.#malformed("field");
    else if ((facts & FACT_PSEUDO) !== 0)
      this.#takePseudo(bytes, start + nameLength + 2, valueLength, facts & FACT_ID);
    else this.#takeField(bytes, start, nameLength, valueLength, facts);
  }

  /**
   * The last field was given. `isOver`: no body follows. `takesWebSocket`: an extended CONNECT is understood (RFC 8441).
   * The outcome is in `request.refusal`.
   */
  end(isOver: boolean, takesWebSocket: boolean): void {
    const request = this.#request;
    const fault = this.#fault ?? this.#finish(isOver, takesWebSocket);
    if (fault !== undefined) {
      const { targetBytes } = request;
      const isHead = (this.#seen & (1 << PSEUDO_METHOD)) !== 0 && this.#is(PSEUDO_METHOD, "HEAD");
      request.reset();
      // Its stream must not have content (RFC 9110 §9.3.2): clients take it for an error, and never see the status.
      if (isHead) request.method = HEAD;
      request.refusal = fault;
      request.refusalDetail = this.#detail;
      request.refusedHead = refusedHeadOf(
        this.#pseudoText(PSEUDO_METHOD),
        this.#pseudoText(PSEUDO_PATH),
        this.#pseudoText(PSEUDO_AUTHORITY),
      );
      request.targetBytes = targetBytes;
    }
    request.version = 20;
    this.#request = NO_REQUEST;
  }

  #malformed(detail: string): Reason {
    this.#detail = detail;
    this.#fault = reasons.http2Head;
    return this.#fault;
  }

  #takePseudo(bytes: Buffer, valueStart: number, valueLength: number, kind: number): void {
    const bit = 1 << kind;
    if (kind === 0 || (this.#seen & bit) !== 0 || this.#hasFields) {
      this.#malformed("pseudo_field");
      return;
    }
    this.#seen |= bit;
    const end = this.#pseudoEnd + valueLength;
    if (end > this.#pseudo.length) this.#pseudo = grown(this.#pseudo, end);
    bytes.copy(this.#pseudo, this.#pseudoEnd, valueStart, valueStart + valueLength);
    this.#starts[kind] = this.#pseudoEnd;
    this.#ends[kind] = end;
    this.#pseudoEnd = end;
  }

  #takeField(bytes: Buffer, start: number, nameLength: number, valueLength: number, facts: number): void {
    const id = facts & FACT_ID;
    if (!this.#hasFields) {
      this.#hasFields = true;
      this.#writeHost();
      if (this.#fault !== undefined) return;
    }
    if (id === F.cookie) {
      this.#takeCrumb(bytes, start + nameLength + 2, valueLength, facts);
      return;
    }
    if (id === F.host && this.#request.firstField[F.host]! >= 0) {
      this.#compareHost(bytes, start + nameLength + 2, valueLength);
      return;
    }
    this.#writeField(bytes, start, nameLength, valueLength, facts);
  }

  /** `:authority` becomes the field that names the host, in front of all others. */
  #writeHost(): void {
    if ((this.#seen & (1 << PSEUDO_AUTHORITY)) === 0) return;
    const start = this.#starts[PSEUDO_AUTHORITY]!;
    const length = this.#ends[PSEUDO_AUTHORITY]! - start;
    const request = this.#request;
    request.reserve(HOST_LINE.length + length + 2);
    const { arena } = request;
    HOST_LINE.copy(arena, 0);
    this.#pseudo.copy(arena, HOST_LINE.length, start, start + length);
    const end = HOST_LINE.length + length;
    arena[end] = 13;
    arena[end + 1] = 10;
    // The eight-bit fact is looked for by `writeAuthority`.
    this.#admit(0, HOST_LINE.length - 2, length, F.host);
  }

  /** Two names for one target: whoever routes by the other one would serve somebody else (H2-9). */
  #compareHost(bytes: Buffer, valueStart: number, valueLength: number): void {
    if ((this.#seen & (1 << PSEUDO_AUTHORITY)) === 0) {
      this.#malformed("host_dup");
      return;
    }
    const authority = this.#pseudo.latin1Slice(
      this.#starts[PSEUDO_AUTHORITY]!,
      this.#ends[PSEUDO_AUTHORITY]!,
    );
    const host = bytes.latin1Slice(valueStart, valueStart + valueLength);
    if (host.toLowerCase() !== authority.toLowerCase()) this.#fault = reasons.authorityMismatch;
  }

  /** Crumbs are one field for everybody behind us (RFC 9113 §8.2.3), which stands behind the others. */
  #takeCrumb(bytes: Buffer, valueStart: number, valueLength: number, facts: number): void {
    if (++this.#crumbs > COOKIE_CRUMBS_MAX) {
      this.#fault = reasons.cookieCrumbs;
      return;
    }
    if ((facts & FACT_EIGHT_BIT) !== 0) this.#isCookieEightBit = true;
    const needed = this.#cookieEnd + COOKIE_LINE.length + valueLength + 4;
    if (needed > this.#cookie.length) this.#cookie = grown(this.#cookie, needed);
    const cookie = this.#cookie;
    if (this.#crumbs === 1) {
      this.#cookieEnd = COOKIE_LINE.copy(cookie, 0);
    } else {
      cookie[this.#cookieEnd++] = 59;
      cookie[this.#cookieEnd++] = 32;
    }
    bytes.copy(cookie, this.#cookieEnd, valueStart, valueStart + valueLength);
    this.#cookieEnd += valueLength;
  }

  #writeCookie(): void {
    const cookie = this.#cookie;
    cookie[this.#cookieEnd] = 13;
    cookie[this.#cookieEnd + 1] = 10;
    const nameLength = COOKIE_LINE.length - 2;
    const facts = F.cookie | (this.#isCookieEightBit ? FACT_EIGHT_BIT : 0);
    this.#writeField(cookie, 0, nameLength, this.#cookieEnd - COOKIE_LINE.length, facts);
  }

  /** A line of ours, as if it had been sent. */
  #writeOwn(line: Buffer): void {
    const nameLength = line.indexOf(58);
    const valueLength = line.length - nameLength - LINE_OVERHEAD_BYTES;
    this.#writeField(
      line,
      0,
      nameLength,
      valueLength,
      fieldFacts(line, 0, nameLength, valueLength) & FACT_ID,
    );
  }

  #writeField(bytes: Buffer, start: number, nameLength: number, valueLength: number, facts: number): void {
    const request = this.#request;
    const length = nameLength + valueLength + LINE_OVERHEAD_BYTES;
    const at = request.arenaEnd;
    if (at + length > request.arena.length) request.reserve(length);
    const { arena } = request;
    if (length < 32) for (let i = 0; i < length; i++) arena[at + i] = bytes[start + i]!;
    else bytes.copy(arena, at, start, start + length);
    this.#admit(at, nameLength, valueLength, facts);
  }

  /** The line at `start` of the arena is the next field. */
  #admit(start: number, nameLength: number, valueLength: number, facts: number): void {
    const request = this.#request;
    const limits = this.#limits!;
    const index = request.fieldCount;
    if (valueLength > limits.valueBytesMax) {
      this.#fault = reasons.headerValue;
      return;
    }
    let { fields } = request;
    if (index >= limits.fieldsMax) {
      this.#fault = reasons.headerCount;
      return;
    }
    if ((index + 1) * FIELD_SLOTS > fields.length) fields = request.growFields(limits.fieldsMax);
    const id = facts & FACT_ID;
    let forward = 1;
    if ((facts & FACT_ODD) !== 0) {
      // As in head.ts.
      if ((facts & FACT_IMITATES) !== 0) {
        this.#fault = reasons.underscore;
        return;
      }
      request.droppedNames++;
      forward = 0;
    } else if (id !== 0) {
      const fault = admitKnownField(request, id, index, (facts & FACT_EIGHT_BIT) !== 0);
      if (fault !== undefined) {
        if (fault === reasons.contentLength) this.#malformed("content_length");
        else this.#fault = fault;
        return;
      }
      if ((fieldFlags[id]! & FORWARD_MASK) !== 0) forward = 0;
    }
    const slot = index * FIELD_SLOTS;
    const valueStart = start + nameLength + 2;
    fields[slot + NAME_START] = start;
    fields[slot + NAME_END] = start + nameLength;
    fields[slot + VALUE_START] = valueStart;
    fields[slot + VALUE_END] = valueStart + valueLength;
    fields[slot + FIELD_ID] = id;
    fields[slot + FORWARD] = forward;
    request.fieldCount = index + 1;
    request.arenaEnd = valueStart + valueLength + 2;
  }

  #finish(isOver: boolean, takesWebSocket: boolean): Reason | undefined {
    const request = this.#request;
    const limits = this.#limits!;
    if (!this.#hasFields) this.#writeHost();
    if (this.#crumbs > 0 && this.#fault === undefined) this.#writeCookie();
    if (this.#fault !== undefined) return this.#fault;
    const seen = this.#seen;
    const source = this.#pseudo;
    const methodStart = this.#starts[PSEUDO_METHOD]!;
    const methodEnd = this.#ends[PSEUDO_METHOD]!;
    if ((seen & (1 << PSEUDO_METHOD)) === 0 || methodStart === methodEnd) return this.#malformed("method");
    const method = methodId(source, methodStart, methodEnd);
    const hasProtocol = (seen & (1 << PSEUDO_PROTOCOL)) !== 0;
    let isWebSocket = false;
    if (method === CONNECT) {
      // Without `:protocol` it would dial for the client, and has no path to read (RFC 9113 §8.5).
      if (!hasProtocol) return (seen & TARGET_BITS) === 0 ? reasons.method : this.#malformed("connect");
      if (!takesWebSocket) return this.#malformed("protocol");
      if (!this.#is(PSEUDO_PROTOCOL, "websocket")) return reasons.method;
      isWebSocket = true;
    } else if (hasProtocol) return this.#malformed("protocol");
    if ((seen & TARGET_BITS) !== TARGET_BITS) return this.#malformed("pseudo_field");
    const schemeFault = this.#readScheme();
    if (schemeFault !== undefined) return schemeFault;
    if (method < 0) return methodFault(source, methodStart, methodEnd);
    request.method = isWebSocket ? GET : method;
    const hostFault = this.#readHost();
    if (hostFault !== undefined) return hostFault;
    const targetFault = this.#readTarget(limits);
    if (targetFault !== undefined) return targetFault;
    if (isWebSocket) {
      // RFC 8441 §5: as the handshake it stands for. Its key says that the upstream's answer is to this one, no more.
      this.#writeOwn(CONNECTION_LINE);
      this.#writeOwn(UPGRADE_LINE);
      this.#writeOwn(Buffer.from(`sec-websocket-key: ${randomBytes(16).toString("base64")}\r\n`, "latin1"));
      if (this.#fault !== undefined) return this.#fault;
    } else if (!isOver && request.firstField[F.contentLength]! < 0) {
      // The framing of the next hop is ours to say: HTTP/2 ends a body with its stream.
      request.bodyKind = BODY_CHUNKED;
    }
    const fault = readFraming(request);
    if (fault !== undefined) return fault;
    if (isOver && request.bodyKind !== BODY_NONE && request.bodyLength > 0)
      return this.#malformed("content_length");
    return undefined;
  }

  #readScheme(): Reason | undefined {
    if (this.#is(PSEUDO_SCHEME, this.#request.secure ? "https" : "http")) return undefined;
    return SCHEME.test(this.#pseudoText(PSEUDO_SCHEME)) ? reasons.scheme : this.#malformed("scheme");
  }

  #readHost(): Reason | undefined {
    const request = this.#request;
    const index = request.firstField[F.host]!;
    if (index < 0) return this.#malformed("host");
    const slot = index * FIELD_SLOTS;
    const start = request.fields[slot + VALUE_START]!;
    const end = request.fields[slot + VALUE_END]!;
    const fault = start === end ? reasons.host : writeAuthority(request.arena, start, end, request);
    return fault === undefined ? undefined : this.#malformed(fault.code);
  }

  #readTarget(limits: HeadLimits): Reason | undefined {
    const request = this.#request;
    const start = this.#starts[PSEUDO_PATH]!;
    const end = this.#ends[PSEUDO_PATH]!;
    request.targetBytes = end - start;
    if (end - start > limits.targetBytesMax) return reasons.uriLength;
    // An absolute-form would be read as a second authority.
    const isStar = request.method === OPTIONS && this.#is(PSEUDO_PATH, "*");
    if (this.#pseudo[start] !== SLASH && !isStar) return this.#malformed("path");
    if (start === end) return this.#malformed("path");
    return readTarget(this.#pseudo, start, end, request, limits);
  }

  /** "" = it was not sent. */
  #pseudoText(kind: number): string {
    if ((this.#seen & (1 << kind)) === 0) return "";
    return this.#pseudo.latin1Slice(this.#starts[kind]!, this.#ends[kind]!);
  }

  #is(kind: number, text: string): boolean {
    const start = this.#starts[kind]!;
    if (this.#ends[kind]! - start !== text.length) return false;
    for (let at = 0; at < text.length; at++)
      if (this.#pseudo[start + at] !== text.charCodeAt(at)) return false;
    return true;
  }
}

const NO_REQUEST = new CanonicalRequest(0, 0);
const TARGET_BITS = (1 << PSEUDO_PATH) | (1 << PSEUDO_SCHEME);
const SLASH = 47;
const SCHEME = /^[a-z][a-z0-9+.-]*$/i;

const HOST_LINE = Buffer.from("host: ", "latin1");
const COOKIE_LINE = Buffer.from("cookie: ", "latin1");
const CONNECTION_LINE = Buffer.from("connection: upgrade\r\n", "latin1");
const UPGRADE_LINE = Buffer.from("upgrade: websocket\r\n", "latin1");

/** What printing would add to a field, and to the pseudo-fields. */
const LINE_OVERHEAD_BYTES = 4;
const HEAD_OVERHEAD_BYTES = 64;

function methodFault(source: Buffer, start: number, end: number): Reason {
  for (let at = start; at < end; at++) if (methodByte[source[at]!] === 0) return reasons.methodSyntax;
  return reasons.methodUnknown;
}

function grown(buffer: Buffer, needed: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, buffer.length * 2));
  buffer.copy(larger);
  return larger;
}
