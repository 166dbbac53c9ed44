import { type Address, type Cidr, parseCidr } from "../identity/address.ts";
import { buildRangeTable, type RangeTable } from "../identity/range-table.ts";

/** Why somebody is banned: what was counted, the word of other edges, or an operator's. */
export const banCauses = ["waf", "limit", "mesh", "operator"] as const;
export type BanCause = (typeof banCauses)[number];

export interface Ban {
  /** Address, CIDR block, or the /64 of an IPv6 client. */
  readonly address: string;
  readonly block: Cidr;
  readonly cause: BanCause;
  /** Monotonic ms. */
  readonly sinceMs: number;
  /** Infinity = until it is lifted. */
  readonly untilMs: number;
  /** How often this client was banned without a long pause; each time is twice as long. */
  readonly times: number;
}

/** Operators' own. They are refused beyond it, never forgotten. */
export const OPERATOR_BANS_MAX = 1000;

/**
 * Who is banned on this machine. Bounded: where more clients offend than it holds, the one banned first is forgotten, so
 * a flood of addresses costs an old ban, never memory. Ended bans stay for a while, for the next one to be longer.
 */
export class BanTable {
  /** Oldest first. */
  readonly #counted = new Map<string, Ban>();
  readonly #byOperator = new Map<string, Ban>();
  max: number;
  evicted = 0;

  constructor(max: number) {
    this.max = max;
  }

  /** Bans a client for what it did. `firstMs` doubles with each ban, up to `maxMs`. */
  addCounted(
    address: string,
    cause: BanCause,
    nowMs: number,
    { firstMs, maxMs }: { readonly firstMs: number; readonly maxMs: number },
  ): Ban | undefined {
    const block = parseCidr(address);
    if (block === undefined) return undefined;
    const times = (this.#counted.get(address)?.times ?? 0) + 1;
    const untilMs = nowMs + Math.min(firstMs * 2 ** Math.min(times - 1, 30), maxMs);
    const ban = { address, block, cause, sinceMs: nowMs, untilMs, times };
    this.put(ban);
    return ban;
  }

  /** Takes a ban as it is, and forgets the oldest when there are too many. False: too many of operators. */
  put(ban: Ban): boolean {
    if (ban.cause === "operator") {
      if (this.#byOperator.size >= OPERATOR_BANS_MAX && !this.#byOperator.has(ban.address)) return false;
      this.#byOperator.set(ban.address, ban);
      return true;
    }
    this.#counted.delete(ban.address);
    this.#counted.set(ban.address, ban);
    for (const [address] of this.#counted) {
      if (this.#counted.size <= this.max) break;
      this.#counted.delete(address);
      this.evicted++;
    }
    return true;
  }

  isBanned(address: string, nowMs: number): boolean {
    const ban = this.#counted.get(address) ?? this.#byOperator.get(address);
    return ban !== undefined && ban.untilMs > nowMs;
  }

  /** False: nobody of this address was banned. What it did before is forgotten too. */
  lift(address: string): boolean {
    const counted = this.#counted.delete(address);
    return this.#byOperator.delete(address) || counted;
  }

  /** Lifts the bans by counting that `fits` says. */
  liftWhere(fits: (ban: Ban) => boolean): void {
    for (const [address, ban] of this.#counted) if (fits(ban)) this.#counted.delete(address);
  }

  /** Forgets what ended `memoryMs` ago. */
  forget(nowMs: number, memoryMs: number): void {
    for (const [address, ban] of this.#byOperator) if (ban.untilMs <= nowMs) this.#byOperator.delete(address);
    for (const [address, ban] of this.#counted)
      if (ban.untilMs + memoryMs <= nowMs) this.#counted.delete(address);
  }

  /** Those in force. */
  current(nowMs: number): readonly Ban[] {
    return [...this.#byOperator.values(), ...this.#counted.values()].filter(({ untilMs }) => untilMs > nowMs);
  }

  /** All that is remembered, ended ones too. */
  all(): readonly Ban[] {
    return [...this.#byOperator.values(), ...this.#counted.values()];
  }

  /** For the workers; undefined = nobody is banned. */
  ranges(nowMs: number): RangeTable | undefined {
    const current = this.current(nowMs);
    return current.length === 0 ? undefined : buildRangeTable(current.map(({ block }) => block));
  }
}

/** Whether two blocks have an address in common. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.first.v4 === b.first.v4 && !isAfter(a.first, b.last) && !isAfter(b.first, a.last);
}

function isAfter(a: Address, b: Address): boolean {
  return (a.w0 - b.w0 || a.w1 - b.w1 || a.w2 - b.w2 || a.w3 - b.w3) > 0;
}
