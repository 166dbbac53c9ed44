import { randomBytes } from "node:crypto";
import type { Config } from "../config/config.ts";
import type { SpentShare } from "../limit/limiter.ts";
import { type StrictBatch, StrictJudge } from "../limit/strict.ts";
import type { RunningLimits } from "../limit/usage.ts";
import type { MetricSample } from "../record/metrics.ts";
import type { Clock } from "../std/clock.ts";
import type { Edge } from "./edge.ts";
import { createLevelAsks } from "./level-asks.ts";
import { strictLimits } from "./limit-build.ts";
import { readStrict } from "./limit-samples.ts";
import { createLimitStore, type LimitStore } from "./limit-store.ts";
import type { Log } from "./log.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/**
 * Half of an exchange: workers tell the primary this often, and it tells the others this often. So what one admits, all
 * know within 50 ms, and a flood over all workers passes the limit by no more than what arrives in that time.
 */
export const exchangeHalfMs = 25;

/** The worker's half. Nothing more is sent while the last message is on its way: a slow primary gets no queue. */
export function tellLimits(edge: Edge, send: (message: FromWorker) => Promise<void>): () => void {
  let isSending = false;
  return () => {
    if (isSending) return;
    const shares = edge.tellLimits();
    if (shares.length === 0) return;
    isSending = true;
    void send({ type: "limit_spent", shares }).then(() => {
      isSending = false;
    });
  };
}

export interface LimitExchange extends RunningLimits {
  /** Of the store that other machines count in. */
  readonly storeState: LimitStore["state"];
  /** For workers that begin to serve. */
  greeting(): readonly ToWorker[];
  /** What a worker admitted. */
  hear(worker: number, shares: readonly SpentShare[]): void;
  /** Decides over strict limits, and answers the worker. */
  judge(worker: number, batch: StrictBatch): void;
  /** What a worker says to a question of `levels`. */
  hearLevels(ask: number, levels: readonly number[]): void;
  /** From now on the limits of this configuration are in force. */
  adopt(config: Pick<Config, "limits" | "limitStore">): void;
  samples(): readonly MetricSample[];
  stop(): void;
}

/**
 * The primary's half: gathers what workers admitted and gives it to the others and to the store, and decides over strict
 * limits. `sendEach` asks for the message of each worker that serves; undefined = none.
 */
export function createLimitExchange(
  sendEach: (messageFor: (worker: number) => ToWorker | undefined) => void,
  clock: Clock,
  log: Log,
): LimitExchange {
  // The same in all workers; made anew at each start, and never written anywhere.
  const seed = randomBytes(8);
  const store = createLimitStore({ tell: (message) => sendEach(() => message), seed, clock, log });
  let heard: { readonly worker: number; readonly shares: readonly SpentShare[] }[] = [];
  const strict = new StrictJudge();
  let timer: NodeJS.Timeout | undefined;
  const asks = createLevelAsks(sendEach);

  const flush = () => {
    timer = undefined;
    const all = heard;
    heard = [];
    sendEach((worker) => {
      const shares = all.flatMap((one) => (one.worker === worker ? [] : one.shares));
      return shares.length === 0 ? undefined : { type: "limit_spent", shares };
    });
  };

  return {
    get storeState() {
      return store.state;
    },
    seed,
    get store() {
      return store.told;
    },
    async levels(keys) {
      const told = await asks.ask(keys);
      const nowMs = clock.nowMs();
      return keys.map((key, i) => ({ ...key, level: strict.level(key, nowMs) ?? told[i]! }));
    },
    hearLevels: asks.hear,
    greeting: () => [{ type: "limit_seed", seed }, ...store.greeting()],
    hear(worker, shares) {
      store.hear(shares);
      heard.push({ worker, shares });
      timer ??= setTimeout(flush, exchangeHalfMs);
    },
    judge(worker, batch) {
      const answers = strict.judge(batch, clock.nowMs());
      if (answers.length === 0) return;
      sendEach((id) => (id === worker ? { type: "strict_answers", answers } : undefined));
    },
    adopt({ limits, limitStore }) {
      strict.adopt(strictLimits(limits));
      store.adopt(limits, limitStore);
    },
    samples: () => [...readStrict(strict.limits), ...store.samples()],
    stop() {
      clearTimeout(timer);
      store.stop();
    },
  };
}
