import type { CompressionDesk } from "./answer/compression-desk.ts";
import type { InspectionDesk } from "./answer/inspection-desk.ts";
import type { CacheDesk } from "./cache/desk.ts";
import type { BanDesk } from "./gate/ban.ts";
import type { MeshDesk } from "./gate/mesh-score.ts";
import type { Pressure } from "./gate/pressure.ts";
import type { Tarpit } from "./gate/tarpit.ts";
import type { WafEngine } from "./gate/waf-engine.ts";
import type { GateWatch } from "./gate/watch.ts";
import type { Downstream } from "./http/downstream.ts";
import type { CanonicalRequest } from "./http/request.ts";
import type { RequestPool } from "./http/request-pool.ts";
import type { Limits } from "./limit/limits.ts";
import type { AccessLog } from "./record/access-log.ts";
import type { AuditReport } from "./record/audit-report.ts";
import type { CaptureLog } from "./record/capture-log.ts";
import type { Counters } from "./record/counters.ts";
import type { DecisionLog } from "./record/decision-log.ts";
import type { ExchangeRecord } from "./record/record.ts";
import type { SpanLog } from "./record/span-log.ts";
import type { HttpChallenges } from "./respond/acme-challenges.ts";
import type { PageSource } from "./respond/page.ts";
import type { Files } from "./respond/static/file-shelf.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Clock } from "./std/clock.ts";
import type { Outbox } from "./std/outbox.ts";
import type { RandomPool } from "./std/random-pool.ts";
import type { SharedReader } from "./std/shared-read.ts";
import type { TimerWheel } from "./std/timer-wheel.ts";
import type { FetchGround } from "./upstream/cache-fetch.ts";
import type { UpstreamDeps } from "./upstream/endpoint.ts";

/** What changes while a worker serves and survives a reload. One object per worker; every part has one owner. */
export interface State {
  /** Replaced by one assignment at a reload. Read by the listener only, once per exchange. */
  snapshot: Snapshot;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: RandomPool;
  readonly reader: SharedReader;
  readonly requests: RequestPool;
  /** Bytes on their way to clients. */
  readonly outbox: Outbox;
  readonly upstreamDeps: UpstreamDeps;
  readonly waf: WafEngine;
  readonly inspection: InspectionDesk;
  readonly compression: CompressionDesk;
  readonly limits: Limits;
  readonly bans: BanDesk;
  readonly mesh: MeshDesk;
  readonly tarpit: Tarpit;
  readonly pressure: Pressure;
  /** Undefined while serving: only explanations want to know what each gate says. */
  readonly watch?: GateWatch;
  readonly counters: Counters;
  readonly cache: CacheDesk<FetchGround>;
  accessLog: AccessLog | undefined;
  /** Undefined = no audit log. */
  audit: AuditReport | undefined;
  readonly spans: SpanLog;
  readonly decisions: DecisionLog;
  readonly captures: CaptureLog;
  readonly files: Files;
  /** Internal pages, where the configuration exposes them. */
  readonly pages: PageSource;
  /** Of orders that are under way. */
  challenges: HttpChallenges;
  /** Answers close their connections from now on. */
  draining: boolean;
  /** The `Date` line of the current second. */
  dateLine(): Uint8Array;
  /** A bug of ours was caught: counted and told, at most once a second. */
  onDefect(cause: unknown): void;
  /** Every exchange ends here, once: metrics and log. */
  conclude(record: ExchangeRecord, request: CanonicalRequest, downstream: Downstream, nowMs: number): void;
}
