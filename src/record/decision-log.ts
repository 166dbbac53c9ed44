import { refusedHeadText } from "../http/refused-head.ts";
import { type CanonicalRequest, methodNames } from "../http/request.ts";
import { TRACE_AT } from "../http/trace.ts";
import type { Clock } from "../std/clock.ts";
import type { ExchangeRecord } from "./record.ts";
import { decisionNames, decisionOf } from "./route-counts.ts";

/** What operators are shown of one exchange: plain data, without the query and without matched text. */
export interface Decision {
  /** When it ended, ms since the epoch. */
  readonly timeMs: number;
  readonly requestId: string;
  readonly traceId: string;
  readonly client: string;
  readonly peer: string;
  /** Fingerprint of the certificate that the client showed, good or bad; absent = none. */
  readonly certificate?: string;
  readonly method: string;
  /** "" for a head that could not be read, as the path. */
  readonly host: string;
  readonly path: string;
  /** What could be made out of such a head. */
  readonly head?: string;
  /** "" = none. */
  readonly route: string;
  readonly status: number;
  /** `allow`, `deny`, `error`, `shadow`. */
  readonly decision: string;
  /** The gate or stage that refused, and why; "" = nobody did. */
  readonly gate: string;
  readonly reason: string;
  readonly detail: string;
  readonly score: number;
  readonly findings: readonly DecisionFinding[];
  readonly generation: number;
  readonly totalMs: number;
  readonly upstream: string;
}

export interface DecisionFinding {
  readonly rule: string;
  readonly place: string;
  readonly start: number;
  readonly end: number;
  readonly decoders: readonly string[];
  readonly shadow: boolean;
}

/** Between two reports, one a second unless somebody asks: the first ones of each are kept, the others are counted. */
const REFUSALS_MAX = 200;
const ALLOWED_MAX = 10;
const PATH_MAX = 512;

/** The decisions of a worker that wait to be told to the primary. */
export class DecisionLog {
  dropped = 0;
  #decisions: Decision[] = [];
  #refusals = 0;
  #allowed = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(record: ExchangeRecord, request: CanonicalRequest, peerText: string, nowMs: number): void {
    if (record.reason === undefined && !record.wafShadow) {
      if (this.#allowed >= ALLOWED_MAX) return;
      this.#allowed++;
    } else if (this.#refusals >= REFUSALS_MAX) {
      this.dropped++;
      return;
    } else {
      this.#refusals++;
    }
    this.#decisions.push(decisionFrom(record, request, peerText, nowMs, this.#clock.wallMs()));
  }

  /** What came since the last call. */
  take(): readonly Decision[] {
    const decisions = this.#decisions;
    if (decisions.length > 0) this.#decisions = [];
    this.#refusals = this.#allowed = 0;
    return decisions;
  }
}

function decisionFrom(
  record: ExchangeRecord,
  request: CanonicalRequest,
  peer: string,
  nowMs: number,
  timeMs: number,
): Decision {
  const { reason, wafGate } = record;
  const whole = request.refusal === undefined;
  const trace = request.traceStart + TRACE_AT;
  return {
    timeMs,
    requestId: request.text(request.requestIdStart, request.requestIdEnd),
    traceId: request.text(trace, trace + 32),
    client: request.clientAddress,
    peer,
    ...(request.shownCertificate === undefined ? {} : { certificate: request.shownCertificate.fingerprint }),
    method: whole ? methodNames[request.method]! : "_OTHER",
    host: whole ? request.hostText() : "",
    path: whole
      ? request.text(request.pathStart, Math.min(request.pathEnd, request.pathStart + PATH_MAX))
      : "",
    ...(request.refusedHead === undefined ? {} : { head: refusedHeadText(request.refusedHead) }),
    route: record.route?.name ?? "",
    status: record.status,
    decision: decisionNames[decisionOf(record)]!,
    // The WAF's own words say more than its one reason.
    gate: wafGate === "" ? (reason?.stage ?? "") : wafGate,
    reason: wafGate === "" ? (reason?.code ?? "") : record.wafDetail,
    detail: record.faultDetail,
    score: record.wafScore,
    findings: record.findings.map(({ rule, place, start, end, decoders, shadow }) => ({
      rule: rule.id,
      place,
      start,
      end,
      decoders,
      shadow,
    })),
    generation: record.generation,
    totalMs: Math.max(0, nowMs - record.startedMs),
    upstream: record.upstream?.url ?? "",
  };
}
