import type { JsonObject } from "../audit/canonical.ts";
import type { LimitStoreConfig, MeshConfig } from "../config/config.ts";
import type { ClientScores } from "../identity/score-table.ts";
import type { MetricSample } from "../record/metrics.ts";
import type { AuditLogHead } from "./audit-order.ts";

/** What the process of the mesh works by. */
export interface MeshSettings {
  readonly mesh: MeshConfig;
  readonly store: LimitStoreConfig;
  /** Undefined: nothing outlives it. */
  readonly stateFile: string | undefined;
  /** CIDR blocks about which nothing is claimed, and against which nothing is done: proxies, internal networks. */
  readonly spared: readonly string[];
  /** URLs of upstreams' endpoints. */
  readonly endpoints: readonly string[];
}

/** What the primary tells the process of the mesh. */
export type ToMesh =
  | { readonly type: "adopt"; readonly settings: MeshSettings }
  /** Refused requests since the last report, by client. */
  | {
      readonly type: "offences";
      readonly offences: readonly (readonly [client: string, waf: number, limit: number])[];
    }
  | { readonly type: "banned"; readonly client: string; readonly by: "ban" | "operator" }
  /** What this machine's own probes find. */
  | { readonly type: "health"; readonly url: string; readonly healthy: boolean }
  /** Since the last time. */
  | { readonly type: "rules"; readonly hits: readonly (readonly [rule: string, count: number])[] }
  | { readonly type: "audit_head"; readonly head: AuditLogHead };

/** What a quorum led to. */
export interface MeshDecision {
  readonly decision: "deny" | "ban" | "eject";
  /** Client, or URL of an endpoint; for a client that is known by its hash alone that hash. */
  readonly subject: string;
  readonly voices: number;
  readonly quorum: number;
}

/** How the mesh is, for readiness, `zion mesh status` and metrics. */
export interface MeshState {
  readonly isUp: boolean;
  readonly id: string;
  readonly claims: number;
  readonly quorum: number;
  readonly peers: readonly MeshPeerState[];
  /** Most frequent first, over all edges. */
  readonly rules: readonly { readonly rule: string; readonly count: number; readonly edges: number }[];
  readonly samples: readonly MetricSample[];
}

export interface MeshPeerState {
  readonly id: string;
  readonly operator: string;
  readonly source: string;
  readonly state: "seen" | "silent" | "quarantined";
  /** Null: not since the start. */
  readonly seen_secs_ago: number | null;
  readonly claims: number;
}

/** What the process of the mesh tells the primary. */
export type FromMesh =
  /** Decisions are on record before the scores that carry them are in force. */
  | {
      readonly type: "scores";
      readonly scores: ClientScores;
      readonly decisions: readonly MeshDecision[];
    }
  | { readonly type: "state"; readonly state: MeshState }
  | {
      readonly type: "event";
      readonly kind: "mesh_publish" | "mesh_receive";
      readonly data: JsonObject;
    }
  /** For the log; `fields` are its own words. */
  | {
      readonly type: "notice";
      readonly level: "info" | "warn" | "error";
      readonly event: string;
      readonly text: string;
      readonly fields: Readonly<Record<string, string | number>>;
    };
