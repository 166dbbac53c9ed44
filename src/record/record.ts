import type { Outcome } from "../cache/counts.ts";
import type { Reason } from "../reason.ts";
import { FINDINGS_MAX, type Finding } from "../waf/finding.ts";
import type { CapturedBody } from "./capture-log.ts";
import type { RouteCounts } from "./route-counts.ts";

/** What the record keeps of a route: names for the log, counters for the metrics. Met by snapshot.ts `Route`. */
export interface RecordedRoute {
  readonly name: string;
  readonly counters: RouteCounts;
  /** See access-log.ts `routeLogPiece`. */
  readonly logPiece: Uint8Array;
}

/** What the record keeps of the endpoint that answered or failed last. Met by upstream/endpoint.ts. */
export interface RecordedEndpoint {
  readonly url: string;
  readonly logPiece: Uint8Array;
}

/** One attempt that an upstream did not answer. */
export interface FailedAttempt {
  readonly url: string;
  /** Monotonic ms. */
  readonly sentMs: number;
  readonly endedMs: number;
  readonly reason: string;
  readonly detail: string;
}

/**
 * What is remembered of one exchange: one flat object with a fixed shape, also for refusals before routing. Access
 * log, metrics and (later) audit, console, explain and why are views of it.
 */
export class ExchangeRecord {
  /** Monotonic ms when the head was complete. */
  readonly startedMs: number;
  /** Generation of the snapshot that judged it. */
  readonly generation: number;
  route: RecordedRoute | undefined = undefined;
  /** Why it was refused or cut; undefined = answered. */
  reason: Reason | undefined = undefined;
  /** Status sent to the client; 0 = none. */
  status = 0;
  /** Body bytes taken from the client and given to the client. */
  requestBytes = 0;
  responseBytes = 0;
  /** The endpoint that answered or failed last. */
  upstream: RecordedEndpoint | undefined = undefined;
  /** Attempts after the first. */
  retries = 0;
  /** What the cache did; "" = the route has none, or it had nothing to give. */
  cache: Outcome | "" = "";
  /** What went wrong with the last attempt; a closed word or an errno. */
  faultDetail = "";
  /** The gate of the WAF that refused, or would have; "" = none. */
  wafGate = "";
  /** A reader's reason, or the id of the rule that says most. */
  wafDetail = "";
  /** Points of the rules that fired. */
  wafScore = 0;
  /** `wafGate` spoke in a shadow: the request went on. */
  wafShadow = false;
  /** Rules that fired, at most 16, also those in a shadow and below the threshold. */
  findings: readonly Finding[] = NO_FINDINGS;
  /** Monotonic ms when the last gate had passed it; 0 = none did, or nothing was to be forwarded. */
  gatedMs = 0;
  /** Monotonic ms when its head was on the way to the endpoint that answered or failed last; 0 = never. */
  sentMs = 0;
  /** Monotonic ms when the upstream's head came; 0 = never. */
  answeredMs = 0;
  /** Attempts that failed, at most 8; kept only where traces are reported. */
  failures: readonly FailedAttempt[] = NO_FAILURES;

  /** What is kept of the body; undefined = the request is not. */
  captured: CapturedBody | undefined = undefined;

  constructor(startedMs: number, generation: number) {
    this.startedMs = startedMs;
    this.generation = generation;
  }

  /** Before `sentMs` is the next attempt's. */
  addFailure(reason: Reason, detail: string, endedMs: number): void {
    if (this.upstream === undefined || this.failures.length >= FAILURES_MAX) return;
    const failure = { url: this.upstream.url, sentMs: this.sentMs, endedMs, reason: reason.code, detail };
    this.failures = [...this.failures, failure];
  }

  /**
   * What the WAF says about the request. True: the exchange must end with it. `isShadow`: it is noted, and the request
   * goes on.
   */
  noteVerdict({ refused, gate, detail }: Verdict, { findings, score }: Findings, isShadow: boolean): boolean {
    if (findings.length > 0) {
      this.findings = findings;
      this.wafScore = score;
    }
    if (!refused) return false;
    this.wafGate = gate;
    this.wafDetail = detail;
    this.wafShadow = isShadow;
    return !isShadow;
  }

  /** What was found in the answer. `isRefused`: the answer ends with it. */
  noteLeak(finding: Finding, isRefused: boolean): void {
    if (this.findings.length < FINDINGS_MAX) this.findings = [...this.findings, finding];
    if (!isRefused) return;
    this.wafGate = "answer";
    this.wafDetail = finding.rule.id;
    this.wafShadow = false;
  }
}

/** Met by gate/waf-verdict.ts `WafVerdict`. */
interface Verdict {
  readonly refused: boolean;
  readonly gate: string;
  readonly detail: string;
}

/** Met by waf/inspector.ts `Inspector`. */
interface Findings {
  readonly findings: readonly Finding[];
  readonly score: number;
}

const FAILURES_MAX = 8;
const NO_FAILURES: readonly FailedAttempt[] = [];

const NO_FINDINGS: readonly Finding[] = [];
