import { createRequire } from "node:module";
import { join } from "node:path";
import { describeMachine } from "../load/machine.ts";
import { type Spread, spread } from "../load/statistics.ts";

const ROUNDS = 9;
const ROUND_MS = 40;

/** A package of bench/peers; undefined when it is not installed, which is said. */
export function loadPeer<T>(name: string): T | undefined {
  try {
    return createRequire(join(import.meta.dirname, "../peers/package.json"))(name) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    console.error(`${name} is not installed and is left out: cd bench/peers && npm ci`);
    return undefined;
  }
}

/**
 * Nanoseconds per call of each, all in turn within a round: what slows the machine for a while slows them alike.
 * Each round is at least ROUND_MS or one call long; the first two are warm-up.
 */
export function timeInTurn<Name extends string>(
  calls: Readonly<Record<Name, () => unknown>>,
): Readonly<Record<Name, Spread>> {
  const names = Object.keys(calls) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      const call = calls[name];
      const start = performance.now();
      let done = 0;
      let ms = 0;
      // Ever more calls between two looks at the clock, which costs as much as a short call.
      for (let batch = 1; ms < ROUND_MS; batch = ms < ROUND_MS / 8 ? batch * 2 : batch) {
        for (let count = 0; count < batch; count++) call();
        done += batch;
        ms = performance.now() - start;
      }
      if (round >= 2) times[name].push((ms * 1e6) / done);
    }
  }
  return Object.fromEntries(names.map((name) => [name, spread(times[name])!])) as Record<Name, Spread>;
}

/** The machine in a line, for the top of a table. */
export function machineLine(): string {
  const { cpus, cpu, system, versions, commit, dirty } = describeMachine();
  return `${cpus} x ${cpu}, ${system}, Node ${versions.node}, commit ${commit}${dirty ? " with local changes" : ""}. Median (min–max) of ${ROUNDS - 2} rounds, candidates in turn.`;
}

/** `median (min–max)` of what `read` makes of the times. */
export function cell(times: Spread, read: (ns: number) => number): string {
  // A rate is highest where the time is lowest.
  const [low, high] = [read(times.min), read(times.max)].sort((a, b) => a - b);
  return `${digits(read(times.median))} (${digits(low!)}–${digits(high!)})`;
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
