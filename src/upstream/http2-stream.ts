import type http2 from "node:http2";
import { addAbortSignal } from "node:stream";
import { isGrpc } from "../http/grpc.ts";
import { OWN_HEAD_BYTES_MAX, printRequest } from "../http/print-request.ts";
import { BODY_NONE, HEAD } from "../http/request.ts";
import {
  RESPONSE_BAD,
  RESPONSE_HEAD_BYTES_MAX,
  RESPONSE_LENGTH,
  RESPONSE_MORE,
  readResponseHead,
} from "../http/response-head.ts";
import { TRAILER_FIELDS_MAX, type Trailers, takeTrailer } from "../http/trailer.ts";
import { type Reason, reasons } from "../reason.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { AnswerSink } from "./answer-sink.ts";
import type { Carrier } from "./carrier.ts";
import type { Endpoint } from "./endpoint.ts";
import { http2RequestFields, printHttp2Answer } from "./http2-head.ts";
import type { SessionStream, UpstreamSession } from "./http2-session.ts";
import { faultWithoutCarrier } from "./no-carrier.ts";

/** 1xx answers before the final one, as over HTTP/1.1 (reliability.md C33). */
const INTERIM_MAX = 4;
/** The whole trailer section, as in http/chunked.ts. */
const TRAILER_BYTES_MAX = 8192;

/** One exchange with an endpoint as a stream of an HTTP/2 session. */
export class UpstreamStream implements Carrier, SessionStream {
  readonly endpoint: Endpoint;
  readonly #session: UpstreamSession;
  /** Undefined before `begin`, and when the exchange is over for us. */
  #exchange: AnswerSink | undefined = undefined;
  #stream: http2.ClientHttp2Stream | undefined = undefined;
  /** The endpoint turned out to speak HTTP/1.1: everything goes there. */
  #instead: Carrier | undefined = undefined;
  readonly #deadline = new Deadline(this);
  #startedMs = 0;
  #headMs: number;
  #idleMs: number;
  /** The answer is a stream without limits of time. */
  #unhurried = false;
  #requestDone = false;
  #headDone = false;
  #interim = 0;
  /** Declared bytes still to come; -1 = not declared. */
  #remaining = -1;
  #paused = false;
  /** END_STREAM came. */
  #ended = false;
  #trailers: Trailers | undefined = undefined;

  constructor(endpoint: Endpoint, session: UpstreamSession) {
    this.endpoint = endpoint;
    this.#session = session;
    this.#headMs = endpoint.settings.requestTimeoutMs;
    this.#idleMs = endpoint.settings.idleTimeoutMs;
  }

  begin(exchange: AnswerSink): void {
    this.#exchange = exchange;
    if (exchange.isStream) {
      this.unhurry();
      this.#headMs = Infinity;
    }
    this.#session.enter(this);
  }

  sendBody(bytes: Buffer, start: number, end: number): boolean {
    if (this.#instead !== undefined) return this.#instead.sendBody(bytes, start, end);
    if (this.#exchange === undefined || this.#stream === undefined) return true;
    this.#arm(this.#idleMs);
    // The bytes are the reader's again when this returns.
    return this.#stream.write(Buffer.from(bytes.subarray(start, end)));
  }

  endBody(): void {
    if (this.#instead !== undefined) {
      this.#instead.endBody();
      return;
    }
    if (this.#exchange === undefined || this.#stream === undefined) return;
    this.#requestDone = true;
    this.#stream.end();
    if (!this.#headDone) this.#arm(this.#headMs);
  }

  resume(): void {
    if (this.#instead !== undefined) {
      this.#instead.resume();
      return;
    }
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#exchange === undefined) return;
    this.#arm(this.#idleMs);
    this.#stream!.resume();
  }

  unhurry(): void {
    if (this.#instead !== undefined) {
      this.#instead.unhurry();
      return;
    }
    this.#unhurried = true;
    this.#idleMs = Infinity;
  }

  abandon(): void {
    if (this.#instead !== undefined) this.#instead.abandon();
    else this.#leave(true);
  }

  /** A stream costs little, and its session stays. */
  discard(): void {
    if (this.#instead !== undefined) this.#instead.discard();
    else this.abandon();
  }

  // --- what the session says

  onOpen(): void {
    try {
      if (this.#exchange === undefined) return;
      this.#exchange.onConnected();
      this.#send(this.#exchange);
    } catch (cause) {
      this.#onDefect(cause);
    }
  }

  onConnectFault(reason: Reason, detail: string): void {
    this.#fail(reason, true, detail);
  }

  onHttp1(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.#session.leave(this, false);
    const instead = this.endpoint.takeHttp1(false);
    if (typeof instead === "string") exchange.onFault(faultWithoutCarrier(instead));
    else {
      this.#instead = instead;
      instead.begin(exchange);
    }
  }

  /** Called by the timer wheel. */
  expire(nowMs: number): void {
    this.#guard(() => this.#onDeadline(nowMs));
  }

  #onDeadline(nowMs: number): void {
    const totalTimeoutMs = this.#unhurried ? 0 : this.endpoint.settings.totalTimeoutMs;
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (nowMs >= exchange.deadlineMs) this.#fail(reasons.grpcDeadline, false, "deadline");
    else if (totalTimeoutMs > 0 && nowMs - this.#startedMs >= totalTimeoutMs)
      this.#fail(reasons.upstreamTotal, false, "total_timeout");
    else if (this.#headDone) this.#fail(reasons.upstreamIdle, false, "idle_timeout");
    else this.#fail(reasons.upstreamTimeout, false, "head_timeout");
  }

  // --- the request

  #send(exchange: AnswerSink): void {
    const { endpoint } = this;
    const { scratch, wheel } = endpoint.deps;
    const { request } = exchange;
    this.#startedMs = wheel.nowMs;
    const headBytesMax = request.arenaEnd + OWN_HEAD_BYTES_MAX;
    if (scratch.bytes.length < headBytesMax) scratch.bytes = Buffer.allocUnsafeSlow(headBytesMax);
    scratch.end = 0;
    printRequest(
      request,
      exchange.hop,
      exchange.mergeSlashes ? endpoint.mergedHeadFacts : endpoint.headFacts,
      exchange.forwardedMemo,
      exchange.peerText,
      scratch,
    );
    const fields = http2RequestFields(scratch, this.#session.encrypted, exchange.wantsTrailers);
    this.#requestDone = request.bodyKind === BODY_NONE;
    const stream = this.#session.session!.request(fields, {
      endStream: this.#requestDone,
      waitForTrailers: exchange.sendsTrailers,
    });
    this.#stream = stream;
    this.#listen(stream);
    // A call may be silent for as long as it likes while both ends are there; pings tell whether they are.
    if (isGrpc(request)) this.#idleMs = Infinity;
    this.#arm(this.#requestDone ? this.#headMs : Math.max(this.#headMs, this.#idleMs));
    if (!this.#requestDone) {
      stream.cork();
      exchange.startRequestBody();
      stream.uncork();
    }
  }

  #listen(stream: http2.ClientHttp2Stream): void {
    // Node ends the readable side alike for END_STREAM and for RST_STREAM(NO_ERROR), which cuts an answer short. Only
    // for the first the stream is not closed yet.
    const push = stream.push;
    stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null && !stream.closed) this.#ended = true;
      return push.call(stream, chunk, encoding);
    };
    stream.on("response", (_headers, flags, raw) => this.#guard(() => this.#onResponse(flags, raw ?? [])));
    stream.on("headers", () => this.#guard(() => this.#onInterim()));
    stream.on("trailers", (_headers, _flags, raw) => this.#guard(() => this.#onTrailers(raw ?? [])));
    stream.on("drain", () => this.#guard(() => this.#onDrain()));
    stream.on("wantTrailers", () => this.#guard(() => this.#sendTrailers(stream)));
    stream.on("error", () => this.#guard(() => this.#onClose()));
    stream.on("close", () => this.#guard(() => this.#onClose()));
  }

  #onDrain(): void {
    if (!this.#requestDone) this.#exchange?.resumeRequestBody();
  }

  #sendTrailers(stream: http2.ClientHttp2Stream): void {
    const trailers: Record<string, string[]> = Object.create(null);
    const fields = this.#exchange?.requestTrailers ?? [];
    for (let at = 0; at < fields.length; at += 2) (trailers[fields[at]!] ??= []).push(fields[at + 1]!);
    stream.sendTrailers(trailers);
  }

  // --- the answer

  #onInterim(): void {
    // Trailers without END_STREAM come by here too.
    if (this.#headDone || ++this.#interim > INTERIM_MAX)
      this.#fail(reasons.upstreamInvalid, false, "interim_count");
  }

  #onResponse(flags: number, raw: readonly string[]): void {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#headDone) return;
    const { responseHead: head, scratch } = this.endpoint.deps;
    const status = Number(raw[raw.indexOf(":status") + 1]);
    const isHead = exchange.request.method === HEAD;
    const ended = (flags & END_STREAM) !== 0;
    const length = printHttp2Answer(
      raw,
      status,
      ended,
      isHead || status === 204 || status === 304,
      RESPONSE_HEAD_BYTES_MAX,
      scratch.bytes,
    );
    if (length === 0) {
      this.#fail(reasons.upstreamInvalid, false, "head_bytes");
      return;
    }
    const result = readResponseHead(scratch.bytes, 0, length, isHead, head);
    // A line break in a value would end the head early.
    if (result === RESPONSE_BAD || result === RESPONSE_MORE || result !== length) {
      this.#fail(reasons.upstreamInvalid, false, result === RESPONSE_BAD ? head.fault : "field_value");
      return;
    }
    this.#headDone = true;
    this.#remaining = head.bodyKind === RESPONSE_LENGTH ? head.bodyLength : -1;
    exchange.onAnswerHead(head);
    if (this.#exchange === undefined) return;
    if (ended) {
      this.#ended = true;
      this.#onEnd();
      return;
    }
    exchange.onAnswerFlush();
    this.#arm(this.#idleMs);
    const stream = this.#stream!;
    stream.on("end", () => this.#guard(() => this.#onEnd()));
    stream.on("data", (bytes: Buffer) => this.#guard(() => this.#onData(bytes)));
  }

  #onData(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (this.#remaining >= 0) this.#remaining -= bytes.length;
    const wanted = exchange.onAnswerBody(bytes, 0, bytes.length);
    if (this.#exchange === undefined) return;
    const flushed = exchange.onAnswerFlush();
    if (this.#exchange === undefined) return;
    if (wanted && flushed) {
      this.#arm(this.#idleMs);
      return;
    }
    this.#paused = true;
    this.#stream!.pause();
    // The client's own write time-out counts now; only the total goes on.
    this.#arm(Infinity);
  }

  #onTrailers(raw: readonly string[]): void {
    const trailers: string[] = [];
    let bytes = 0;
    for (let at = 0; at < raw.length; at += 2) {
      bytes += raw[at]!.length + raw[at + 1]!.length;
      takeTrailer(trailers, raw[at]!, raw[at + 1]!, false);
    }
    if (bytes > TRAILER_BYTES_MAX || raw.length > TRAILER_FIELDS_MAX * 2)
      this.#fail(reasons.upstreamInvalid, false, "trailer_bytes");
    else if (trailers.length > 0) this.#trailers = trailers;
  }

  #onEnd(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (!this.#ended || this.#remaining > 0) {
      this.#fail(reasons.upstreamReset, false, "closed");
      return;
    }
    if (this.#trailers !== undefined) exchange.onAnswerTrailers(this.#trailers);
    if (this.#exchange === undefined) return;
    this.#session.served++;
    // What the upstream did not want to read is not sent.
    this.#leave(!this.#requestDone);
    exchange.onAnswerFlush();
    exchange.onAnswerEnd(false);
  }

  // --- the end

  /** The stream is gone. */
  #onClose(): void {
    if (this.#exchange === undefined) return;
    const stream = this.#stream!;
    const code = stream.rstCode ?? 0;
    const gone = (stream.id ?? 0) > this.#session.lastStreamId;
    const refused = code === REFUSED_STREAM || gone;
    // As over HTTP/1.1: most likely the upstream closed the connection while it was idle and our request crossed that.
    const stale = this.#session.served > 0 && !this.#headDone && this.#session.isOver && !refused;
    const detail = stale ? "stale" : `rst_${codeNames[code] ?? "other"}`;
    // A peer that goes refuses, and says so in the next frame: another try before that is read would meet it again.
    if (refused) setImmediate(() => this.#guard(() => this.#fail(reasons.upstreamReset, true, detail)));
    else this.#fail(reasons.upstreamReset, false, detail);
  }

  #fail(reason: Reason, nothingSent: boolean, detail: string): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#leave(true);
    exchange.onFault({ reason, nothingSent, detail });
  }

  /** Gives the stream up; if it is cut, it is reset where it is still open. */
  #leave(isCut: boolean): void {
    if (this.#exchange === undefined) return;
    this.#exchange = undefined;
    this.endpoint.deps.wheel.clear(this.#deadline);
    const stream = this.#stream;
    const reset = isCut && stream !== undefined && !stream.closed;
    if (reset) {
      // `close` ends the writable side, and what is queued goes out with END_STREAM: a cut body would look complete. An
      // abort resets with CANCEL and nothing else; any other error with INTERNAL_ERROR, which ends careless servers.
      if (this.#requestDone) stream.close(CANCEL);
      else addAbortSignal(aborted, stream);
    }
    this.#session.leave(this, reset);
  }

  /** The deadline, but no later than those of the exchange. */
  #arm(afterMs: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const { wheel } = this.endpoint.deps;
    const total = this.#unhurried ? 0 : this.endpoint.settings.totalTimeoutMs;
    let atMs = Math.min(wheel.nowMs + afterMs, exchange.deadlineMs);
    if (total > 0) atMs = Math.min(atMs, this.#startedMs + total);
    wheel.set(this.#deadline, atMs);
  }

  /** Bugs end the exchange, not the worker. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (cause) {
      this.#onDefect(cause);
    }
  }

  #onDefect(cause: unknown): void {
    this.endpoint.deps.onDefect(cause);
    this.endpoint.deps.outbox.drop();
    this.#fail(reasons.defect, false, "defect");
  }
}

const END_STREAM = 1;
const REFUSED_STREAM = 7;
const CANCEL = 8;
const aborted: AbortSignal = AbortSignal.abort();

/** RFC 9113 §7. */
const codeNames: readonly string[] = [
  "no_error",
  "protocol_error",
  "internal_error",
  "flow_control_error",
  "settings_timeout",
  "stream_closed",
  "frame_size_error",
  "refused_stream",
  "cancel",
  "compression_error",
  "connect_error",
  "enhance_your_calm",
  "inadequate_security",
  "http_1_1_required",
];
