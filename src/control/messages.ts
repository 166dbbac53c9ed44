import type { Purge } from "../cache/answer-table.ts";
import type { SocketAddress } from "../config/config.ts";
import type { Manifest } from "../config/parts.ts";
import type { OffenceReport } from "../gate/offence-watch.ts";
import type { RangeTable } from "../identity/range-table.ts";
import type { ClientScores } from "../identity/score-table.ts";
import type { KeyMaterial } from "../identity/token-verifier.ts";
import type { SpentShare, StoreLevels } from "../limit/limiter.ts";
import type { StoreState } from "../limit/limits.ts";
import type { StrictAnswer, StrictBatch } from "../limit/strict.ts";
import type { LimitKey } from "../limit/usage.ts";
import type { CaptureKey } from "../record/capture-line.ts";
import type { Decision } from "../record/decision-log.ts";
import type { MetricFrame } from "../record/metric-frame.ts";
import type { SpanFacts } from "../record/span-log.ts";
import type { HttpChallenge, TlsChallenge } from "../respond/acme-challenges.ts";
import type { Page } from "../respond/page.ts";
import type { PeerPlace } from "../upstream/cache-peer.ts";
import type { ListenerName } from "./edge.ts";
import type { PageAsk } from "./page-desk.ts";

/**
 * Everything that primary and workers tell each other. It travels by structured clone on the IPC pipe, so configuration
 * and keys appear in no argument list, environment or file that another process of the machine could read.
 */
export type ToWorker =
  | PrepareMessage
  | { readonly type: "commit"; readonly generation: number }
  | { readonly type: "discard"; readonly generation: number }
  /** With a bound handle attached, or with an address for the worker to bind. "move": in place of the slot's former one. */
  | {
      readonly type: "open" | "move";
      readonly listener: ListenerName;
      readonly slot: number;
      readonly address: SocketAddress | undefined;
    }
  | { readonly type: "close"; readonly listener: ListenerName; readonly slot: number }
  | { readonly type: "ticket_keys"; readonly keys: Buffer }
  /** All OCSP answers that handshakes carry, by the SHA-256 of the certificate. */
  | { readonly type: "staples"; readonly staples: readonly Staple[] }
  | { readonly type: "health"; readonly upstream: string; readonly url: string; readonly healthy: boolean }
  | { readonly type: "addresses"; readonly host: string; readonly addresses: readonly string[] }
  /** Keys of tokens, by the id of their source; none = they cannot be had. */
  | { readonly type: "auth_keys"; readonly source: string; readonly keys: readonly KeyMaterial[] }
  /** Tokens by their `jti`. */
  | { readonly type: "revoked"; readonly added: readonly string[]; readonly dropped: readonly string[] }
  /** 8 bytes. Before the listeners open. */
  | { readonly type: "limit_seed"; readonly seed: Buffer }
  /** Signs cookies of sticky sessions. Before the listeners open. */
  | { readonly type: "sticky_root"; readonly root: Uint8Array }
  /** What other workers admitted. */
  | { readonly type: "limit_spent"; readonly shares: readonly SpentShare[] }
  /** How far these are used up, which spends nothing. */
  | { readonly type: "limit_levels_asked"; readonly ask: number; readonly keys: readonly LimitKey[] }
  | { readonly type: "strict_answers"; readonly answers: readonly StrictAnswer[] }
  | { readonly type: "page"; readonly id: number; readonly page: Page | undefined }
  | { readonly type: "limit_store"; readonly state: StoreState }
  /** What all machines admitted, as their store has it. */
  | { readonly type: "limit_levels"; readonly levels: readonly StoreLevels[] }
  /** Who is kept out on this machine. */
  | { readonly type: "bans"; readonly banned: RangeTable | undefined }
  /** What other edges say of clients. */
  | { readonly type: "mesh_scores"; readonly scores: ClientScores | undefined }
  /** Endpoints that a quorum of other edges finds unhealthy, for as long as outlier.ts says. */
  | { readonly type: "mesh_ejections"; readonly urls: readonly string[] }
  /** All challenges of orders that are under way. */
  | {
      readonly type: "acme_challenges";
      readonly http: readonly HttpChallenge[];
      readonly tls: readonly TlsChallenge[];
    }
  /** Where workers can be asked for stored answers; 32 bytes that only they know. */
  | { readonly type: "cache_peers"; readonly places: readonly PeerPlace[]; readonly token: Uint8Array }
  /** Stored answers that are to be forgotten. */
  | { readonly type: "cache_purge"; readonly purge: Purge }
  /** URIs, as keys of the cache, that an unsafe request to another worker made out of date. */
  | { readonly type: "cache_forgotten"; readonly uris: readonly Uint8Array[] }
  | { readonly type: "metrics"; readonly scrape: number }
  /** Somebody looks for one that a worker may not have told yet. */
  | { readonly type: "decisions_asked"; readonly round: number }
  /** In use by all processes, of what the control group may use. */
  | { readonly type: "memory"; readonly share: number }
  /** Before the listeners open, where there is an audit log. */
  | { readonly type: "audit"; readonly socket: string; readonly token: string }
  /** For requests that are kept. */
  | { readonly type: "capture_key"; readonly key: CaptureKey | undefined }
  | { readonly type: "reopen_log" }
  | { readonly type: "withdrawn"; readonly is: boolean }
  | { readonly type: "drain"; readonly graceMs: number };

/** An OCSP answer, and until when it may be shown, ms since the epoch. */
export interface Staple {
  readonly sha256: string;
  readonly der: Uint8Array;
  readonly untilMs: number;
}

export interface PrepareMessage {
  readonly type: "prepare";
  readonly generation: number;
  readonly manifest: Manifest;
  /** Those that the worker does not hold yet, by name. */
  readonly parts: ReadonlyMap<string, Uint8Array>;
  /** Upstream host name to its addresses. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

export type FromWorker =
  | { readonly type: "online" }
  | { readonly type: "heartbeat" }
  /** A heartbeat of a worker whose heap stays almost full. */
  | { readonly type: "worn" }
  | { readonly type: "ready"; readonly generation: number }
  | { readonly type: "failed"; readonly generation: number; readonly message: string }
  /** It is in force here. */
  | { readonly type: "committed"; readonly generation: number }
  | { readonly type: "opened"; readonly listener: ListenerName; readonly slot: number }
  | {
      readonly type: "open_failed";
      readonly listener: ListenerName;
      readonly slot: number;
      readonly message: string;
    }
  /** `scrape` is 0 when nobody asked. */
  | { readonly type: "metrics"; readonly scrape: number; readonly frame: MetricFrame }
  | { readonly type: "spans"; readonly spans: readonly SpanFacts[] }
  /** `round` is 0 when nobody asked. */
  | { readonly type: "decisions"; readonly round: number; readonly decisions: readonly Decision[] }
  /** Sealed: nobody on the way reads them. */
  | { readonly type: "captures"; readonly lines: readonly string[] }
  /** A token came whose key is not known; at most once a second and source. */
  | { readonly type: "auth_keys_wanted"; readonly source: string }
  /** What this worker admitted since it last told. */
  | { readonly type: "limit_spent"; readonly shares: readonly SpentShare[] }
  /** In the order of the keys. */
  | { readonly type: "limit_levels_told"; readonly ask: number; readonly levels: readonly number[] }
  | { readonly type: "strict_asks"; readonly batch: StrictBatch }
  /** Other workers can ask this one for stored answers. */
  | { readonly type: "cache_peer"; readonly place: PeerPlace }
  /** URIs, as keys of the cache, that an unsafe request made out of date here. */
  | { readonly type: "cache_forgotten"; readonly uris: readonly Uint8Array[] }
  /** A client asks for an internal page, see page-desk.ts. */
  | { readonly type: "page_asked"; readonly ask: PageAsk }
  /** What clients did, see gate/offence-watch.ts. */
  | { readonly type: "offences"; readonly report: OffenceReport }
  /** The last message of a worker: exchanges cut at the end of its drain, and its final figures. */
  | { readonly type: "drained"; readonly cut: number; readonly frame: MetricFrame };

/** A worker says something at least this often. */
export const heartbeatMs = 500;
