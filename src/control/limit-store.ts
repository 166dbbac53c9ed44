import type { LimitConfig, LimitStoreConfig } from "../config/config.ts";
import type { SpentShare } from "../limit/limiter.ts";
import type { StoreState } from "../limit/limits.ts";
import { families, type MetricSample } from "../record/metrics.ts";
import { type Clock, machineOffsetMs } from "../std/clock.ts";
import { seedScript } from "./limit-store-scripts.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";
import { type OpenStore, openStore, type StoreConnection } from "./store-connection.ts";
import { exchange, gather, type StoredLimit, storedLimits } from "./stored-limit.ts";

/** What was spent waits this long for more; workers tell every 25 ms, so all machines know within 50 ms. */
const flushAfterMs = 25;
/** A store that nobody needs to ask is asked this often whether it lives. */
const beatMs = 1000;
/** First pause before another try, and the longest: a store that is back is noticed within 2 s and a half. */
const retryFirstMs = 100;
const retryLongestMs = 2000;
/** A round trip makes this much of a clock; changing it moves windows. */
const clockSlackMs = 250;

export interface LimitStoreOptions {
  /** To all workers. */
  readonly tell: (message: ToWorker) => void;
  /** Of keys, until the store has one: 8 bytes. */
  readonly seed: Buffer;
  readonly clock: Clock;
  readonly log: Log;
  readonly open?: OpenStore;
  /** 0 ≤ x < 1 */
  readonly random?: () => number;
}

/** The primary's side of the store that counts limits for several machines. */
export interface LimitStore {
  /** "off" without a limit that is counted there. */
  readonly state: "off" | "up" | "down";
  /** What workers know of it. */
  readonly told: StoreState;
  /** For workers that begin to serve. */
  greeting(): readonly ToWorker[];
  adopt(limits: readonly LimitConfig[], config: LimitStoreConfig | undefined): void;
  /** What a worker admitted. */
  hear(shares: readonly SpentShare[]): void;
  samples(): readonly MetricSample[];
  stop(): void;
}

/**
 * Tells the store what workers admitted, and workers what all machines did; no request ever waits for it. What was spent
 * while the store is gone is not told later: it is over by then, or this machine holds it still.
 */
export function createLimitStore(options: LimitStoreOptions): LimitStore {
  const { tell, clock, log, open = openStore, random = Math.random } = options;
  let limits: ReadonlyMap<string, StoredLimit> = new Map();
  let config: LimitStoreConfig | undefined;
  let connection: StoreConnection | undefined;
  let state: StoreState = { isUp: false, seed: options.seed, offsetMs: 0 };
  /** Of the connection or the try under way; what belongs to an older one is dropped. */
  let epoch = 0;
  let retryMs = retryFirstMs;
  let connectTimer: NodeJS.Timeout | undefined;
  let beatTimer: NodeJS.Timeout | undefined;
  let flushTimer: NodeJS.Timeout | undefined;
  let isFlushing = false;
  let errors = 0;
  let untold = new Map<string, number>();

  const setState = (next: StoreState) => {
    state = next;
    tell({ type: "limit_store", state });
  };

  const disconnect = () => {
    epoch++;
    for (const timer of [connectTimer, beatTimer, flushTimer]) clearTimeout(timer);
    flushTimer = undefined;
    connection?.close();
    connection = undefined;
    for (const limit of limits.values()) limit.pending.clear();
  };

  const fail = (of: number, cause: unknown) => {
    if (of !== epoch) return;
    const wasUp = state.isUp;
    disconnect();
    errors++;
    const problem = cause instanceof Error ? cause.message : String(cause);
    if (wasUp) {
      log.error({ "event.name": "zion.limit_store.lost", problem }, "the store of limits is gone");
      setState({ ...state, isUp: false });
    } else if (retryMs === retryFirstMs)
      log.error(
        { "event.name": "zion.limit_store.unreachable", problem },
        "the store of limits is not there",
      );
    // With up to half of it less, so that many gateways do not knock together.
    connectTimer = setTimeout(connect, retryMs * (1 - random() / 2));
    retryMs = Math.min(retryMs * 2, retryLongestMs);
  };

  const connect = () => {
    const mine = ++epoch;
    open(config!, (cause) => fail(mine, cause)).then(
      (opened) => {
        if (mine !== epoch) return opened.close();
        connection = opened;
        return beat(mine);
      },
      (cause: unknown) => fail(mine, cause),
    );
  };

  /** Asks for seed and time, now and every second. */
  const beat = async (mine: number): Promise<void> => {
    try {
      const own = state.seed.toString("hex");
      const [seed, timeUs] = await connection!.run(seedScript, ["zion:limit:seed"], [own]);
      if (mine !== epoch) return;
      if (typeof seed !== "string" || !/^[0-9a-f]{16}$/.test(seed)) throw new Error("its seed is not ours");
      const offsetMs = Number(timeUs) / 1000 - (clock.nowMs() + machineOffsetMs());
      const hasMoved = Math.abs(offsetMs - state.offsetMs) > clockSlackMs;
      if (!state.isUp || seed !== own || hasMoved) {
        if (!state.isUp) log.info({ "event.name": "zion.limit_store.up" }, "the store of limits is there");
        setState({
          isUp: true,
          seed: Buffer.from(seed, "hex"),
          offsetMs: hasMoved ? offsetMs : state.offsetMs,
        });
      }
      retryMs = retryFirstMs;
      beatTimer = setTimeout(() => void beat(mine), beatMs);
    } catch (cause) {
      fail(mine, cause);
    }
  };

  const flushSoon = () => {
    if (flushTimer === undefined && !isFlushing)
      flushTimer = setTimeout(() => void flush(epoch), flushAfterMs);
  };

  /** One exchange at a time: a slow store gets no queue. */
  const flush = async (mine: number): Promise<void> => {
    flushTimer = undefined;
    isFlushing = true;
    try {
      const levels = await Promise.all([...limits.values()].flatMap((limit) => exchange(limit, connection!)));
      if (mine === epoch && levels.length > 0) tell({ type: "limit_levels", levels });
    } catch (cause) {
      fail(mine, cause);
    } finally {
      isFlushing = false;
      if (state.isUp && [...limits.values()].some(({ pending }) => pending.size > 0)) flushSoon();
    }
  };

  return {
    get state() {
      return config === undefined ? "off" : state.isUp ? "up" : "down";
    },
    get told() {
      return state;
    },
    greeting: () => (config === undefined ? [] : [{ type: "limit_store", state }]),
    adopt(all, nextConfig) {
      limits = storedLimits(all, limits);
      untold = new Map([...untold].filter(([name]) => limits.has(name)));
      const wanted = limits.size === 0 ? undefined : nextConfig;
      if (JSON.stringify(wanted) === JSON.stringify(config)) return;
      disconnect();
      config = wanted;
      retryMs = retryFirstMs;
      setState({ ...state, isUp: false });
      if (config !== undefined) connect();
    },
    hear(shares) {
      if (!state.isUp) return;
      for (const share of shares) {
        const limit = limits.get(share.limit);
        if (limit === undefined) continue;
        const refused = gather(limit.pending, share);
        if (refused > 0) untold.set(share.limit, (untold.get(share.limit) ?? 0) + refused);
        flushSoon();
      }
    },
    samples: () =>
      config === undefined
        ? []
        : [
            { name: families.limitStoreUp.name, labels: [], value: state.isUp ? 1 : 0 },
            { name: families.limitStoreErrors.name, labels: [], value: errors },
            ...[...untold].map(([name, value]) => ({
              name: families.limitUntold.name,
              labels: [name],
              value,
            })),
          ],
    stop() {
      disconnect();
      config = undefined;
    },
  };
}
