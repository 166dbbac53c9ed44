import type { Purge } from "../cache/answer-table.ts";
import type { Config, SocketAddress } from "../config/config.ts";
import type { OffenceReport } from "../gate/offence-watch.ts";
import type { RangeTable } from "../identity/range-table.ts";
import type { ClientScores } from "../identity/score-table.ts";
import type { KeyMaterial } from "../identity/token-verifier.ts";
import type { SpentShare, StoreLevels } from "../limit/limiter.ts";
import type { StoreState } from "../limit/limits.ts";
import type { StrictAnswer } from "../limit/strict.ts";
import type { LimitKey } from "../limit/usage.ts";
import type { CaptureKey } from "../record/capture-line.ts";
import type { Decision } from "../record/decision-log.ts";
import type { Exemplar } from "../record/metric-frame.ts";
import type { MetricSample } from "../record/metrics.ts";
import type { SpanFacts } from "../record/span-log.ts";
import type { HttpChallenge, TlsChallenge } from "../respond/acme-challenges.ts";
import type { Page } from "../respond/page.ts";
import type { Steps } from "../std/steps.ts";
import type { PeerPlace } from "../upstream/cache-peer.ts";
import type { Staple } from "./messages.ts";

/** The listeners that carry client traffic. */
export type ListenerName = "http" | "https";

/** The data plane of one worker, as its control code sees it. Made by `openEdge` (data-plane.ts). */
export interface Edge {
  /**
   * Compiles a config into the next snapshot, in steps. Throws when it cannot be compiled; serving is untouched either
   * way. What is the same object as in the configuration in force is not built again. `addresses` maps every upstream
   * host name to its resolved addresses (IP literals and sockets are not in it).
   */
  prepare(generation: number, config: Config, addresses: ReadonlyMap<string, readonly string[]>): Steps<void>;
  /** Makes the prepared snapshot current: one assignment. Running exchanges keep theirs. */
  commit(generation: number): void;
  /** Forgets a prepared snapshot. */
  discard(generation: number): void;
  /** Accepts connections on a bound handle from the primary, or binds `address` itself with reusePort. */
  open(listener: ListenerName, slot: number, source: unknown | SocketAddress): Promise<void>;
  /** Stops accepting on that slot; its connections stay. */
  close(listener: ListenerName, slot: number): void;
  /** 48 bytes, shared by all workers, rotated by the primary (tls.Server#setTicketKeys). */
  setTicketKeys(keys: Buffer): void;
  /** All OCSP answers that handshakes carry. */
  setStaples(staples: readonly Staple[]): void;
  /** Memory of all processes as a share of the limit of the control group. */
  setMemory(share: number): void;
  /** Whether connections are closed after their exchange, because an operator takes the gateway out of rotation. */
  setWithdrawn(isWithdrawn: boolean): void;
  /** The heap has been almost full for a while, whatever is collected: a new worker should take over. */
  isWorn(): boolean;
  /** Result of the primary's probes, by upstream name and endpoint URL. */
  setHealth(upstream: string, url: string, healthy: boolean): void;
  /** New addresses of an upstream host name; the last good ones stay when this is never called. */
  setAddresses(host: string, addresses: readonly string[]): void;
  /** The seed of the keys of all limits: 8 bytes, the same in all workers. */
  setLimitSeed(seed: Buffer): void;
  /** What signs cookies of sticky sessions: 32 bytes, the same in all workers. Before the listeners open. */
  setStickyRoot(root: Uint8Array): void;
  /** What limits admitted here since the last call. */
  tellLimits(): readonly SpentShare[];
  /** What they admitted elsewhere. */
  hearLimits(shares: readonly SpentShare[]): void;
  /** What the store says that all machines admitted. */
  raiseLimits(levels: readonly StoreLevels[]): void;
  setLimitStore(state: StoreState): void;
  /** How far these are used up, in their order. Spends nothing. */
  levelsOf(keys: readonly LimitKey[]): readonly number[];
  /** What the primary says of strict limits. */
  hearStrict(answers: readonly StrictAnswer[]): void;
  /** An internal page that was asked for; undefined = it cannot be had. */
  hearPage(id: number, page: Page | undefined): void;
  /** What a CA is answered that validates our names, instead of what was set before. */
  setChallenges(http: readonly HttpChallenge[], tls: readonly TlsChallenge[]): void;
  /** Which workers can be asked for stored answers. */
  setCachePeers(places: readonly PeerPlace[], token: Uint8Array): void;
  /** Forgets stored answers. */
  purgeCache(purge: Purge): void;
  /** The same for what an unsafe request to another worker made out of date, by keys of the cache. */
  forgetCached(uris: readonly Uint8Array[]): void;
  /** Who is kept out; undefined = nobody. */
  setBans(banned: RangeTable | undefined): void;
  /** What other edges say of clients; undefined = nothing. */
  setMeshScores(scores: ClientScores | undefined): void;
  /** Endpoints that a quorum of other edges finds unhealthy. */
  ejectByMesh(urls: readonly string[]): void;
  /** What clients did since the last call; undefined = nothing, or nobody wants to know. */
  tellOffences(): OffenceReport | undefined;
  /** Keys that the primary fetched, by the id of their source. */
  setAuthKeys(source: string, keys: readonly KeyMaterial[]): void;
  /** Tokens, by their `jti`, that are refused from now on, and those that are not any more. */
  setRevoked(added: readonly string[], dropped: readonly string[]): void;
  /**
   * From now on every answer closes its connection and idle connections are closed, spread over the first seconds.
   * Resolves with the number of exchanges cut when nothing is left, at the latest after `graceMs`.
   */
  drain(graceMs: number): Promise<number>;
  /** Everything measured since the worker started; counters only grow. */
  readMetrics(): readonly MetricSample[];
  readExemplars(): readonly Exemplar[];
  /** What is to be reported of the exchanges since the last call. */
  takeSpans(): readonly SpanFacts[];
  /** What operators are to be shown of them. */
  takeDecisions(): readonly Decision[];
  /** Requests that are to be kept, sealed, a line each. */
  takeCaptures(): readonly string[];
  /** What they are sealed with; undefined = none is kept. */
  setCaptureKey(key: CaptureKey | undefined): void;
  /** Where the audit writer listens, and what it has to be told. */
  setAudit(socket: string, token: string): void;
  /** Opens the access log file anew (log rotation). */
  reopenLog(): void;
  /** Writes what is buffered in the access log, and waits for the audit log. */
  flushLog(): Promise<void>;
}
