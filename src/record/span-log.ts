import type { TraceRule } from "../http/id-lines.ts";
import { type CanonicalRequest, methodNames } from "../http/request.ts";
import { SPAN_AT, TRACE_AT } from "../http/trace.ts";
import type { Clock } from "../std/clock.ts";
import type { ExchangeRecord, FailedAttempt } from "./record.ts";
import { decisionNames, decisionOf } from "./route-counts.ts";

/** `[tracing]` as the data path needs it. */
export interface TracingRule extends TraceRule {
  /** Refusals and errors are reported whether or not their trace is. */
  readonly refusals: boolean;
  /** An address as `[redact]` lets it leave the machine. */
  readonly address: (text: string) => string;
}

/** What is reported of one exchange: the gateway's span, and the attempts in it. Times are ms since the epoch. */
export interface SpanFacts {
  /** Lower-case hex. */
  readonly traceId: string;
  readonly spanId: string;
  /** "" = the trace begins here. */
  readonly parentId: string;
  readonly startMs: number;
  readonly endMs: number;
  /** The name of a span, by OpenTelemetry's rule: method and route. */
  readonly name: string;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly attempts: readonly AttemptFacts[];
}

export interface AttemptFacts {
  readonly startMs: number;
  readonly endMs: number;
  readonly url: string;
  /** "" = it was answered. */
  readonly error: string;
}

/** Spans between two reports, one a second: what is beyond is counted, not kept. */
const SPANS_MAX = 1024;
/** Of them, refusals that were not chosen: an attack makes as many as it likes. */
const REFUSALS_MAX = 100;

/**
 * The spans of a worker that wait to be reported. Decided before anything is made of them: an exchange that is not
 * reported costs one comparison.
 */
export class SpanLog {
  dropped = 0;
  #spans: SpanFacts[] = [];
  #refusals = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(
    record: ExchangeRecord,
    request: CanonicalRequest,
    rule: TracingRule,
    peerText: string,
    nowMs: number,
  ): void {
    if (!request.sampled) {
      if (!rule.refusals || (record.reason === undefined && !record.wafShadow)) return;
      if (this.#refusals >= REFUSALS_MAX) {
        this.dropped++;
        return;
      }
      this.#refusals++;
    }
    if (this.#spans.length >= SPANS_MAX) this.dropped++;
    else this.#spans.push(factsOf(record, request, rule, peerText, nowMs, this.#clock.wallMs() - nowMs));
  }

  /** What came since the last call. */
  take(): readonly SpanFacts[] {
    const spans = this.#spans;
    if (spans.length > 0) this.#spans = [];
    this.#refusals = 0;
    return spans;
  }
}

function factsOf(
  record: ExchangeRecord,
  request: CanonicalRequest,
  { address }: TracingRule,
  peerText: string,
  nowMs: number,
  /** Added to monotonic ms. */
  epochMs: number,
): SpanFacts {
  const { traceStart, parentSpanStart: parent } = request;
  const whole = request.refusal === undefined;
  const method = whole ? methodNames[request.method]! : "_OTHER";
  const route = record.route?.name;
  const { reason } = record;
  const attributes: Record<string, string | number> = {
    "http.request.method": method,
    "url.scheme": request.secure ? "https" : "http",
    "client.address": address(request.clientAddress),
    "network.peer.address": address(peerText),
    "network.protocol.version": request.version === 20 ? "2" : request.version === 11 ? "1.1" : "1.0",
    "http.request.body.size": record.requestBytes,
    "http.response.body.size": record.responseBytes,
    "zion.request_id": request.text(request.requestIdStart, request.requestIdEnd),
    "zion.decision": decisionNames[decisionOf(record)]!,
    "zion.generation": record.generation,
  };
  if (whole) {
    attributes["server.address"] = request.hostText();
    // Never the query: it may hold a password.
    attributes["url.path"] = request.text(
      request.pathStart,
      Math.min(request.pathEnd, request.pathStart + PATH_MAX),
    );
  }
  if (request.refusedHead !== undefined) {
    const { method: original, target } = request.refusedHead;
    if (original !== "") attributes["http.request.method_original"] = original;
    if (target !== "") attributes["url.original"] = target;
  }
  if (route !== undefined) attributes["http.route"] = route;
  if (record.status !== 0) attributes["http.response.status_code"] = record.status;
  if (reason !== undefined) {
    attributes["error.type"] = reason.code;
    attributes["zion.gate"] = reason.stage;
  }
  if (record.wafGate !== "") {
    attributes["zion.waf.gate"] = record.wafGate;
    attributes["zion.waf.detail"] = record.wafDetail;
  }
  return {
    traceId: request.text(traceStart + TRACE_AT, traceStart + TRACE_AT + 32),
    spanId: request.text(traceStart + SPAN_AT, traceStart + SPAN_AT + 16),
    parentId: parent < 0 ? "" : request.text(parent, parent + 16),
    startMs: record.startedMs + epochMs,
    endMs: nowMs + epochMs,
    name: route === undefined ? method : `${method} ${route}`,
    isError: decisionNames[decisionOf(record)] === "error",
    attributes,
    attempts: attemptsOf(record, nowMs, epochMs),
  };
}

function attemptsOf(record: ExchangeRecord, nowMs: number, epochMs: number): readonly AttemptFacts[] {
  const attempts = record.failures.map(({ url, sentMs, endedMs, reason, detail }: FailedAttempt) => ({
    startMs: sentMs + epochMs,
    endMs: endedMs + epochMs,
    url,
    error: detail === "" ? reason : `${reason}: ${detail}`,
  }));
  if (record.answeredMs !== 0 && record.upstream !== undefined) {
    const startMs = record.sentMs + epochMs;
    attempts.push({ startMs, endMs: nowMs + epochMs, url: record.upstream.url, error: "" });
  }
  return attempts;
}

const PATH_MAX = 1024;
