import type { OffenceReport } from "../gate/offence-watch.ts";
import type { SpentShare } from "../limit/limiter.ts";
import type { StrictBatch } from "../limit/strict.ts";
import type { Decision } from "../record/decision-log.ts";
import type { MetricFrame } from "../record/metric-frame.ts";
import type { SpanFacts } from "../record/span-log.ts";
import type { PeerPlace } from "../upstream/cache-peer.ts";
import type { FromWorker } from "./messages.ts";
import type { PageAsk } from "./page-desk.ts";

/** Who takes what workers report, by the worker's id. None of it is about their lives: those are the supervision's. */
export interface WorkerReports {
  readonly onFrame: (worker: number, frame: MetricFrame) => void;
  readonly onDecisions: (decisions: readonly Decision[]) => void;
  readonly onCaptures: (lines: readonly string[]) => void;
  readonly onSpans: (spans: readonly SpanFacts[]) => void;
  /** A worker met a token whose key it does not know; by the id of the source of keys. */
  readonly onKeysWanted: (source: string) => void;
  readonly onLimitSpent: (worker: number, shares: readonly SpentShare[]) => void;
  readonly onOffences: (worker: number, report: OffenceReport) => void;
  readonly onStrictAsks: (worker: number, batch: StrictBatch) => void;
  readonly onLimitLevels: (ask: number, levels: readonly number[]) => void;
  readonly onCachePeer: (worker: number, place: PeerPlace) => void;
  readonly onPageAsked: (worker: number, ask: PageAsk) => void;
}

type Report = FromWorker & {
  readonly type:
    | "metrics"
    | "decisions"
    | "captures"
    | "spans"
    | "auth_keys_wanted"
    | "limit_spent"
    | "offences"
    | "strict_asks"
    | "limit_levels_told"
    | "cache_peer"
    | "page_asked";
};

export function passOn(worker: number, report: Report, to: WorkerReports): void {
  switch (report.type) {
    case "metrics":
      to.onFrame(worker, report.frame);
      return;
    case "decisions":
      to.onDecisions(report.decisions);
      return;
    case "captures":
      to.onCaptures(report.lines);
      return;
    case "spans":
      to.onSpans(report.spans);
      return;
    case "auth_keys_wanted":
      to.onKeysWanted(report.source);
      return;
    case "limit_spent":
      to.onLimitSpent(worker, report.shares);
      return;
    case "offences":
      to.onOffences(worker, report.report);
      return;
    case "strict_asks":
      to.onStrictAsks(worker, report.batch);
      return;
    case "limit_levels_told":
      to.onLimitLevels(report.ask, report.levels);
      return;
    case "cache_peer":
      to.onCachePeer(worker, report.place);
      return;
    case "page_asked":
      to.onPageAsked(worker, report.ask);
      return;
  }
}
