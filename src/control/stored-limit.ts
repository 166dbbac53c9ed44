import { createHash } from "node:crypto";
import type { LimitConfig } from "../config/config.ts";
import type { SpentShare, StoreLevels } from "../limit/limiter.ts";
import { gcraScript, windowScript } from "./limit-store-scripts.ts";
import type { StoreConnection } from "./store-connection.ts";

/** Of one script call, so that no call holds the store for a millisecond. */
const keysPerCall = 256;
/** Of one limit between two exchanges. More are counted by this machine alone, and counted as untold. */
const pendingKeysMax = 16_384;

/** What was spent of one key and waits for the next exchange. */
interface Spent {
  readonly lo: number;
  readonly hi: number;
  window: number;
  cost: number;
}

/** A limit that is counted in the store. */
export interface StoredLimit {
  readonly config: LimitConfig;
  /** Of its keys there: machines whose keys mean the same share them. */
  readonly prefix: string;
  pending: Map<string, Spent>;
}

/** Those of a configuration; what waits in `present` goes on waiting where it still means the same. */
export function storedLimits(
  all: readonly LimitConfig[],
  present: ReadonlyMap<string, StoredLimit>,
): ReadonlyMap<string, StoredLimit> {
  const next = new Map<string, StoredLimit>();
  for (const config of all) {
    if (config.store !== "valkey") continue;
    const prefix = prefixOf(config);
    const before = present.get(config.name);
    next.set(config.name, {
      config,
      prefix,
      pending: before?.prefix === prefix ? before.pending : new Map(),
    });
  }
  return next;
}

/** Adds a share to what waits; returns how many keys found no room. */
export function gather(pending: Map<string, Spent>, { keys, costs, windows }: SpentShare): number {
  let refused = 0;
  for (let index = 0; index < costs.length; index++) {
    const cost = costs[index]!;
    if (cost === 0) continue;
    const lo = keys[index * 2]!;
    const hi = keys[index * 2 + 1]!;
    const key = keyText(lo, hi);
    const spent = pending.get(key);
    if (spent === undefined) {
      if (pending.size < pendingKeysMax) pending.set(key, { lo, hi, window: windows[index]!, cost });
      else refused++;
    } else if (spent.window === windows[index]) spent.cost += cost;
    else if (windows[index]! > spent.window) {
      spent.window = windows[index]!;
      spent.cost = cost;
    }
  }
  return refused;
}

function keyText(lo: number, hi: number): string {
  return hi.toString(16).padStart(8, "0") + lo.toString(16).padStart(8, "0");
}

/** What waits goes, in calls of bounded size; each resolves with what all machines have spent of its keys. */
export function exchange(limit: StoredLimit, connection: StoreConnection): Promise<StoreLevels>[] {
  const { config } = limit;
  const entries = [...limit.pending];
  limit.pending = new Map();
  const calls: Promise<StoreLevels>[] = [];
  for (let start = 0; start < entries.length; start += keysPerCall) {
    const part = entries.slice(start, start + keysPerCall);
    const names = part.map(([key]) => limit.prefix + key);
    const spent = part.map(([, one]) => one);
    calls.push(config.algorithm === "gcra" ? spendGcra(names, spent) : spendWindow(names, spent));
  }
  return calls;

  async function spendGcra(names: readonly string[], spent: readonly Spent[]): Promise<StoreLevels> {
    const values = [String(config.windowMs / config.rate), ...spent.map(({ cost }) => String(cost))];
    const answer = await connection.run(gcraScript, names, values);
    return levelsOf(
      config.name,
      spent,
      spent.map((_, i) => Number(answer[i]) / 1000),
      0,
    );
  }

  async function spendWindow(names: readonly string[], spent: readonly Spent[]): Promise<StoreLevels> {
    const values = [config.windowMs, ...spent.flatMap(({ cost, window }) => [cost, window])].map(String);
    const [window, ...answer] = await connection.run(windowScript, names, values);
    return levelsOf(config.name, spent, answer.map(Number), Number(window));
  }
}

function levelsOf(
  limit: string,
  spent: readonly Spent[],
  values: readonly number[],
  window: number,
): StoreLevels {
  if (values.length !== spent.length || !values.every(Number.isFinite))
    throw new Error("the store answered for other keys");
  return {
    limit,
    keys: Uint32Array.from(spent.flatMap(({ lo, hi }) => [lo, hi])),
    values: Float64Array.from(values),
    windows: new Float64Array(spent.length).fill(window),
  };
}

/** Of two configurations with one prefix, the keys and levels mean the same; rates may differ. */
function prefixOf({ name, algorithm, keys, ipv6Prefix, windowMs }: LimitConfig): string {
  const meaning = JSON.stringify([algorithm, keys, ipv6Prefix, algorithm === "gcra" ? 0 : windowMs]);
  return `zion:limit:${name}:${createHash("sha256").update(meaning).digest("hex").slice(0, 8)}:`;
}
