import { workerDied } from "./audit-events.ts";
import type { AuditSupply } from "./audit-supply.ts";
import type { Bans } from "./bans.ts";
import type { CachePeers } from "./cache-peers.ts";
import type { CaptureStore } from "./capture-store.ts";
import type { DecisionRing } from "./decision-ring.ts";
import type { EventFeed } from "./event-feed.ts";
import type { Exposition } from "./exposition.ts";
import type { IdentityDesk } from "./identity-desk.ts";
import type { LimitExchange } from "./limit-exchange.ts";
import type { MeshDesk } from "./mesh-desk.ts";
import type { ToWorker } from "./messages.ts";
import { type Obituaries, seenWorker } from "./obituaries.ts";
import type { OperatorListeners } from "./operator-listeners.ts";
import type { SpanReporter } from "./span-reporter.ts";
import type { SupervisionOptions } from "./supervision.ts";
import type { WorkerReports } from "./worker-reports.ts";

export interface WorkerNewsOptions {
  readonly exposition: Exposition;
  readonly spans: SpanReporter;
  readonly decisions: DecisionRing;
  readonly events: EventFeed;
  readonly captures: CaptureStore;
  readonly identity: IdentityDesk;
  readonly limits: LimitExchange;
  readonly cachePeers: CachePeers;
  readonly bans: Bans;
  readonly mesh: MeshDesk;
  readonly obituaries: Obituaries;
  readonly audit: AuditSupply;
  readonly generation: () => number;
  /** Made after this. */
  readonly control: () => OperatorListeners;
  readonly broadcast: (message: ToWorker) => void;
  /** To one worker, by its id. */
  readonly tell: (worker: number, message: ToWorker) => void;
}

/** Who hears what of what workers say, and of their ends. */
export function workerNews(
  to: WorkerNewsOptions,
): WorkerReports & Pick<SupervisionOptions, "onGone" | "onReplaced"> {
  const { exposition, decisions, events, cachePeers, bans, mesh, obituaries, audit, broadcast } = to;
  return {
    onFrame: exposition.absorb,
    onSpans: (facts) => to.spans.report(facts),
    onDecisions: (news) => {
      decisions.add(news);
      events.publishDecisions(news);
    },
    onCaptures: to.captures.write,
    onKeysWanted: to.identity.wantKeys,
    onLimitSpent: to.limits.hear,
    onStrictAsks: to.limits.judge,
    onLimitLevels: to.limits.hearLevels,
    onCachePeer(worker, place) {
      cachePeers.hear(worker, place);
      broadcast(cachePeers.news());
    },
    onPageAsked: (worker, ask) =>
      void to
        .control()
        .page(ask)
        .then((page) => to.tell(worker, { type: "page", id: ask.id, page })),
    onOffences: (worker, report) => {
      bans.hear(worker, report);
      mesh.offended(report);
    },
    onReplaced: (cause) => exposition.add("workerRestarts", [cause]),
    onGone: (worker, death) => {
      exposition.forget(worker);
      bans.forget(worker);
      if (cachePeers.forget(worker)) broadcast(cachePeers.news());
      if (death === undefined) return;
      exposition.add("workerRestarts", [obituaries.died(seenWorker(death))]);
      exposition.add("workerExits", [death.signal]);
      audit.tell(workerDied(to.generation(), death));
      events.publish("worker_exit", death);
    },
  };
}
