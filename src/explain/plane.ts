import { randomBytes } from "node:crypto";
import { CompressionDesk } from "../answer/compression-desk.ts";
import { InspectionDesk } from "../answer/inspection-desk.ts";
import { type CertificateStore, certificateSteps } from "../cert/store.ts";
import type { Config } from "../config/config.ts";
import { AuthDesk } from "../control/auth-desk.ts";
import { openCache } from "../control/cache-build.ts";
import { snapshotSteps } from "../control/compile.ts";
import { lastGaspLine } from "../control/last-gasp.ts";
import { workerLimits } from "../control/limit-build.ts";
import { MeshDesk } from "../gate/mesh-score.ts";
import { Pressure } from "../gate/pressure.ts";
import { Tarpit } from "../gate/tarpit.ts";
import { WafEngine } from "../gate/waf-engine.ts";
import type { Downstream } from "../http/downstream.ts";
import type { CanonicalRequest } from "../http/request.ts";
import { RequestPool } from "../http/request-pool.ts";
import { ResponseHead } from "../http/response-head.ts";
import { Limits } from "../limit/limits.ts";
import { StrictAsker } from "../limit/strict-asker.ts";
import type { RunningLimits } from "../limit/usage.ts";
import { endpointLogPiece } from "../record/access-log.ts";
import { CaptureLog } from "../record/capture-log.ts";
import { Counters } from "../record/counters.ts";
import { DecisionLog } from "../record/decision-log.ts";
import type { ExchangeRecord } from "../record/record.ts";
import { SpanLog } from "../record/span-log.ts";
import type { Snapshot } from "../snapshot.ts";
import type { State } from "../state.ts";
import type { Clock } from "../std/clock.ts";
import { Outbox } from "../std/outbox.ts";
import { openRandomPool } from "../std/random-pool.ts";
import { openSharedReader } from "../std/shared-read.ts";
import { inOneGo } from "../std/steps.ts";
import { TimerWheel } from "../std/timer-wheel.ts";
import { Upstream } from "../upstream/upstream.ts";
import { buildRuleSet } from "../waf/compile.ts";
import { detectors } from "../waf/detectors.ts";
import { LimitUse } from "./limit-use.ts";
import { Observation } from "./observation.ts";
import { standIn, standInFiles } from "./stand-in.ts";

/**
 * A worker's data plane without a network: the same snapshot, exchange, gates and WAF, but nothing listens, nothing is
 * sent, and nothing is logged. Breakers begin closed, as in a worker that just started; limits are LimitUse's.
 */
export interface Plane {
  readonly state: State;
  readonly store: CertificateStore | undefined;
  readonly observation: Observation;
  readonly limitUse: LimitUse;
  /** It explains for a gateway that runs. */
  readonly isRunning: boolean;
  /** Called at the end of each exchange, while its request is there. */
  onConcluded: (record: ExchangeRecord, request: CanonicalRequest) => void;
  /** What only a gateway that runs knows and was asked for since the last `begin`, in words. */
  readonly unknown: Set<string>;
  close(): void;
}

/** What a gateway that runs hashes keys of limits with, and knows of the store that other machines count in. */
export type LimitSeeds = Pick<RunningLimits, "seed" | "store">;

/** `seeds`: undefined = no gateway runs. Throws when the configuration cannot be compiled. */
export function openPlane(config: Config, generation: number, clock: Clock, seeds?: LimitSeeds): Plane {
  const wheel = new TimerWheel(clock);
  wheel.start();
  const reader = openSharedReader(false);
  const counters = new Counters();
  const unknown = new Set<string>();
  const observation = new Observation(() => clock.nowMs());
  const nowMs = (): number => clock.nowMs();
  // A bug of ours ends an exchange here as it does there, with 500 and the reason `defect`.
  const onDefect = (cause: unknown): void => {
    process.stderr.write(lastGaspLine("explain", "defect", cause, clock.wallMs()));
  };
  const upstreamDeps = {
    wheel,
    reader,
    outbox: new Outbox(),
    responseHead: new ResponseHead(),
    scratch: new Outbox(),
    addresses: new Map<string, readonly string[]>(),
    nowMs,
    wallMs: () => clock.wallMs(),
    // The gateway's own is not asked for: cookies of sticky sessions count for nothing here.
    stickyRoot: randomBytes(32),
    logPiece: endpointLogPiece,
    onDefect,
    standIn,
  };
  const asker = new StrictAsker(wheel, async (batch) => limitUse.judge(batch));
  const limits = new Limits(Buffer.from(seeds?.seed ?? randomBytes(8)), 0, false, asker);
  const limitUse = new LimitUse(limits, config.limits, nowMs);
  const wantKeys = (): void => {
    unknown.add("keys of a token's issuer, which the gateway fetches");
  };
  const auth = new AuthDesk({ wantKeys, nowMs });
  const store = config.tls === undefined ? undefined : inOneGo(certificateSteps(config.tls));
  const upstreams = new Map(
    config.upstreams.map((one) => [one.name, new Upstream(one, upstreamDeps, randomBytes(4).readUInt32LE())]),
  );
  const adopted = limits.adopt(workerLimits(config.limits));
  const snapshot: Snapshot = inOneGo(
    snapshotSteps(generation, config, {
      upstreams,
      upstreamDeps,
      auth,
      counters,
      limits: adopted,
      viaName: "zion-explain",
      store,
      ruleSet: buildRuleSet(config.waf.rules, detectors),
    }),
  );
  limits.commit(adopted);
  const { isUp, seed } = seeds?.store ?? STORE_TAKEN_AS_THERE;
  limits.setStore({ isUp, seed: Buffer.from(seed), offsetMs: 0 });
  auth.commit();
  const requests = new RequestPool();
  const plane: Plane = {
    observation,
    limitUse,
    isRunning: seeds !== undefined,
    store,
    unknown,
    onConcluded() {},
    close: () => wheel.stop(),
    state: {
      snapshot,
      clock,
      wheel,
      random: openRandomPool(),
      reader,
      requests,
      outbox: new Outbox(),
      upstreamDeps,
      waf: new WafEngine({ clock, wheel, seed: randomBytes(4).readUInt32LE(), witness: observation }),
      inspection: new InspectionDesk(),
      compression: new CompressionDesk(),
      pressure: new Pressure(),
      watch: observation,
      limits,
      counters,
      cache: openCache(clock, wheel, () => NO_DATE, requests, upstreamDeps),
      bans: { banned: undefined, watch: undefined },
      mesh: new MeshDesk(),
      // Nobody is held: what is slow is not what is explained.
      tarpit: new Tarpit(),
      accessLog: undefined,
      audit: undefined,
      spans: new SpanLog(clock),
      decisions: new DecisionLog(clock),
      captures: new CaptureLog(clock),
      files: standInFiles,
      pages: { ask: async () => ({ type: "text/plain", body: new Uint8Array(0) }) },
      challenges: new Map(),
      draining: false,
      dateLine: () => NO_DATE,
      onDefect,
      conclude(record: ExchangeRecord, request: CanonicalRequest, downstream: Downstream) {
        plane.onConcluded(record, request);
        downstream.onConcluded();
      },
    },
  };
  return plane;
}

const STORE_TAKEN_AS_THERE = { isUp: true, seed: new Uint8Array(8) };
const NO_DATE = new Uint8Array(0);
