import type { LimitKey } from "../limit/usage.ts";
import type { ToWorker } from "./messages.ts";

/** A worker that stands still holds nobody up. */
const answerWithinMs = 500;

/** Asks workers how far limits are used up. */
export interface LevelAsks {
  /** In the order of the keys. */
  ask(keys: readonly LimitKey[]): Promise<readonly number[]>;
  hear(ask: number, levels: readonly number[]): void;
}

interface Ask {
  highest: readonly number[];
  /** Workers that have not answered. */
  missing: number;
  done(): void;
}

/**
 * Each worker knows what all admitted, but for the last 50 ms, or since it began to serve: the highest of their answers is
 * nearest the truth.
 */
export function createLevelAsks(sendEach: (messageFor: () => ToWorker) => void): LevelAsks {
  const asks = new Map<number, Ask>();
  let lastId = 0;
  return {
    async ask(keys) {
      const id = ++lastId;
      const { promise, resolve } = Promise.withResolvers<void>();
      const ask: Ask = { highest: keys.map(() => 0), missing: 0, done: resolve };
      asks.set(id, ask);
      sendEach(() => {
        ask.missing++;
        return { type: "limit_levels_asked", ask: id, keys };
      });
      const timer = setTimeout(resolve, ask.missing === 0 ? 0 : answerWithinMs);
      await promise;
      clearTimeout(timer);
      asks.delete(id);
      return ask.highest;
    },
    hear(id, levels) {
      const ask = asks.get(id);
      if (ask === undefined) return;
      ask.highest = ask.highest.map((level, i) => Math.max(level, levels[i] ?? 0));
      if (--ask.missing === 0) ask.done();
    },
  };
}
