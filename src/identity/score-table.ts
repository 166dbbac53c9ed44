import type { Address } from "./address.ts";
import { hashAddress } from "./address-hash.ts";

/**
 * What other edges say of clients, for lookups on the data path: open addressing in one typed array, made in the process
 * of the mesh and handed on as it is, so that no worker builds anything. An IPv6 client is its /64.
 */
export interface ScoreTable {
  /** Of the hash: whoever chooses addresses cannot choose their places. */
  readonly seed: number;
  /** Three words for each place, which are a power of two: upper and lower half of the key, and the mark; 0 = free. */
  readonly slots: Uint32Array;
}

/** All that is known of clients; of those that edges name by a hash under `key`, in a table of their own. */
export interface ClientScores {
  readonly plain: ScoreTable;
  readonly hashed: { readonly table: ScoreTable; readonly key: Uint8Array } | undefined;
}

/** Score in ten thousandths, and whether a quorum says that the client should be refused. */
export interface Scored {
  readonly high: number;
  readonly low: number;
  readonly score: number;
  readonly isDenied: boolean;
}

export const DENIED = 0x10000;
export const SCORE_MASK = 0xffff;
/** Stands in the upper half for an IPv4 address. As the beginning of an IPv6 address it is a multicast group. */
const V4_HIGH = 0xffff_ffff;

/** The mark of a client: 0, or its score with DENIED; where it has two, what weighs more of each. */
export function markOf({ plain, hashed }: ClientScores, address: Address): number {
  const { v4, w0, w1, w3 } = address;
  const own = markAt(plain, v4 ? V4_HIGH : w0, v4 ? w3 : w1);
  if (hashed === undefined) return own;
  const hash = hashAddress(address, hashed.key);
  const other = markAt(hashed.table, hash.readUInt32BE(0), hash.readUInt32BE(4));
  return Math.max(own & SCORE_MASK, other & SCORE_MASK) | ((own | other) & DENIED);
}

function markAt({ seed, slots }: ScoreTable, high: number, low: number): number {
  const last = slots.length / WORDS - 1;
  for (let at = placeOf(seed, high, low) & last; ; at = (at + 1) & last) {
    const mark = slots[at * WORDS + 2]!;
    if (mark === 0 || (slots[at * WORDS] === high && slots[at * WORDS + 1] === low)) return mark;
  }
}

/** The key of an address: its halves. */
export function scoreKey({ v4, w0, w1, w3 }: Address): readonly [high: number, low: number] {
  return v4 ? [V4_HIGH, w3] : [w0, w1];
}

/** Entries with score 0 that are not denied are left out. */
export function buildScoreTable(entries: readonly Scored[], seed: number): ScoreTable {
  // At most three of four places are taken, and one is always free: a search ends.
  let places = 4;
  while (places * 3 < entries.length * 4) places *= 2;
  const slots = new Uint32Array(places * WORDS);
  for (const { high, low, score, isDenied } of entries) {
    const mark = score | (isDenied ? DENIED : 0);
    if (mark === 0) continue;
    let at = placeOf(seed, high, low) & (places - 1);
    while (slots[at * WORDS + 2] !== 0) at = (at + 1) & (places - 1);
    slots.set([high, low, mark], at * WORDS);
  }
  return { seed, slots };
}

const WORDS = 3;

function placeOf(seed: number, high: number, low: number): number {
  let h = Math.imul(high ^ seed, 0x9e3779b1);
  h = Math.imul((h ^ (h >>> 15)) + low, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
