import fs from "node:fs";
import {
  type CanonicalRequest,
  methodNames,
  NAME_END,
  NAME_START,
  FIELD_SLOTS,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import { F } from "../http/field.ts";
import { putNumber } from "../http/print-request.ts";
import type { Clock } from "../std/clock.ts";
import { decisionNames, decisionOf } from "./counters.ts";
import type { ExchangeRecord } from "./record.ts";

/** Facts of the connection that a line tells. */
export interface LoggedConnection {
  readonly peerText: string;
  readonly secure: boolean;
  readonly tls: { readonly protocol: string; readonly cipher: string } | undefined;
}

/** Bytes of lines gathered before they are written. */
const BATCH_BYTES = 65536;
/** Batches that may wait for the sink; beyond that lines are dropped and counted (reliability.md F47). */
const BATCHES_MAX = 8;
const FLUSH_MS = 200;
/** Longest value taken from a client into a line. */
const VALUE_BYTES_MAX = 1024;
/** Upper bound of one line: a few values at six bytes a byte, and our own text. */
const LINE_BYTES_MAX = 32768;

/**
 * The access log: one JSON object a line (operators.md §1.3), built as bytes from the request's arena and written in
 * batches by the thread pool. A sink that is slow or blocked costs lines, never requests.
 */
export class AccessLog {
  linesWritten = 0;
  linesDropped = 0;
  readonly #clock: Clock;
  readonly #path: string;
  readonly #includeHeaders: readonly Buffer[];
  #fd: number;
  #batch: Buffer = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #length = 0;
  #lines = 0;
  readonly #waiting: { readonly bytes: Buffer; readonly length: number }[] = [];
  #spare: Buffer | undefined;
  #writing = false;
  #timer: NodeJS.Timeout;
  #second = -1;
  #stamp = "";
  #idle: (() => void)[] = [];

  /** `path` "-" is standard output. Throws when the file cannot be opened. */
  constructor(path: string, includeHeaders: readonly string[], clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.#includeHeaders = includeHeaders.map((name) => Buffer.from(name.toLowerCase(), "latin1"));
    this.#fd = openSink(path);
    this.#timer = setInterval(() => this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  write(
    record: ExchangeRecord,
    request: CanonicalRequest,
    connection: LoggedConnection,
    nowMs: number,
  ): void {
    if (this.#length + LINE_BYTES_MAX > BATCH_BYTES) this.flush();
    if (this.#length + LINE_BYTES_MAX > BATCH_BYTES) {
      this.linesDropped++;
      return;
    }
    const out = this.#batch;
    const arena = request.arena;
    const whole = request.refusal === undefined;
    let at = this.#length;
    at += out.latin1Write(
      `{"time":"${this.#time()}","level":"info","msg":"access","zion.request_id":"${arena.latin1Slice(request.requestIdStart, request.requestIdEnd)}","trace_id":"${arena.latin1Slice(request.traceStart + 3, request.traceStart + 35)}","client.address":"${request.clientAddress}","network.peer.address":"${connection.peerText}","http.request.method":"${whole ? methodNames[request.method] : "_OTHER"}","url.scheme":"${connection.secure ? "https" : "http"}","http.response.status_code":`,
      at,
    );
    at = putNumber(out, at, record.status);
    if (whole) {
      at = putValue(out, at, HOST_KEY, arena, request.hostStart, request.hostEnd);
      at = putValue(out, at, PATH_KEY, arena, request.pathStart, request.pathEnd);
      if (request.queryEnd > request.queryStart)
        at = putValue(out, at, QUERY_KEY, arena, request.queryStart + 1, request.queryEnd);
      const agent = request.firstField[F.userAgent]! * FIELD_SLOTS;
      if (agent >= 0)
        at = putValue(
          out,
          at,
          AGENT_KEY,
          arena,
          request.fields[agent + VALUE_START]!,
          request.fields[agent + VALUE_END]!,
        );
      if (this.#includeHeaders.length > 0) at = this.#putHeaders(out, at, request);
    }
    const { route, reason } = record;
    const total = Math.max(0, Math.round((nowMs - record.startedMs) * 1000));
    const ttfb =
      record.answeredMs === 0 ? 0 : Math.max(0, Math.round((record.answeredMs - record.startedMs) * 1000));
    at += out.latin1Write(
      `,"http.route":"${route === undefined ? "-" : jsonText(route.name)}","http.request.body.size":${record.requestBytes},"http.response.body.size":${record.responseBytes},"network.protocol.version":"${request.version === 11 ? "1.1" : request.version === 10 ? "1.0" : "2"}","zion.duration.total_us":${total},"zion.duration.ttfb_us":${ttfb},"zion.decision":"${decisionNames[decisionOf(reason)]}","zion.generation":${record.generation}`,
      at,
    );
    if (record.upstream !== "") {
      at += out.latin1Write(
        `,"zion.upstream":"${jsonText(record.upstream)}","zion.upstream_addr":"${jsonText(record.endpoint)}","zion.retries":${record.retries}`,
        at,
      );
    }
    if (connection.tls !== undefined) {
      at += out.latin1Write(
        `,"tls.protocol.version":"${connection.tls.protocol}","tls.cipher":"${connection.tls.cipher}"`,
        at,
      );
    }
    if (reason !== undefined) {
      at += out.latin1Write(`,"zion.gate":"${reason.stage}","zion.reason":"${reason.code}"`, at);
      if (record.faultDetail !== "")
        at += out.latin1Write(`,"zion.detail":"${jsonText(record.faultDetail)}"`, at);
    }
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

  reopen(): void {
    if (this.#path === "-") return;
    this.flush();
    const previous = this.#fd;
    this.#fd = openSink(this.#path);
    // The batch being written keeps its descriptor until it is done.
    if (!this.#writing) fs.closeSync(previous);
    else this.#idle.push(() => fs.closeSync(previous));
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#path !== "-") fs.close(this.#fd, () => {});
  }

  #drain(): void {
    if (this.#writing) return;
    const next = this.#waiting[0];
    if (next === undefined) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#writing = true;
    this.#writeFrom(next.bytes, 0, next.length);
  }

  #writeFrom(bytes: Buffer, start: number, end: number): void {
    fs.write(this.#fd, bytes, start, end - start, null, (error, written) => {
      if (error === null && start + written < end) {
        this.#writeFrom(bytes, start + written, end);
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
    for (const name of this.#includeHeaders) {
      for (let index = 0; index < request.fieldCount; index++) {
        const slot = index * FIELD_SLOTS;
        const start = request.fields[slot + NAME_START]!;
        const end = request.fields[slot + NAME_END]!;
        if (
          end - start !== name.length ||
          request.arena.latin1Slice(start, end).toLowerCase() !== name.latin1Slice()
        )
          continue;
        const key = Buffer.from(`,"http.request.header.${name.latin1Slice()}":"`, "latin1");
        at = putValue(
          out,
          at,
          key,
          request.arena,
          request.fields[slot + VALUE_START]!,
          request.fields[slot + VALUE_END]!,
        );
        break;
      }
    }
    return at;
  }

  /** RFC 3339 in UTC with milliseconds; the text of a second is made once. */
  #time(): string {
    const wallMs = this.#clock.wallMs();
    const second = Math.floor(wallMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#stamp = new Date(second * 1000).toISOString().slice(0, 20);
    }
    const ms = wallMs - second * 1000;
    return `${this.#stamp}${ms < 10 ? "00" : ms < 100 ? "0" : ""}${ms}Z`;
  }
}

function openSink(path: string): number {
  return path === "-" ? 1 : fs.openSync(path, "a", 0o640);
}

const key = (name: string): Buffer => Buffer.from(`,"${name}":"`, "latin1");
const HOST_KEY = key("server.address");
const PATH_KEY = key("url.path");
const QUERY_KEY = key("url.query");
const AGENT_KEY = key("user_agent.original");

/** Key and quoted client bytes. Control bytes, quotes, backslashes and everything outside ASCII are escaped. */
function putValue(out: Buffer, at: number, name: Buffer, source: Buffer, start: number, end: number): number {
  out.set(name, at);
  at += name.length;
  const stop = end - start > VALUE_BYTES_MAX ? start + VALUE_BYTES_MAX : end;
  for (let i = start; i < stop; i++) {
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
  out[at++] = 34;
  return at;
}

const HEX = Buffer.from("0123456789abcdef", "latin1");

/** Text from configuration or a closed list, made safe for a JSON string of ASCII. */
function jsonText(text: string): string {
  return SAFE.test(text)
    ? text
    : JSON.stringify(text)
        .slice(1, -1)
        .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const SAFE = /^[\w./:@{}*+-]*$/;
