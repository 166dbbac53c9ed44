import { InFlight } from "./in-flight.ts";
import { KeyHash } from "./key-hash.ts";
import { Limiter, type SpentShare, type StoreLevels } from "./limiter.ts";
import type { Rate } from "./rate.ts";
import type { StrictAsker } from "./strict-asker.ts";
import { type LimitKey, type LimitLevel, type LimitWitness, startAt } from "./usage.ts";

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
  readonly inStore: boolean;
}

/** What the primary says of the store. */
export interface StoreState {
  readonly isUp: boolean;
  /** Of the keys that are counted there: 8 bytes, the same on all machines. */
  readonly seed: Buffer;
  /** Added to the machine's monotonic time: the store's clock. */
  readonly offsetMs: number;
}

/** All limits of one worker. What they counted survives reloads; limits that the configuration dropped are forgotten. */
export class Limits {
  readonly hash: KeyHash;
  /** For limits that are counted in the store. */
  readonly storeHash: KeyHash;
  /** The primary says so; false until then, and without a store. */
  isStoreUp = false;
  readonly #offsetMs: number;
  #storeOffsetMs = 0;
  /** Exchanges under way, by address. */
  readonly inFlight = new InFlight();
  readonly strict: StrictAsker;
  /** Undefined = nobody listens. */
  witness: LimitWitness | undefined = undefined;
  /** There are other workers to tell. */
  isShared: boolean;
  #held = new Map<string, Held>();

  /** `offsetMs` makes monotonic time the machine's; `isShared`: there are other workers to tell. */
  constructor(seed: Buffer, offsetMs: number, isShared: boolean, strict: StrictAsker) {
    this.hash = new KeyHash(seed);
    this.storeHash = new KeyHash(seed);
    this.strict = strict;
    this.#offsetMs = offsetMs;
    this.isShared = isShared;
  }

  /** The limits of another configuration, with the present state where it fits. Nothing changes until `commit`. */
  adopt(facts: readonly LimitFacts[]): ReadonlyMap<string, Held> {
    const next = new Map<string, Held>();
    for (const { name, identity, keysMax, rate, inStore } of facts) {
      const present = this.#held.get(name);
      const limiter =
        present?.identity === identity
          ? present.limiter
          : new Limiter(name, keysMax, this.isShared || inStore, this.#offsetMs);
      const held = { identity, limiter, rate, inStore };
      if (inStore) this.#setClock(held);
      next.set(name, held);
    }
    return next;
  }

  commit(adopted: ReadonlyMap<string, Held>): void {
    this.#held = new Map(adopted);
    for (const { limiter, inStore } of adopted.values()) limiter.isShared = this.isShared || inStore;
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
      held?.limiter.raise(levels, held.rate, nowMs + held.limiter.offsetMs);
    }
  }

  /** How far each key is used up; 0 for one that is not known. Spends nothing. */
  levels(keys: readonly LimitKey[], nowMs: number): readonly number[] {
    return keys.map(({ limit, lo, hi }) => {
      const held = this.#held.get(limit);
      return held?.limiter.level(lo, hi, held.rate, nowMs + held.limiter.offsetMs) ?? 0;
    });
  }

  /** Forgets what was counted, and begins with these. */
  restart(levels: readonly LimitLevel[], nowMs: number): void {
    for (const { limiter } of this.#held.values()) limiter.table.clear();
    for (const key of levels) {
      const held = this.#held.get(key.limit);
      if (held !== undefined) startAt(held.limiter.table, held.rate, key, nowMs + held.limiter.offsetMs);
    }
  }

  setStore(store: StoreState): void {
    this.isStoreUp = store.isUp;
    this.storeHash.reseed(store.seed);
    this.#storeOffsetMs = store.offsetMs;
    for (const held of this.#held.values()) if (held.inStore) this.#setClock(held);
  }

  /** GCRA needs no common clock, and would take a step of it for time that has passed. */
  #setClock({ limiter, rate }: Held): void {
    if (rate.isWindowed) limiter.offsetMs = this.#offsetMs + this.#storeOffsetMs;
  }

  limiters(): Limiter[] {
    return [...this.#held.values()].map(({ limiter }) => limiter);
  }
}
