import { endsMs } from "../mesh/claim.ts";
import type { KeyRing } from "../mesh/key-ring.ts";
import type { MeshNode, RejectReason } from "../mesh/node.ts";
import { meshFamilies as families } from "../record/mesh-metrics.ts";
import type { MetricSample } from "../record/metrics.ts";
import type { MeshLink } from "./mesh-link.ts";
import type { MeshPeerState, MeshState } from "./mesh-order.ts";

/** What an edge counted, and what it knows of the others. */
export interface MeshFacts {
  readonly node: MeshNode;
  readonly link: Pick<MeshLink, "isUp" | "errors" | "dropped">;
  readonly ring: KeyRing;
  readonly counts: {
    readonly emitted: number;
    readonly received: number;
    readonly unpublished: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
    readonly forks: number;
  };
  readonly rejected: ReadonlyMap<RejectReason, number>;
  readonly decided: ReadonlyMap<string, number>;
}

const SEEN_MS = 60_000;
const RULES_MAX = 10;

/** For operators and metrics. */
export function meshFigures(facts: MeshFacts, nowMs: number): MeshState {
  const { node, link } = facts;
  const peers = peersOf(facts, nowMs);
  return {
    isUp: link.isUp,
    id: node.id,
    claims: node.store.size,
    quorum: node.rule.quorum,
    peers,
    rules: rulesOf(node, nowMs),
    samples: samplesOf(facts, peers),
  };
}

function peersOf({ node, ring }: MeshFacts, nowMs: number): readonly MeshPeerState[] {
  const others = ring.edges.filter(({ id }) => id !== node.id);
  return others.map(({ id, operator, source }): MeshPeerState => {
    const peer = node.peerOf(id);
    const seenMs = peer?.lastSeenMs ?? 0;
    const isSeen = nowMs - seenMs < SEEN_MS;
    return {
      id,
      operator,
      source,
      state: peer?.isQuarantined(nowMs) === true ? "quarantined" : isSeen ? "seen" : "silent",
      seen_secs_ago: seenMs === 0 ? null : Math.round((nowMs - seenMs) / 1000),
      claims: node.store.countOf(id),
    };
  });
}

function samplesOf(
  { node, link, counts, rejected, decided }: MeshFacts,
  peers: readonly MeshPeerState[],
): readonly MetricSample[] {
  const of = (family: { readonly name: string }, value: number, ...labels: string[]): MetricSample => ({
    name: family.name,
    labels,
    value,
  });
  return [
    of(families.meshUp, link.isUp ? 1 : 0),
    of(families.meshErrors, link.errors),
    of(families.meshEmitted, counts.emitted),
    of(families.meshReceived, counts.received),
    of(families.meshUnpublished, counts.unpublished + link.dropped),
    of(families.meshBytes, counts.bytesIn, "in"),
    of(families.meshBytes, counts.bytesOut, "out"),
    of(families.meshClaims, node.store.size),
    of(families.meshEvictions, node.store.evicted),
    of(families.meshForks, counts.forks),
    ...[...rejected].map(([reason, value]) => of(families.meshRejected, value, reason)),
    ...[...decided].map(([decision, value]) => of(families.meshDecisions, value, decision)),
    ...(["seen", "silent", "quarantined"] as const).map((state) =>
      of(families.meshPeers, peers.filter((peer) => peer.state === state).length, state),
    ),
  ];
}

/** Those that fired most, over all edges. */
function rulesOf(node: MeshNode, nowMs: number): MeshState["rules"] {
  const rules = [...node.store.of("rule_hits").values()].map((entries) => {
    let [rule, count, edges] = ["", 0, 0];
    for (const { claim } of entries) {
      if (claim.kind !== "rule_hits" || endsMs(claim) <= nowMs) continue;
      rule = claim.rule;
      count += claim.count;
      edges++;
    }
    return { rule, count, edges };
  });
  return rules
    .filter(({ edges }) => edges > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, RULES_MAX);
}
