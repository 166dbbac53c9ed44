import { ForwardedMemo, type HopFacts } from "../http/print-request.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { type Reason, reasons } from "../reason.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { Fault } from "./answer-sink.ts";
import type { UpstreamDeps } from "./endpoint.ts";
import { type ForwardedExchange, Forwarding, type ForwardRecord } from "./forward.ts";
import type { Upstream } from "./upstream.ts";

export interface OwnExchangeSettings {
  readonly upstream: Upstream;
  readonly hop: HopFacts;
  /** For the whole of it. */
  readonly timeoutMs: number;
}

/**
 * An exchange with an upstream that no client waits for: it takes no trailers, switches to nothing, reads so much of an
 * answer and ends in time.
 */
export abstract class OwnExchange implements ForwardedExchange {
  readonly request: CanonicalRequest;
  readonly hop: HopFacts;
  readonly record: ForwardRecord;
  readonly forwardedMemo = new ForwardedMemo();
  readonly wantsTrailers = false;
  readonly sendsTrailers = false;
  readonly deadlineMs = Infinity;
  readonly requestTrailers = undefined;
  readonly isStream = false;
  protected readonly forwarding: Forwarding;
  protected readonly deps: UpstreamDeps;
  readonly #timeoutMs: number;
  readonly #deadline = new Deadline(this);
  #bytes = 0;

  constructor(request: CanonicalRequest, settings: OwnExchangeSettings, deps: UpstreamDeps) {
    this.request = request;
    this.hop = settings.hop;
    this.record = { startedMs: deps.nowMs(), upstream: undefined };
    this.deps = deps;
    this.#timeoutMs = settings.timeoutMs;
    this.forwarding = new Forwarding(this, settings.upstream, deps, undefined);
  }

  /** Of the answer's body; what comes behind them is not waited for. */
  protected abstract readonly answerBytesMax: number;
  /** A fault before the answer's head is here may be made good by another attempt. */
  protected abstract mayRetry(): boolean;
  /** `head` is valid during the call only. */
  protected abstract onHead(head: ResponseHead): void;
  /** Once, at the end; `cut`: the answer was longer than wanted. */
  protected abstract onOver(reason: Reason | undefined, cut: boolean): void;
  abstract readonly mergeSlashes: boolean;
  abstract get peerText(): string;
  abstract startRequestBody(): void;

  start(): void {
    const { wheel } = this.deps;
    wheel.set(this.#deadline, wheel.nowMs + this.#timeoutMs);
    this.forwarding.start();
  }

  resumeRequestBody(): void {}

  onConnected(): void {}

  onAnswerHead(head: ResponseHead): void {
    this.forwarding.settle(head.status, this.deps.nowMs());
    this.onHead(head);
  }

  onAnswerBody(_bytes: Buffer, start: number, end: number): boolean {
    this.#bytes += end - start;
    if (this.#bytes > this.answerBytesMax) this.#cancel(undefined, true);
    return true;
  }

  onAnswerFlush(): boolean {
    return true;
  }

  onAnswerTrailers(): void {}

  onAnswerSwitch(): undefined {
    this.#cancel(reasons.upstreamInvalid);
    return undefined;
  }

  onAnswerEnd(): void {
    this.forwarding.finish();
    this.#end(undefined, false);
  }

  onFault(fault: Fault): void {
    if (this.forwarding.retry(fault, this.mayRetry())) return;
    this.forwarding.finish();
    this.#end(fault.reason, false);
  }

  /** Called by the timer wheel. */
  expire(): void {
    this.#cancel(reasons.upstreamTimeout);
  }

  #cancel(reason: Reason | undefined, cut = false): void {
    this.forwarding.cancel();
    this.#end(reason, cut);
  }

  #end(reason: Reason | undefined, cut: boolean): void {
    this.deps.wheel.clear(this.#deadline);
    this.onOver(reason, cut);
  }
}
