import { InFlight } from "./in-flight.ts";
import { KeyHash } from "./key-hash.ts";
import { Limiter, type SpentShare, type StoreLevels } from "./limiter.ts";
import type { Rate } from "./rate.ts";
import type { StrictAsker } from "./strict-asker.ts";

/** A limit of the configuration, as far as its state goes. */
export interface LimitFacts {
  readonly name: string;
  /** Equal texts may go on with the same state; another key or algorithm makes another limit. */
  readonly identity: string;
  readonly keysMax: number;
  readonly rate: Rate;
  /** Other machines count with this one. */
  readonly inStore: boolean;
}

interface Held {
  readonly identity: string;
  readonly limiter: Limiter;
  readonly rate: Rate;
}

const CLOCK_SLACK_MS = 250;

/** All limits of one worker. What they counted survives reloads; limits that the configuration dropped are forgotten. */
export class Limits {
  readonly hash: KeyHash;
  /** The primary says so; false until then, and without a store. */
  isStoreUp = false;
  readonly #offsetMs: number;
  /** Exchanges under way, by address. */
  readonly inFlight = new InFlight();
  readonly strict: StrictAsker;
  readonly #isShared: boolean;
  #held = new Map<string, Held>();

  /** `offsetMs` makes monotonic time the machine's; `isShared`: there are other workers to tell. */
  constructor(seed: Buffer, offsetMs: number, isShared: boolean, strict: StrictAsker) {
    this.hash = new KeyHash(seed);
    this.strict = strict;
    this.#offsetMs = offsetMs;
    this.#isShared = isShared;
  }

  /** The limits of another configuration, with the present state where it fits. Nothing changes until `commit`. */
  adopt(facts: readonly LimitFacts[]): ReadonlyMap<string, Held> {
    const next = new Map<string, Held>();
    for (const { name, identity, keysMax, rate, inStore } of facts) {
      const present = this.#held.get(name);
      const limiter =
        present?.identity === identity
          ? present.limiter
          : new Limiter(name, keysMax, this.#isShared || inStore, this.#offsetMs);
      next.set(name, { identity, limiter, rate });
    }
    return next;
  }

  commit(adopted: ReadonlyMap<string, Held>): void {
    this.#held = new Map(adopted);
  }

  /** What this worker admitted since the last time. */
  tell(): SpentShare[] {
    const shares: SpentShare[] = [];
    for (const { limiter } of this.#held.values()) {
      const share = limiter.tell();
      if (share !== undefined) shares.push(share);
    }
    return shares;
  }

  /** What other workers admitted. A limit that is not known, or no more, is passed over. */
  hear(shares: readonly SpentShare[], nowMs: number): void {
    for (const share of shares) {
      const held = this.#held.get(share.limit);
      held?.limiter.hear(share, held.rate, nowMs + held.limiter.offsetMs);
    }
  }

  /** What all machines admitted. */
  raise(all: readonly StoreLevels[], nowMs: number): void {
    for (const levels of all) {
      const held = this.#held.get(levels.limit);
      if (held === undefined) continue;
      const { limiter } = held;
      if (levels.offsetMs !== undefined) {
        const offsetMs = this.#offsetMs + levels.offsetMs;
        // Every change moves the windows; what a round trip makes of the clock is no reason to.
        if (Math.abs(offsetMs - limiter.offsetMs) > CLOCK_SLACK_MS) limiter.offsetMs = offsetMs;
      }
      limiter.raise(levels, held.rate, nowMs + limiter.offsetMs);
    }
  }

  limiters(): Limiter[] {
    return [...this.#held.values()].map(({ limiter }) => limiter);
  }
}
