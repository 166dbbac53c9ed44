import { type HeadLimits, readHead } from "../http/head.ts";
import { ForwardedMemo, type HopFacts } from "../http/print-request.ts";
import {
  CanonicalRequest,
  FIELD_SLOTS,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { type Reason, reasons } from "../reason.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { Fault } from "./answer-sink.ts";
import type { UpstreamDeps } from "./endpoint.ts";
import { type ForwardedExchange, Forwarding, type ForwardRecord } from "./forward.ts";
import type { Upstream } from "./upstream.ts";

export interface AskSettings {
  readonly upstream: Upstream;
  readonly hop: HopFacts;
  /** What the head may be. */
  readonly limits: HeadLimits;
  readonly timeoutMs: number;
  /** Fields of the answer that are wanted, in lower case. */
  readonly wanted: readonly string[];
}

export interface Asked {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
}

/** Longer answers are cut off: their status is all that counts. */
const ANSWER_BYTES_MAX = 65_536;

/**
 * A request of the gateway's own about a client's, by the upstream's pools, balance, breaker and retries. `head` is an
 * HTTP/1.1 request head without a body. Resolves with the answer or with why there is none. Never rejects.
 */
export function ask(
  settings: AskSettings,
  deps: UpstreamDeps,
  head: Buffer,
  about: CanonicalRequest,
): Promise<Asked | Reason> {
  const request = new CanonicalRequest(head.length + 1024);
  if (readHead(head, 0, head.length, request, settings.limits) <= 0)
    return Promise.resolve(request.refusal ?? reasons.headTimeout);
  request.clientAddress = about.clientAddress;
  request.clientIp = about.clientIp;
  request.secure = about.secure;
  copyIds(about, request);
  return new Promise((resolve) => new Asking(request, settings, deps, resolve).start());
}

/** One trace for the request and what was asked about it. */
function copyIds(from: CanonicalRequest, to: CanonicalRequest): void {
  const bytes = from.idLinesEnd - from.idLinesStart;
  to.reserve(bytes);
  from.arena.copy(to.arena, to.arenaEnd, from.idLinesStart, from.idLinesEnd);
  to.idLinesStart = to.arenaEnd;
  to.idLinesEnd = to.arenaEnd += bytes;
}

/** It has no body, takes no trailers, and switches to nothing. */
class Asking implements ForwardedExchange {
  readonly request: CanonicalRequest;
  readonly hop: HopFacts;
  readonly record: ForwardRecord;
  readonly forwardedMemo = new ForwardedMemo();
  readonly mergeSlashes = false;
  readonly wantsTrailers = false;
  readonly sendsTrailers = false;
  readonly deadlineMs = Infinity;
  readonly requestTrailers = undefined;
  readonly isStream = false;
  readonly #settings: AskSettings;
  readonly #deps: UpstreamDeps;
  readonly #resolve: (asked: Asked | Reason) => void;
  readonly #forwarding: Forwarding;
  readonly #deadline = new Deadline(this);
  #asked: Asked | undefined = undefined;
  #bytes = 0;

  constructor(
    request: CanonicalRequest,
    settings: AskSettings,
    deps: UpstreamDeps,
    resolve: (asked: Asked | Reason) => void,
  ) {
    this.request = request;
    this.hop = settings.hop;
    this.record = { startedMs: deps.nowMs(), upstream: undefined };
    this.#settings = settings;
    this.#deps = deps;
    this.#resolve = resolve;
    this.#forwarding = new Forwarding(this, settings.upstream, deps, undefined);
  }

  start(): void {
    const { wheel } = this.#deps;
    wheel.set(this.#deadline, wheel.nowMs + this.#settings.timeoutMs);
    this.#forwarding.start();
  }

  get peerText(): string {
    return this.request.clientAddress;
  }

  startRequestBody(): void {
    this.#forwarding.connection?.endBody();
  }

  resumeRequestBody(): void {}

  onConnected(): void {}

  onAnswerHead(head: ResponseHead): void {
    this.#forwarding.settle(head.status, this.#deps.nowMs());
    this.#asked = { status: head.status, fields: readWanted(head, this.#settings.wanted) };
  }

  onAnswerBody(_bytes: Buffer, start: number, end: number): boolean {
    this.#bytes += end - start;
    if (this.#bytes > ANSWER_BYTES_MAX) this.#cancel(this.#asked!);
    return true;
  }

  onAnswerFlush(): void {}

  onAnswerTrailers(): void {}

  onAnswerSwitch(): undefined {
    this.#cancel(reasons.upstreamInvalid);
    return undefined;
  }

  onAnswerEnd(): void {
    this.#forwarding.finish();
    this.#end(this.#asked!);
  }

  onFault(fault: Fault): void {
    if (this.#asked === undefined && this.#forwarding.retry(fault, true)) return;
    this.#forwarding.finish();
    this.#end(fault.reason);
  }

  /** Called by the timer wheel. */
  expire(): void {
    this.#cancel(reasons.upstreamTimeout);
  }

  #cancel(asked: Asked | Reason): void {
    this.#forwarding.cancel();
    this.#end(asked);
  }

  #end(asked: Asked | Reason): void {
    this.#deps.wheel.clear(this.#deadline);
    this.#resolve(asked);
  }
}

/** Lines of one name are one value (RFC 9110 §5.3). */
function readWanted(
  { source, fields, fieldCount }: ResponseHead,
  wanted: readonly string[],
): Asked["fields"] {
  const found = new Map<string, string>();
  for (let index = 0; index < fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const name = source.latin1Slice(fields[slot + NAME_START]!, fields[slot + NAME_END]!).toLowerCase();
    if (!wanted.includes(name)) continue;
    const value = source.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
    const before = found.get(name);
    found.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return found;
}
