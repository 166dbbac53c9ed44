import type { MetricFamily } from "./metrics.ts";

/** Figures of [mesh]: the process of the mesh counts them, but for the lookups of workers. */
export const meshFamilies = {
  meshUp: gauge("zion_mesh_store_up", "1 when the store is there in which edges meet.", []),
  meshErrors: counter(
    "zion_mesh_recv_errors_total",
    "Times that the store was lost or could not be reached.",
    [],
  ),
  meshEmitted: counter("zion_mesh_claims_emitted_total", "Claims of this edge that were published.", []),
  meshReceived: counter("zion_mesh_claims_received_total", "Claims of other edges that were taken.", []),
  meshRejected: counter(
    "zion_mesh_claims_rejected_total",
    "Claims that were not taken, by why; of an envelope that is refused whole, as many as it says it has.",
    ["reason"],
  ),
  meshUnpublished: counter(
    "zion_mesh_claims_dropped_publish_total",
    "Claims that were not published at once: the store is gone, or too much waits. Others find them when they compare.",
    [],
  ),
  meshBytes: counter("zion_mesh_gossip_bytes_total", "Bytes of envelopes, `in` or `out`.", ["direction"]),
  meshClaims: gauge("zion_mesh_claims", "Claims that are remembered, this edge's own among them.", []),
  meshEvictions: counter(
    "zion_mesh_claim_evictions_total",
    "Claims that were forgotten because there were too many of a signer, or in all.",
    [],
  ),
  meshPeers: gauge(
    "zion_mesh_peers",
    "Keys of other edges: `seen` within the last minute, `silent`, `quarantined`.",
    ["state"],
  ),
  meshDecisions: counter("zion_mesh_decisions_total", "What a quorum led to here: `deny`, `ban`, `eject`.", [
    "decision",
  ]),
  meshForks: counter(
    "zion_mesh_audit_forks_total",
    "Audit logs of other edges that became shorter, or other ones, between two looks.",
    [],
  ),
  meshLookups: counter(
    "zion_mesh_score_lookups_total",
    "Requests whose client was looked up in the scores.",
    [],
  ),
} as const satisfies Readonly<Record<string, MetricFamily>>;

function counter(name: string, help: string, labels: readonly string[]): MetricFamily {
  return { name, type: "counter", help, labels };
}

function gauge(name: string, help: string, labels: readonly string[]): MetricFamily {
  return { name, type: "gauge", help, labels };
}
