import { runHeadGates } from "./gate/order.ts";
import type { BodySink, Downstream } from "./http/downstream.ts";
import type { ForwardedMemo, HopFacts } from "./http/print-request.ts";
import { type CanonicalRequest, DELETE, GET, HEAD, OPTIONS, PUT } from "./http/request.ts";
import type { ResponseHead } from "./http/response-head.ts";
import { type Reason, reasons } from "./reason.ts";
import { ExchangeRecord } from "./record/record.ts";
import { answerLocally } from "./respond/local.ts";
import type { Route, Snapshot } from "./snapshot.ts";
import type { State } from "./state.ts";
import type { AnswerSink, Fault } from "./upstream/answer-sink.ts";
import { Forwarding } from "./upstream/forward.ts";

/**
 * The whole life of one request, from its complete head to its record. Read it downwards: `serve` walks the steps
 * until the request is on its way to an upstream or refused; the callbacks below are what happens to it afterwards.
 * Nothing here waits: where the upstream or the client must be waited for, the next callback goes on.
 *
 *     head ─ serve ─┬─ refuse ────────────────────────────────────────┐
 *                   ├─ answerLocally (redirect, OPTIONS *) ───────────┤
 *                   └─ forwarding ─ onAnswerHead ─ Body… ─ End ───────┴─ conclude ─ record
 */
export class Exchange implements AnswerSink, BodySink {
  readonly request: CanonicalRequest;
  /** Taken once, when the head was complete: a reload cannot retarget this exchange. */
  readonly snapshot: Snapshot;
  readonly record: ExchangeRecord;
  readonly #downstream: Downstream;
  readonly #state: State;
  #route: Route | undefined = undefined;
  #forwarding: Forwarding | undefined = undefined;
  #bodyBytesMax = 0;
  #answerStarted = false;
  #concluded = false;

  constructor(downstream: Downstream, request: CanonicalRequest, snapshot: Snapshot, state: State) {
    this.#downstream = downstream;
    this.request = request;
    this.snapshot = snapshot;
    this.#state = state;
    this.record = new ExchangeRecord(state.clock.nowMs(), snapshot.generation);
  }

  /** The head is read: `request.refusal` says how that went. Called once, by the listener. */
  serve(): void {
    const { request, snapshot } = this;

    // 1. One reading of the bytes. Everything below sees this request; nobody sees the bytes again.
    if (request.refusal !== undefined) {
      this.refuse(request.refusal);
      return;
    }

    // 2. What needs no route: redirects of the plain listener, `OPTIONS *`.
    if (answerLocally(request, snapshot, this.#downstream, this.record)) {
      this.#conclude();
      return;
    }
    if (!request.secure && snapshot.redirectPort !== undefined) {
      // HTTP/1.0 without Host: the redirecting listener has nowhere to send it, and serves nothing itself.
      this.refuse(reasons.host);
      return;
    }

    // 3. One route. It carries its upstream, already built.
    const host = request.hostText();
    const path = request.routePathText();
    const route = snapshot.routes.find(host, path, request.method);
    if (route === undefined) {
      const methods = snapshot.routes.allowed(host, path);
      this.refuse(methods === 0 ? reasons.routeNotFound : reasons.methodRoute, methods);
      return;
    }
    this.#route = route;
    this.record.route = route;

    // 4. Gates that need only the head, in the order of gate/order.ts.
    const refusal = runHeadGates(request, route, snapshot, this.#downstream);
    if (refusal !== undefined) {
      this.refuse(refusal);
      return;
    }
    this.#bodyBytesMax = route.bodyBytesMax;

    // 5. The answer comes from an endpoint of the route's upstream. The body follows when the connection is there.
    this.#forwarding = new Forwarding(this, route.upstream, this.#state.upstreamDeps);
    this.#forwarding.start();
  }

  // --- what the upstream connection asks for

  get hop(): HopFacts {
    return this.snapshot.hop;
  }

  get peerText(): string {
    return this.#downstream.peerText;
  }

  get forwardedMemo(): ForwardedMemo {
    return this.#downstream.forwardedMemo;
  }

  get mergeSlashes(): boolean {
    return this.#route!.mergeSlashes;
  }

  startRequestBody(): void {
    this.#downstream.startBody(this);
  }

  resumeRequestBody(): void {
    this.#downstream.resumeBody();
  }

  // --- the request body, from the client

  onBody(bytes: Buffer, start: number, end: number): boolean {
    this.record.requestBytes += end - start;
    if (this.record.requestBytes > this.#bodyBytesMax) {
      this.fail(reasons.bodyTooLarge);
      return true;
    }
    return this.#forwarding?.connection?.sendBody(bytes, start, end) ?? true;
  }

  onBodyEnd(): void {
    this.#forwarding?.connection?.endBody();
  }

  // --- the answer, from the upstream

  onAnswerHead(head: ResponseHead): void {
    this.#answerStarted = true;
    this.record.status = head.status;
    this.record.answeredMs = this.#state.clock.nowMs();
    this.#forwarding!.settle(head.status, this.record.answeredMs);
    this.#downstream.answerHead(head);
  }

  onAnswerBody(bytes: Buffer, start: number, end: number): boolean {
    this.record.responseBytes += end - start;
    return this.#downstream.answerBody(bytes, start, end);
  }

  onAnswerFlush(): void {
    this.#downstream.answerFlush();
  }

  onAnswerEnd(atOnce: boolean): void {
    this.#forwarding!.finish();
    this.#forwarding = undefined;
    this.#downstream.answerEnd();
    // An answer that came in one piece ended when it began: reading the clock again would cost 43 ns.
    this.#conclude(atOnce ? this.record.answeredMs : this.#state.clock.nowMs());
  }

  /** The client took what was queued. */
  onDownstreamDrain(): void {
    this.#forwarding?.connection?.resume();
  }

  /** An attempt failed. Another one may follow; otherwise the client learns of it. */
  onFault(fault: Fault): void {
    const { record } = this;
    record.faultDetail = fault.detail;
    const forwarding = this.#forwarding!;
    if (!this.#answerStarted && forwarding.retry(fault, this.#isReplayable(fault))) {
      record.retries++;
      return;
    }
    forwarding.finish();
    this.#forwarding = undefined;
    this.fail(fault.reason);
  }

  // --- endings

  /** Ends the exchange for `reason`: an answer of our own, or a cut when the upstream's answer is already under way. */
  fail(reason: Reason): void {
    if (this.#concluded) return;
    this.#forwarding?.cancel();
    this.#forwarding = undefined;
    if (!this.#answerStarted) {
      this.refuse(reason);
      return;
    }
    // A truncated answer must never look complete: no last chunk, no further answers on this connection.
    this.record.reason = reason;
    this.#downstream.cut();
    this.#conclude();
  }

  /** The fixed answer for `reason`. Nothing has been answered yet. */
  refuse(reason: Reason, methods = 0): void {
    this.record.reason = reason;
    this.record.status = reason.status;
    this.#downstream.refuse(reason, this.#retryAfterSecs(reason), methods);
    this.#conclude();
  }

  /** The client is gone, or the listener gave it up (`reason`): nobody is there to answer. */
  abandon(reason: Reason): void {
    if (this.#concluded) return;
    this.#forwarding?.cancel();
    this.#forwarding = undefined;
    this.record.reason = reason;
    this.#conclude();
  }

  #conclude(nowMs = this.#state.clock.nowMs()): void {
    this.#concluded = true;
    this.#state.conclude(this.record, this.request, this.#downstream, nowMs);
  }

  /** Whether sending the request again cannot do anything twice (RFC 9110 §9.2.2) and its bytes are still at hand. */
  #isReplayable(fault: Fault): boolean {
    if (fault.nothingSent) return this.record.requestBytes === 0;
    const { method, bodyKind } = this.request;
    const idempotent =
      method === GET || method === HEAD || method === OPTIONS || method === PUT || method === DELETE;
    return idempotent && bodyKind === 0;
  }

  #retryAfterSecs(reason: Reason): number {
    if (reason === reasons.upstreamOpen)
      return this.#route?.upstream.retryAfterSecs(this.#state.clock.nowMs()) ?? 1;
    return reason.status === 503 ? 1 : 0;
  }
}
