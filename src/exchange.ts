import { askForInspectable } from "./answer/inspection.ts";
import type { CacheRule } from "./cache/rule.ts";
import type { Passage } from "./cache/visitor.ts";
import { beginAnswer, dress } from "./exchange/answer-head.ts";
import { runLateGates } from "./exchange/late-gates.ts";
import { answerForRoute, answerInstead, answerWithPage } from "./exchange/own-answer.ts";
import { inspectRequest, inspectTail, judge } from "./exchange/request-inspection.ts";
import { openWebSocket } from "./exchange/web-socket.ts";
import type { BodyScreen, ScreenOwner } from "./gate/body-screen.ts";
import { preflightMethod } from "./gate/cors.ts";
import { addIdentityLines, scrubTrailers } from "./gate/identity-fields.ts";
import { leaveInFlight } from "./gate/in-flight.ts";
import { restoreMethodOverride } from "./gate/method-override.ts";
import { runBodyGates, runConnectionGates, runEarlyGates, runRouteGates } from "./gate/order.ts";
import type { HeldRefusal } from "./gate/tarpit.ts";
import type { WafVerdict } from "./gate/waf-verdict.ts";
import type { BodySink, Downstream } from "./http/downstream.ts";
import { isEventStream, markStream } from "./http/event-stream.ts";
import { editTrailers } from "./http/field-edit.ts";
import { grpcTimeoutMs, isGrpc } from "./http/grpc.ts";
import { isIdempotent } from "./http/method.ts";
import type { AnswerStep, Outlet, StepOwner } from "./http/outlet.ts";
import type { ForwardedMemo, HopFacts } from "./http/print-request.ts";
import { BODY_CHUNKED, BODY_NONE, type CanonicalRequest } from "./http/request.ts";
import type { ResponseHead } from "./http/response-head.ts";
import type { Trailers } from "./http/trailer.ts";
import type { TunnelEnd, TunnelSide } from "./http/tunnel-end.ts";
import { type Reason, reasons } from "./reason.ts";
import { ExchangeRecord } from "./record/record.ts";
import { answerChallenge } from "./respond/acme-challenges.ts";
import { CacheVisit, type CacheVisitOwner } from "./respond/cache-visit.ts";
import { answerLocally } from "./respond/local.ts";
import { pageOf } from "./respond/page.ts";
import type { AnswerSource } from "./respond/source.ts";
import type { FileAnswerOwner } from "./respond/static/file-answer.ts";
import type { Route, Snapshot } from "./snapshot.ts";
import type { State } from "./state.ts";
import type { AnswerSink, Fault } from "./upstream/answer-sink.ts";
import { type FetchGround, isUnsafe, namedUris } from "./upstream/cache-fetch.ts";
import type { Endpoint } from "./upstream/endpoint.ts";
import { Forwarding } from "./upstream/forward.ts";
import { beginCopy, type MirrorCopy } from "./upstream/mirror.ts";
import { chooseSplit, editOutgoing } from "./upstream/outgoing.ts";
import type { Bond } from "./upstream/sticky.ts";
import { StreamPlace, streamLife } from "./upstream/stream-place.ts";
import type { Tunnel } from "./upstream/tunnel.ts";
import type { Upstream } from "./upstream/upstream.ts";
import type { Finding } from "./waf/finding.ts";
import type { Inspector } from "./waf/inspector.ts";

/**
 * The whole life of one request, from its complete head to its record. Read it downwards: `serve` walks the steps
 * until the request is on its way to an upstream or refused; the callbacks below are what happens to it afterwards.
 * Nothing here waits: where the upstream or the client must be waited for, the next callback goes on.
 *
 *     head ─ serve ─┬─ refuse ─────────────────────────────────────────────────────────────────┐
 *                   ├─ answerChallenge, answerLocally (OPTIONS *), exchange/own-answer.ts ─────┤
 *                   └─ send ─ [body ─ screen ─] forward ─ onAnswerHead ─ onAnswerBody… ─ End ──┴─ conclude ─ record
 *
 * Longer than other files, because a life in pieces is not read downwards. What is a matter of its own is in exchange/:
 * gates that wait, what the WAF looks at, answers of ours, WebSockets. What stands here without a # is for those files
 * and for whom it talks to, each by the interface that says so.
 */
export class Exchange
  implements AnswerSink, BodySink, ScreenOwner, FileAnswerOwner, CacheVisitOwner, StepOwner
{
  readonly request: CanonicalRequest;
  /** Taken once, when the head was complete: a reload cannot retarget this exchange. */
  readonly snapshot: Snapshot;
  readonly record: ExchangeRecord;
  readonly downstream: Downstream;
  readonly state: State;
  route: Route | undefined = undefined;
  /** The route's, or the one that a split chose. */
  #upstream: Upstream | undefined = undefined;
  /** What another upstream is to get of the request. */
  #copy: MirrorCopy | undefined = undefined;
  /** The member that the client keeps to; undefined = this upstream has no sticky sessions. */
  #bond: Bond<Endpoint> | undefined = undefined;
  forwarding: Forwarding | undefined = undefined;
  /** Between the client's body and the upstream, where the WAF looks at it. */
  screen: BodyScreen | undefined = undefined;
  requestTrailers: Trailers | undefined = undefined;
  deadlineMs = Infinity;
  #bodyStarted = false;
  #bodyBytesMax = 0;
  answerStarted = false;
  concluded = false;
  /** Of `max_streams`. */
  #place: StreamPlace | undefined = undefined;
  tunnel: Tunnel | undefined = undefined;
  /** What the answer comes from where no upstream sends it. */
  source: AnswerSource | undefined = undefined;
  /** Undefined = the route has no cache. */
  #visit: CacheVisit<FetchGround> | undefined = undefined;
  /** Whole lines about the cache, for an answer that the upstream sends. */
  cacheWords = "";
  /** Where the answer goes: to the client, or through a step that changes or looks at it. */
  outlet: Outlet;
  step: AnswerStep | undefined = undefined;
  /** The refusal that the tarpit holds back. */
  #held: HeldRefusal | undefined = undefined;

  constructor(downstream: Downstream, request: CanonicalRequest, snapshot: Snapshot, state: State) {
    this.downstream = downstream;
    this.outlet = downstream;
    this.request = request;
    this.snapshot = snapshot;
    this.state = state;
    this.record = new ExchangeRecord(state.clock.nowMs(), snapshot.generation);
    if (state.captures.settings !== undefined) this.record.captured = state.captures.begin();
  }

  /** The head is read: `request.refusal` says how that went. Called once, by the listener. */
  serve(): void {
    const { request, snapshot, downstream } = this;

    // 1. One reading of the bytes. Everything below sees this request; nobody sees the bytes again.
    if (request.refusal !== undefined) {
      this.refuse(request.refusal);
      return;
    }

    // 2. Nothing is begun that could not be recorded, where evidence is asked for, or not be served in time.
    if (this.state.audit?.refuses(this.record.startedMs) === true) {
      this.refuse(reasons.auditDown);
      return;
    }
    const { limits, bans, mesh, pressure, watch } = this.state;
    if (pressure.turnsAway(request)) {
      this.refuse(reasons.shed);
      return;
    }

    // A CA that validates comes from anywhere, unannounced: what it alone may ask for is before every list and limit.
    if (answerChallenge(request, this.state.challenges, downstream, this.record)) {
      this.conclude();
      return;
    }

    // 3. Gates that need no route, and count every request that may come over its connection.
    const { startedMs } = this.record;
    const early =
      runConnectionGates(request, snapshot, downstream, watch) ??
      runEarlyGates(request, snapshot, limits, bans, mesh, startedMs, watch);
    if (early !== undefined) {
      this.refuse(early);
      return;
    }

    // 4. What needs no route: redirects of the plain listener, `OPTIONS *`.
    if (answerLocally(request, snapshot, downstream, this.record)) {
      this.conclude();
      return;
    }
    if (!request.secure && snapshot.redirectPort !== undefined) {
      // HTTP/1.0 without Host: the redirecting listener has nowhere to send it, and serves nothing itself.
      this.refuse(reasons.host);
      return;
    }

    // 5. Pages of the gateway's own, where they are exposed. Nothing that a client sends them is looked at.
    const path = request.routePathText();
    const page = snapshot.exposeInternal ? pageOf(path) : undefined;
    if (page !== undefined) {
      answerWithPage(this, page);
      return;
    }

    // 6. One route. It carries its upstream, already built.
    const host = request.hostText();
    // A preflight is about the route of the method it asks for, where the gateway answers for that one.
    const asked = preflightMethod(request);
    const target = asked < 0 ? undefined : snapshot.routes.find(host, path, asked);
    const isPreflight = target?.cors !== undefined;
    const route = isPreflight ? target : snapshot.routes.find(host, path, request.method);
    if (route === undefined) {
      const methods = snapshot.routes.allowed(host, path);
      this.refuse(methods === 0 ? reasons.routeNotFound : reasons.methodRoute, methods);
      return;
    }
    this.route = route;
    this.record.route = route;
    if (request.scrubbed > 0) {
      const restored = restoreMethodOverride(request, route, host, path, snapshot.routes);
      this.state.counters.scrubbed.override -= restored;
    }

    // 7. Gates that need only the head, in the order of gate/order.ts: those that can say at once, then those that may
    // have to ask somebody. They lead to `send`.
    const first = runRouteGates(request, route, snapshot, downstream, isPreflight, limits, startedMs, watch);
    if (first !== undefined) this.refuse(first);
    else runLateGates(this, route, isPreflight);
  }

  /** Past the gates: to the WAF, and to the upstream. */
  send(route: Route): void {
    if (route.transform.reply !== undefined || route.site !== undefined) {
      answerForRoute(this, route);
      return;
    }
    // Before any byte of the body is taken. It goes nowhere when the request does not.
    if (route.mirror !== undefined) this.#copy = beginCopy(route.mirror, this.request, Math.random() * 100);

    // 8. The WAF looks at the head now; at a body of a size that may come, when it is here, before it goes on.
    if (route.waf === undefined ? !this.admitBody(route) : !inspectRequest(this, route.waf, route)) return;

    // 9. What the route changes is changed; the answer comes from an endpoint of its upstream, or of the one that a split
    // chose. A body follows when the connection is there.
    this.#forward(route);
  }

  /** False: refused for its declared size. What is not declared is counted as it comes. */
  admitBody(route: Route): boolean {
    this.#bodyBytesMax = route.bodyBytesMax;
    const refusal = runBodyGates(this.request, route, this.state.watch);
    if (refusal !== undefined) this.refuse(refusal);
    return refusal === undefined;
  }

  #forward(route: Route): void {
    this.record.gatedMs = this.record.sentMs = this.state.clock.nowMs();
    const { request } = this;
    if ((request.webSocket || route.isStream) && !this.#enterStream(request.webSocket)) {
      this.refuse(reasons.streamCap);
      return;
    }
    // Behind the WAF: what an authority wrote into a name is no client's input.
    if (request.clientCertificate !== undefined) addIdentityLines(request, request.clientCertificate);
    if (isGrpc(request)) this.deadlineMs = this.record.startedMs + grpcTimeoutMs(request);
    const { transform, mergeSlashes, inspection, cache } = route;
    const { split } = transform;
    // A route without an upstream has replied by now. Before the edits: what a split looks for may be removed.
    const own = route.upstream!;
    const upstream = split.length === 0 ? own : chooseSplit(request, own, split, Math.random() * 100);
    this.#upstream = upstream;
    if (inspection !== undefined) askForInspectable(request, inspection);
    const refusal = editOutgoing(request, transform, mergeSlashes, upstream.address);
    if (refusal !== undefined) {
      this.refuse(refusal);
      return;
    }
    this.#bond = upstream.sticky?.take(request);
    this.#copy?.takeHead(request, this.peerText);
    if (cache === undefined) this.#ask(upstream);
    else this.#visitCache(cache, upstream);
  }

  #ask(upstream: Upstream): void {
    this.forwarding = new Forwarding(this, upstream, this.state.upstreamDeps, this.#bond?.member);
    this.forwarding.start();
  }

  // --- what the cache says

  #visitCache(rule: CacheRule, upstream: Upstream): void {
    const { hop, mergeSlashes } = this;
    const ground = { upstream, hop, mergeSlashes, route: this.route!.name };
    this.#visit = new CacheVisit(this, this.state.cache, rule, ground);
    this.#visit.start();
  }

  goPast(words: string): void {
    this.cacheWords = words;
    this.#ask(this.#upstream!);
  }

  answerFrom(head: ResponseHead, source: AnswerSource, words: string): void {
    this.cacheWords = words;
    this.source = source;
    const nowMs = this.state.clock.nowMs();
    if (answerInstead(this, head, nowMs)) return;
    dress(this, head, this.route!);
    beginAnswer(this, head, nowMs);
  }

  passFrom(head: ResponseHead, passage: Passage, words: string): void {
    this.source = passage;
    if (isEventStream(head)) {
      if (!this.#enterStream(false)) {
        this.fail(reasons.streamCap);
        return;
      }
      passage.unhurry();
    }
    this.answerFrom(head, passage, words);
  }

  // --- the request body: from the client, past the screen, to the upstream

  startBody(): void {
    this.#bodyStarted = true;
    this.downstream.startBody(this);
  }

  onBody(bytes: Buffer, start: number, end: number): boolean {
    this.record.requestBytes += end - start;
    this.record.captured?.take(bytes, start, end);
    if (this.record.requestBytes > this.#bodyBytesMax) {
      this.fail(reasons.bodyTooLarge);
      return true;
    }
    this.#copy?.take(bytes, start, end);
    if (this.screen !== undefined) return this.screen.take(bytes, start, end);
    return this.forwarding?.connection?.sendBody(bytes, start, end) ?? true;
  }

  onBodyTrailers(trailers: Trailers): void {
    const route = this.route!;
    // gRPC clients send none.
    if (!route.trailers) return;
    if (route.waf !== undefined && !inspectTail(this, route.waf, route, trailers)) return;
    const { requestFields } = route.transform;
    const kept = scrubTrailers(trailers, this.snapshot);
    this.requestTrailers = requestFields === undefined ? kept : editTrailers(kept, requestFields);
  }

  onBodyEnd(): void {
    if (this.record.captured !== undefined) this.record.captured.ended = true;
    this.#copy?.endBody();
    if (this.screen !== undefined) this.screen.end();
    else this.forwarding?.connection?.endBody();
  }

  onBodyCleared(): void {
    this.#forward(this.route!);
  }

  onBodyVerdict(verdict: WafVerdict, inspector: Inspector): void {
    judge(this, verdict, inspector);
  }

  onBodyOverload(): void {
    this.fail(reasons.overload);
  }

  onBodyWanted(): void {
    if (this.#bodyStarted) this.downstream.resumeBody();
    else this.startBody();
  }

  onConnected(): void {
    this.record.sentMs = this.state.clock.nowMs();
  }

  startRequestBody(): void {
    if (this.screen === undefined) this.startBody();
    else this.#pump(this.screen);
  }

  resumeRequestBody(): void {
    if (this.screen === undefined) this.downstream.resumeBody();
    else this.#pump(this.screen);
  }

  #pump(screen: BodyScreen): void {
    const connection = this.forwarding?.connection;
    if (connection !== undefined) screen.pump(connection);
  }

  // --- what the upstream says

  /** An attempt failed. Another one may follow; otherwise the client learns of it. */
  onFault(fault: Fault): void {
    const { record } = this;
    record.faultDetail = fault.detail;
    this.screen?.unplug();
    const forwarding = this.forwarding!;
    const nowMs = this.state.clock.nowMs();
    if (this.snapshot.tracing !== undefined) record.addFailure(fault.reason, fault.detail, nowMs);
    record.sentMs = nowMs;
    if (!this.answerStarted && forwarding.retry(fault, this.#isReplayable(fault))) {
      record.retries++;
      return;
    }
    forwarding.finish();
    this.forwarding = undefined;
    this.fail(fault.reason);
  }

  /** Whether sending the request again cannot do anything twice, and its bytes are still at hand. */
  #isReplayable({ nothingSent }: Fault): boolean {
    const { request, screen } = this;
    if (!nothingSent) return isIdempotent(request.method) && request.bodyKind === BODY_NONE;
    return screen === undefined ? this.record.requestBytes === 0 : screen.isWhole;
  }

  onAnswerHead(head: ResponseHead): void {
    if (this.#place === undefined && isEventStream(head)) {
      if (!this.#enterStream(false)) {
        this.fail(reasons.streamCap);
        return;
      }
      this.forwarding!.connection!.unhurry();
    }
    if (this.isStream) markStream(head);
    const nowMs = this.state.clock.nowMs();
    this.forwarding!.settle(head.status, nowMs);
    if (answerInstead(this, head, nowMs)) return;
    if (this.state.cache.isUsed && isUnsafe(this.request.method) && head.status < 400)
      this.state.cache.invalidate(this.request, this.mergeSlashes, namedUris(head));
    dress(this, head, this.route!);
    this.bind(head);
    beginAnswer(this, head, nowMs);
  }

  onAnswerSwitch(head: ResponseHead, connection: TunnelEnd): TunnelSide | undefined {
    return openWebSocket(this, head, connection);
  }

  /** Tells the client which member to come back to. */
  bind(head: ResponseHead): void {
    const bond = this.#bond;
    if (bond !== undefined)
      this.#upstream!.sticky!.answer(head, this.request, this.forwarding!.endpoint!, bond);
  }

  // --- the answer, wherever it comes from: an upstream, the cache, a file, ourselves

  onSourceHead(head: ResponseHead): void {
    dress(this, head, this.route!);
    beginAnswer(this, head, this.state.clock.nowMs());
  }

  onSourceFault(reason: Reason, detail: string): void {
    this.record.faultDetail = detail;
    this.fail(reason);
  }

  onAnswerBody(bytes: Buffer, start: number, end: number): boolean {
    this.record.responseBytes += end - start;
    return this.outlet.answerBody(bytes, start, end);
  }

  onAnswerFlush(): boolean {
    return this.outlet.answerFlush();
  }

  onAnswerTrailers(trailers: Trailers): void {
    if (!this.#passesTrailers) return;
    const { answerFields } = this.route!.transform;
    this.outlet.answerTrailers(answerFields === undefined ? trailers : editTrailers(trailers, answerFields));
  }

  onAnswerEnd(atOnce: boolean): void {
    this.forwarding?.finish();
    this.forwarding = undefined;
    this.source = undefined;
    this.outlet.answerEnd();
    // A step says when its client has it all.
    if (this.step !== undefined) return;
    // An answer that came in one piece ended when it began: reading the clock again would cost 43 ns.
    this.conclude(atOnce ? this.record.answeredMs : this.state.clock.nowMs());
  }

  /** The client took what was queued. */
  onDownstreamDrain(): void {
    if (this.step === undefined) this.onStepDrain();
    else this.step.resume();
  }

  onStepDrain(): void {
    this.forwarding?.connection?.resume();
    this.source?.resume();
  }

  onStepEnd(): void {
    if (!this.concluded) this.conclude();
  }

  onStepFault(reason: Reason): void {
    this.fail(reason);
  }

  onLeak(finding: Finding, refused: boolean): void {
    this.record.noteLeak(finding, refused);
  }

  // --- what has no end of its own: WebSockets, event streams, refusals in the tarpit

  /** Takes a place of the route's `max_streams` until the end. False: there is none. */
  #enterStream(isWebSocket: boolean): boolean {
    const { counters, streamsMax } = this.route!;
    if (counters.streams.open >= streamsMax) return false;
    const { clock, wheel } = this.state;
    const life = streamLife(this.request, this.snapshot.connection.ageMaxMs, clock);
    const owner = isWebSocket ? undefined : this;
    this.#place = new StreamPlace(counters.streams, wheel, life, owner);
    return true;
  }

  get #isEventStream(): boolean {
    return this.#place?.isWebSocket === false;
  }

  /** Ends only when somebody says so: a WebSocket, or an event stream under way. */
  get isLasting(): boolean {
    return this.tunnel !== undefined || this.#isEventStream || this.#held !== undefined;
  }

  /** The worker drains and this would not end by itself. */
  drain(): void {
    if (this.#held !== undefined) this.#release(this.#held);
    else if (this.tunnel !== undefined) this.tunnel.close(reasons.streamDrain);
    else if (this.#isEventStream) this.fail(this.answerStarted ? reasons.streamDrain : reasons.draining);
  }

  /** Called by the timer wheel: an event stream is old enough, or a refusal was held long enough. */
  expire(): void {
    if (this.#held !== undefined) this.#release(this.#held);
    else this.fail(this.answerStarted ? this.#place!.ageReason : reasons.upstreamTimeout);
  }

  // --- endings

  /** Ends the exchange for `reason`: an answer of our own, or a cut when the upstream's answer is already under way. */
  fail(reason: Reason): void {
    // What a held client does wrong meanwhile does not let it go.
    if (this.concluded || this.#held !== undefined) return;
    if (this.tunnel !== undefined) {
      this.tunnel.close(reason);
      return;
    }
    this.#dropOrigin();
    if (!this.answerStarted || this.step?.holdsHead === true) {
      this.refuse(reason);
      return;
    }
    // A truncated answer must never look complete: no last chunk, no further answers on this connection.
    this.record.reason = reason;
    this.downstream.cut(reason);
    this.conclude();
  }

  /** The fixed answer for `reason`, at once or through the tarpit. Nothing has been answered yet. */
  refuse(reason: Reason, methods = 0): void {
    const { request, record } = this;
    if (request.tarpit && this.#hold(reason)) return;
    record.reason = reason;
    record.status = reason.status;
    if (request.refusalDetail !== "") record.faultDetail = request.refusalDetail;
    this.downstream.refuse(reason, this.#retryAfterSecs(reason), methods);
    this.conclude();
  }

  #retryAfterSecs(reason: Reason): number {
    if (reason === reasons.upstreamOpen) return this.#upstream?.retryAfterSecs(this.state.clock.nowMs()) ?? 1;
    return reason.status === 503 ? 1 : 0;
  }

  /** Keeps a refusal in the tarpit. False: there is no place. */
  #hold(reason: Reason): boolean {
    this.request.tarpit = false;
    this.#held = this.state.tarpit.hold(reason, this.state.wheel, this);
    return this.#held !== undefined;
  }

  #release({ reason }: HeldRefusal): void {
    this.#leaveTarpit();
    this.refuse(reason);
  }

  #leaveTarpit(): void {
    this.#held?.leave();
    this.#held = undefined;
  }

  /** The client is gone, or the listener gave it up (`reason`): nobody is there to answer. */
  abandon(reason: Reason): void {
    if (this.concluded) return;
    if (this.tunnel !== undefined) {
      this.tunnel.client.onGone(reason, "");
      return;
    }
    this.#dropOrigin();
    this.record.reason = reason;
    this.conclude();
  }

  #dropOrigin(): void {
    this.forwarding?.cancel();
    this.forwarding = undefined;
    this.#visit?.close();
    this.#visit = undefined;
    this.source?.close();
    this.source = undefined;
  }

  /** The only end: whatever was taken is given back, and the record is written. */
  conclude(nowMs = this.state.clock.nowMs()): void {
    const { request, record, route } = this;
    this.concluded = true;
    this.#leaveTarpit();
    this.screen?.close();
    this.#copy?.leave();
    if (this.step !== undefined) {
      record.responseBytes = this.step.sentBytes;
      this.step.close();
    }
    leaveInFlight(request, this.state.limits);
    request.onSettled?.(record.status, record.wafScore, nowMs);
    this.#place?.leave();
    if (request.upgrade && route !== undefined)
      route.counters.streams.countUpgrade(record, route.webSocket !== undefined, request.webSocket);
    this.state.conclude(record, request, this.downstream, nowMs);
  }

  onDefect(cause: unknown): void {
    this.downstream.onDefect(cause);
  }

  // --- what whoever it talks to asks about it

  get hop(): HopFacts {
    return this.snapshot.hop;
  }

  get peerText(): string {
    return this.downstream.peerText;
  }

  get forwardedMemo(): ForwardedMemo {
    return this.downstream.forwardedMemo;
  }

  get mergeSlashes(): boolean {
    return this.route!.mergeSlashes;
  }

  get isStream(): boolean {
    return this.route!.isStream;
  }

  get wantsTrailers(): boolean {
    return this.request.acceptsTrailers && this.#passesTrailers;
  }

  get sendsTrailers(): boolean {
    return this.route!.trailers && this.request.bodyKind === BODY_CHUNKED;
  }

  /** gRPC ends every answer with trailers; elsewhere they are an option of the route (reliability.md CH15). */
  get #passesTrailers(): boolean {
    return this.route!.trailers || isGrpc(this.request);
  }

  /** Its upstream takes calls: both ends of one may be silent for as long as they like. */
  get takesCalls(): boolean {
    return this.#upstream !== undefined && this.#upstream.config.protocol !== "http1";
  }
}
