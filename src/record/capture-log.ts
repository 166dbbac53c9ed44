import type { Downstream } from "../http/downstream.ts";
import { F } from "../http/field.ts";
import {
  BODY_CHUNKED,
  BODY_NONE,
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  methodNames,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import type { Clock } from "../std/clock.ts";
import { GrowingBytes } from "../std/growing-bytes.ts";
import { type CaptureKey, sealCapture } from "./capture-line.ts";
import type { ExchangeRecord } from "./record.ts";
import type { Redaction } from "./redaction.ts";
import { decisionNames, decisionOf } from "./route-counts.ts";

/** `[capture]`, as a worker has it. */
export interface CaptureSettings {
  /** Only what was refused, or would have been in a shadow. */
  readonly refusedOnly: boolean;
  readonly bodyBytesMax: number;
  /** Takes values out before they are kept; undefined = they are kept. */
  readonly redaction: Redaction | undefined;
}

/** The first bytes of a body, copied as they pass. */
export class CapturedBody {
  readonly #bytesMax: number;
  readonly #kept: GrowingBytes;
  /** It was longer. */
  isCut = false;
  /** The client has sent all of it. */
  ended = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#kept = new GrowingBytes(bytesMax);
  }

  take(bytes: Buffer, start: number, end: number): void {
    const until = Math.min(end, start + this.#bytesMax - this.#kept.length);
    if (until > start) this.#kept.take(bytes, start, until);
    if (until < end) this.isCut = true;
  }

  get bytes(): Buffer {
    return this.#kept.bytes;
  }
}

/** Between two reports, one a second; what comes beyond is counted and not kept. */
const LINES_MAX = 200;
const BYTES_MAX = 8 * 1_048_576;

/** The requests that a worker keeps, sealed, until they are told to the primary. Off, it is one comparison a request. */
export class CaptureLog {
  kept = 0;
  dropped = 0;
  settings: CaptureSettings | undefined = undefined;
  key: CaptureKey | undefined = undefined;
  #lines: string[] = [];
  #bytes = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For the body of a request that begins; undefined = nothing is kept. */
  begin(): CapturedBody | undefined {
    return this.settings === undefined || this.key === undefined
      ? undefined
      : new CapturedBody(this.settings.bodyBytesMax);
  }

  /** At the end of an exchange whose body was begun. A head that could not be read cannot be kept. */
  add(record: ExchangeRecord, request: CanonicalRequest, body: CapturedBody, downstream: Downstream): void {
    const { settings, key } = this;
    if (settings === undefined || key === undefined || request.refusal !== undefined) return;
    if (settings.refusedOnly && record.reason === undefined && !record.wafShadow) return;
    if (this.#lines.length >= LINES_MAX || this.#bytes >= BYTES_MAX) {
      this.dropped++;
      return;
    }
    const redacted: string[] = [];
    const bytes = printWhole(request, body, settings.redaction, redacted);
    const line = sealCapture(
      key,
      {
        id: request.text(request.requestIdStart, request.requestIdEnd),
        timeMs: this.#clock.wallMs(),
        generation: record.generation,
        from: downstream.peerText,
        secure: request.secure,
        serverName: downstream.tls?.serverName ?? "",
        route: record.route?.name ?? "",
        decision: decisionNames[decisionOf(record)]!,
        status: record.status,
        reason: record.reason?.code ?? "",
        wafGate: record.wafGate,
        wafDetail: record.wafDetail,
        redacted,
      },
      bytes,
    );
    this.#lines.push(line);
    this.#bytes += line.length;
    this.kept++;
  }

  /** What came since the last call. */
  take(): readonly string[] {
    const lines = this.#lines;
    if (lines.length > 0) this.#lines = [];
    this.#bytes = 0;
    return lines;
  }
}

/**
 * The request in HTTP/1.1 again, from its one form. A body that is not whole is left without its end: whoever reads it
 * cannot take it for a whole one.
 */
function printWhole(
  request: CanonicalRequest,
  body: CapturedBody,
  redaction: Redaction | undefined,
  redacted: string[],
): Buffer {
  const { arena, fields, fieldCount } = request;
  const path = request.text(request.pathStart, request.pathEnd);
  const query = request.text(request.queryStart, request.queryEnd);
  const shownQuery = redaction === undefined || query === "" ? query : `?${redaction.query(query.slice(1))}`;
  if (shownQuery !== query) redacted.push("query");
  const version = request.version === 10 ? "1.0" : "1.1";
  let head = `${methodNames[request.method]} ${path}${shownQuery} HTTP/${version}\r\n`;
  let isHosted = false;
  let isChunked = false;
  for (let slot = 0; slot < fieldCount * FIELD_SLOTS; slot += FIELD_SLOTS) {
    const name = arena.latin1Slice(fields[slot + NAME_START]!, fields[slot + NAME_END]!);
    const value = arena.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
    const hides = redaction?.hidesHeader(name) === true;
    if (hides) redacted.push(`header:${name.toLowerCase()}`);
    head += `${name}: ${hides ? `<redacted:${value.length}>` : value}\r\n`;
    isHosted ||= fields[slot + FIELD_ID] === F.host;
    isChunked ||= fields[slot + FIELD_ID] === F.transferEncoding;
  }
  const port = request.port < 0 ? "" : `:${request.port}`;
  if (!isHosted && request.hostEnd > request.hostStart) head += `Host: ${request.hostText()}${port}\r\n`;
  const isFramedByChunks = request.bodyKind === BODY_CHUNKED;
  if (isFramedByChunks && !isChunked) head += "Transfer-Encoding: chunked\r\n";
  const bytes = redaction === undefined || request.bodyKind === BODY_NONE ? body.bytes : NOTHING;
  if (redaction !== undefined && request.bodyKind !== BODY_NONE) redacted.push("body");
  const parts: Uint8Array[] = [Buffer.from(`${head}\r\n`, "latin1")];
  if (!isFramedByChunks) parts.push(bytes);
  else {
    if (bytes.length > 0) parts.push(Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF);
    // Ended as the exchange did not: a refusal does not wait for the rest.
    if (!body.isCut && body.ended) parts.push(Buffer.from("0\r\n\r\n"));
  }
  return Buffer.concat(parts);
}

const NOTHING = Buffer.alloc(0);
const CRLF = Buffer.from("\r\n");
