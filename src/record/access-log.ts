import fs from "node:fs";
import type { ConnectionLogPiece } from "../http/downstream.ts";
import { F } from "../http/field.ts";
import {
  type CanonicalRequest,
  FIELD_SLOTS,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import { copy, latin1, put, putNumber } from "../std/byte-print.ts";
import type { Clock } from "../std/clock.ts";
import { buildLineNames, type ConnectionFacts, type LineNames, type LogFormat } from "./line-names.ts";
import type { LogSampling } from "./log-sampling.ts";
import { hiddenEnd, type QueryMask } from "./query-mask.ts";
import type { ExchangeRecord } from "./record.ts";
import type { Redaction } from "./redaction.ts";
import { decisionOf } from "./route-counts.ts";
import { wafPart } from "./waf-part.ts";

/** Facts of the connection that a line tells. */
export interface LoggedConnection extends ConnectionFacts {
  readonly tls:
    | (ConnectionFacts["tls"] & { readonly clientCertificate?: { readonly fingerprint: string } | undefined })
    | undefined;
  readonly peerText: string;
  /** Kept for the log by its owner, written by it alone. */
  logPiece: ConnectionLogPiece | undefined;
}

export interface AccessLogSettings {
  /** "-" is standard output. */
  readonly path: string;
  readonly format: LogFormat;
  readonly includeHeaders: readonly string[];
  readonly redaction: Redaction;
  /** Lines tell by which certificate a client came. */
  readonly mtlsFingerprint: boolean;
  /** Undefined = every exchange gets a line. */
  readonly sampling: LogSampling | undefined;
}

interface IncludedHeader {
  /** Lower case. */
  readonly name: string;
  readonly key: Uint8Array;
  readonly isHidden: boolean;
}

/** Bytes of lines gathered before they are written. */
const BATCH_BYTES = 262_144;
/** Batches that may wait for the sink; beyond that lines are dropped and counted (reliability.md F47). */
const BATCHES_MAX = 4;
const FLUSH_MS = 200;
/** Longest value taken from a client into a line. */
const VALUE_BYTES_MAX = 1024;
/** Upper bound of one line: a few values at six bytes a byte, and our own text. */
const LINE_BYTES_MAX = 32768;
/** Of a Content-Type that is refused. */
const TYPE_CHARS_MAX = 128;
/** Kept free in it for what follows the included headers. */
const LINE_TAIL_BYTES = 8192;

/**
 * The access log: one JSON object a line (operators.md §1.3), built as bytes from the request's arena and written in
 * batches by the thread pool. A sink that is slow or blocked costs lines, never requests.
 */
export class AccessLog {
  linesWritten = 0;
  linesDropped = 0;
  /** Exchanges that got none because of the sampling. */
  linesSampledOut = 0;
  readonly #clock: Clock;
  readonly #path: string;
  readonly #includeHeaders: readonly IncludedHeader[];
  readonly #redaction: Redaction;
  readonly #mtlsFingerprint: boolean;
  readonly #names: LineNames;
  readonly #sampling: LogSampling | undefined;
  #fd: number;
  #batch: Buffer = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #length = 0;
  #lines = 0;
  readonly #waiting: { readonly bytes: Buffer; readonly length: number }[] = [];
  #spare: Buffer | undefined;
  #writing = false;
  #closing = false;
  /** Descriptors of before a rotation. */
  readonly #retired: number[] = [];
  #timer: NodeJS.Timeout;
  #second = -1;
  #stamp: Uint8Array = new Uint8Array(0);
  #idle: (() => void)[] = [];

  /** Throws when the file cannot be opened. */
  constructor(settings: AccessLogSettings, clock: Clock) {
    const { path, format, includeHeaders, redaction, mtlsFingerprint, sampling } = settings;
    this.#path = path;
    this.#mtlsFingerprint = mtlsFingerprint;
    this.#clock = clock;
    this.#redaction = redaction;
    this.#names = buildLineNames(format, redaction.hidesAddresses);
    this.#sampling = sampling;
    this.#includeHeaders = includeHeaders.map((name) => ({
      name: name.toLowerCase(),
      key: latin1(`,"http.request.header.${name.toLowerCase()}":"`),
      isHidden: redaction.hidesHeader(name),
    }));
    this.#fd = openSink(path);
    this.#timer = setInterval(() => this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /**
   * Adds one line. Built from byte pieces rather than by template and JSON.stringify: 0.6 us against 1.5 us, which is
   * a tenth of a request's whole cost (test/record/access-log.test.ts has the plain form).
   */
  write(
    record: ExchangeRecord,
    request: CanonicalRequest,
    connection: LoggedConnection,
    nowMs: number,
  ): void {
    const sampling = this.#sampling === undefined ? ALL : this.#sampling.choose(record, request);
    if (sampling === undefined) {
      this.linesSampledOut++;
      return;
    }
    if (this.#length + LINE_BYTES_MAX > BATCH_BYTES) this.flush();
    if (this.#length + LINE_BYTES_MAX > BATCH_BYTES) {
      this.linesDropped++;
      return;
    }
    const out = this.#batch;
    const names = this.#names;
    const arena = request.arena;
    const whole = request.refusal === undefined;
    let at = this.#putTime(out, this.#length);
    at = put(out, at, names.id);
    at = copy(out, at, arena, request.requestIdStart, request.requestIdEnd);
    at = put(out, at, names.trace);
    at = copy(out, at, arena, request.traceStart + 3, request.traceStart + 35);
    at = put(out, at, names.client);
    at += out.latin1Write(
      this.#redaction.hidesAddresses ? this.#redaction.address(request.clientAddress) : request.clientAddress,
      at,
    );
    at = put(out, at, this.#pieceOf(connection));
    at = put(out, at, whole ? names.methods[request.method]! : names.otherMethod);
    at = putNumber(out, at, record.status);
    if (whole) {
      // Host and path are canonical: nothing in them needs an escape.
      at = put(out, at, names.host);
      at = copy(out, at, arena, request.hostStart, request.hostEnd);
      at = put(out, at, names.path);
      at = copy(
        out,
        at,
        arena,
        request.pathStart,
        Math.min(request.pathEnd, request.pathStart + VALUE_BYTES_MAX),
      );
      out[at++] = QUOTE;
      if (request.queryEnd > request.queryStart)
        at = putQuery(
          out,
          put(out, at, names.query),
          arena,
          request.queryStart + 1,
          request.queryEnd,
          this.#redaction.logged,
        );
      const agent = request.firstField[F.userAgent]! * FIELD_SLOTS;
      if (agent >= 0)
        at = putValue(
          out,
          at,
          names.agent,
          arena,
          request.fields[agent + VALUE_START]!,
          request.fields[agent + VALUE_END]!,
        );
      if (this.#includeHeaders.length > 0) at = this.#putHeaders(out, at, request);
    } else if (request.refusedHead !== undefined)
      at += out.latin1Write(names.refusedHead(request.refusedHead), at);
    const { route, reason } = record;
    at = put(out, at, names.route);
    at = put(out, at, route === undefined ? NO_ROUTE : route.logPiece);
    at = put(out, at, names.requestBytes);
    at = putNumber(out, at, record.requestBytes);
    at = put(out, at, names.responseBytes);
    at = putNumber(out, at, record.responseBytes);
    at = put(
      out,
      at,
      request.version === 11 ? names.version11 : request.version === 10 ? names.version10 : names.version2,
    );
    at = putNumber(out, at, micros(record.startedMs, nowMs));
    if (names.isEcs)
      at = putNumber(out, put(out, at, names.duration), 1000 * micros(record.startedMs, nowMs));
    if (record.gatedMs !== 0) {
      at = put(out, at, names.gates);
      at = putNumber(out, at, micros(record.startedMs, record.gatedMs));
    }
    if (record.answeredMs !== 0) {
      at = put(out, at, names.connect);
      at = putNumber(out, at, micros(record.gatedMs, record.sentMs));
      at = put(out, at, names.ttfb);
      at = putNumber(out, at, micros(record.sentMs, record.answeredMs));
      at = put(out, at, names.transfer);
      at = putNumber(out, at, micros(record.answeredMs, nowMs));
    }
    at = put(out, at, names.decisions[decisionOf(record)]!);
    at = putNumber(out, at, record.generation);
    at = put(out, at, sampling);
    if (record.upstream !== undefined) {
      at = put(out, at, record.upstream.logPiece);
      at = putNumber(out, at, record.retries);
    }
    if (record.cache !== "") at = put(out, at, names.caches.get(record.cache)!);
    if (reason !== undefined) {
      at = put(out, at, names.reasons[reason.index]!);
      if (record.faultDetail !== "")
        at += out.latin1Write(`,"zion.detail":"${jsonText(record.faultDetail)}"`, at);
    }
    if (request.originClass !== "")
      at += out.latin1Write(`,"zion.origin_class":"${request.originClass}"`, at);
    // Whoever is to allow it has to know which one it was. Before the findings, which take the room that is left.
    if (record.wafGate === "content_type") {
      const type = request.fieldText(F.contentType);
      if (type !== undefined)
        at += out.latin1Write(`,"zion.waf.content_type":"${jsonText(type.slice(0, TYPE_CHARS_MAX))}"`, at);
    }
    if (record.wafGate !== "" || record.findings.length > 0)
      at += out.latin1Write(wafPart(record, names, this.#length + LINE_BYTES_MAX - at - 2), at);
    out[at++] = 125;
    out[at++] = 10;
    this.#length = at;
    this.#lines++;
  }

  /** Hands the gathered lines to the thread pool. */
  flush(): void {
    if (this.#length === 0 || this.#waiting.length >= BATCHES_MAX) return;
    this.#waiting.push({ bytes: this.#batch, length: this.#length });
    this.#batch = this.#spare ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
    this.#spare = undefined;
    this.#length = 0;
    this.linesWritten += this.#lines;
    this.#lines = 0;
    this.#drain();
  }

  /** Resolves when everything written so far has reached the sink, or the sink has failed. */
  flushed(): Promise<void> {
    this.flush();
    if (!this.#writing && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** It takes the place of another one: counters only grow. */
  countOn({ linesWritten, linesDropped, linesSampledOut }: AccessLog): void {
    this.linesWritten += linesWritten;
    this.linesDropped += linesDropped;
    this.linesSampledOut += linesSampledOut;
  }

  reopen(): void {
    if (this.#path === "-") return;
    this.flush();
    this.#retired.push(this.#fd);
    this.#fd = openSink(this.#path);
    this.#closeRetired();
  }

  /** What was written goes to the sink first. */
  close(): void {
    this.flush();
    clearInterval(this.#timer);
    this.#closing = true;
    this.#drain();
  }

  /** Not while a batch is being written: its descriptor's number could be another file's by the time. */
  #closeRetired(): void {
    if (this.#writing) return;
    for (const fd of this.#retired.splice(0)) fs.close(fd, () => {});
  }

  #drain(): void {
    if (this.#writing) return;
    this.#closeRetired();
    const next = this.#waiting[0];
    if (next === undefined) {
      if (this.#closing && this.#path !== "-") {
        this.#closing = false;
        fs.close(this.#fd, () => {});
      }
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#writing = true;
    this.#writeFrom(this.#fd, next.bytes, 0, next.length);
  }

  /** A batch goes to one file, also when a rotation comes in between: half a line is none. */
  #writeFrom(fd: number, bytes: Buffer, start: number, end: number): void {
    fs.write(fd, bytes, start, end - start, null, (error, written) => {
      if (error === null && start + written < end) {
        this.#writeFrom(fd, bytes, start + written, end);
        return;
      }
      this.#waiting.shift();
      this.#writing = false;
      this.#spare ??= bytes;
      if (error !== null) this.linesDropped++;
      this.#drain();
    });
  }

  #putHeaders(out: Buffer, at: number, request: CanonicalRequest): number {
    for (const { name, key, isHidden } of this.#includeHeaders) {
      for (let index = 0; index < request.fieldCount; index++) {
        const slot = index * FIELD_SLOTS;
        const start = request.fields[slot + NAME_START]!;
        const end = request.fields[slot + NAME_END]!;
        if (end - start !== name.length || request.arena.latin1Slice(start, end).toLowerCase() !== name)
          continue;
        // A client fills a value with bytes that take six each: what would not fit is left out, never the line.
        if (at + key.length + 6 * VALUE_BYTES_MAX + 1 > this.#length + LINE_BYTES_MAX - LINE_TAIL_BYTES)
          return at;
        const valueStart = request.fields[slot + VALUE_START]!;
        const valueEnd = request.fields[slot + VALUE_END]!;
        if (isHidden) {
          at = putHidden(out, put(out, at, key), valueEnd - valueStart);
          out[at++] = QUOTE;
        } else at = putValue(out, at, key, request.arena, valueStart, valueEnd);
        break;
      }
    }
    return at;
  }

  /** Made once per connection, and anew for another log: names and redaction are its own. */
  #pieceOf(connection: LoggedConnection): Uint8Array {
    const known = connection.logPiece;
    if (known?.log === this) return known.bytes;
    const bytes = this.#names.connection(
      connection,
      this.#redaction.address(connection.peerText),
      this.#certificateOf(connection),
    );
    connection.logPiece = { log: this, bytes };
    return bytes;
  }

  #certificateOf({ tls }: LoggedConnection): string {
    const fingerprint = tls?.clientCertificate?.fingerprint;
    if (fingerprint === undefined || !this.#mtlsFingerprint) return "";
    return this.#redaction.fingerprint(fingerprint).replace("sha256:", "");
  }

  /** RFC 3339 in UTC with milliseconds; the bytes of a second are made once. */
  #putTime(out: Buffer, at: number): number {
    const wallMs = this.#clock.wallMs();
    const second = Math.floor(wallMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#stamp = latin1(`${this.#names.time}${new Date(second * 1000).toISOString().slice(0, 20)}`);
    }
    at = put(out, at, this.#stamp);
    const ms = wallMs - second * 1000;
    out[at] = 48 + Math.floor(ms / 100);
    out[at + 1] = 48 + (Math.floor(ms / 10) % 10);
    out[at + 2] = 48 + (ms % 10);
    out[at + 3] = 90;
    return at + 4;
  }
}

function openSink(path: string): number {
  return path === "-" ? 1 : fs.openSync(path, "a", 0o640);
}

const QUOTE = 34;
const ALL = new Uint8Array(0);
const SAFE = /^[\w./:@{}*+-]*$/;
const NO_ROUTE = routeLogPiece("-");

/** A route's name as a line has it; made once per snapshot. */
export function routeLogPiece(name: string): Uint8Array {
  return latin1(`"${jsonText(name)}"`);
}

/** The part of a line that only the endpoint decides; made once per endpoint. */
export function endpointLogPiece(upstream: string, url: string): Uint8Array {
  return latin1(
    `,"zion.upstream":"${jsonText(upstream)}","zion.upstream_addr":"${jsonText(url)}","zion.retries":`,
  );
}

function micros(startMs: number, endMs: number): number {
  const us = Math.round((endMs - startMs) * 1000);
  return us > 0 ? us : 0;
}

/** Key and quoted client bytes. Control bytes, quotes, backslashes and everything outside ASCII are escaped. */
function putValue(
  out: Buffer,
  at: number,
  name: Uint8Array,
  source: Buffer,
  start: number,
  end: number,
): number {
  at = putEscaped(out, put(out, at, name), source, start, Math.min(end, start + VALUE_BYTES_MAX));
  out[at++] = QUOTE;
  return at;
}

/** The same for a query, and what must not be shown is not. */
function putQuery(
  out: Buffer,
  at: number,
  source: Buffer,
  start: number,
  end: number,
  mask: QueryMask,
): number {
  const stop = Math.min(end, start + VALUE_BYTES_MAX);
  let next = start;
  while (next < stop) {
    const hiddenStart = mask.nextHidden(source, next, stop);
    at = putEscaped(out, at, source, next, hiddenStart);
    next = hiddenEnd(source, hiddenStart, stop);
    if (next > hiddenStart) at = putHidden(out, at, next - hiddenStart);
  }
  out[at++] = QUOTE;
  return at;
}

/** What stands for a value: that it was there, and how many bytes of it. At most 6.5 bytes a byte in a query. */
function putHidden(out: Buffer, at: number, length: number): number {
  at = putNumber(out, put(out, at, HIDDEN), length);
  out[at++] = 62;
  return at;
}

function putEscaped(out: Buffer, at: number, source: Buffer, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = source[i]!;
    if (byte >= 32 && byte < 127 && byte !== 34 && byte !== 92) {
      out[at++] = byte;
    } else {
      out[at++] = 92;
      out[at++] = 117;
      out[at++] = 48;
      out[at++] = 48;
      out[at++] = HEX[byte >> 4]!;
      out[at++] = HEX[byte & 15]!;
    }
  }
  return at;
}

const HIDDEN = latin1("<redacted:");

const HEX = Buffer.from("0123456789abcdef", "latin1");

/** Text from configuration or a closed list, made safe for a JSON string of ASCII. */
function jsonText(text: string): string {
  return SAFE.test(text)
    ? text
    : JSON.stringify(text)
        .slice(1, -1)
        .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
