import { type Claim, type ClaimKind, claimKey, endsMs } from "./claim.ts";
import { encodeClaim } from "./claim-coding.ts";

/** The newest that one signer said about one thing. */
export interface Entry {
  readonly signer: string;
  readonly claim: Claim;
}

export type Merge = "new" | "newer" | "known" | "older";

/**
 * After its end a claim is kept while an older one about the same could still come in a fresh envelope: twice the
 * window of envelopes, and a minute.
 */
const TOMBSTONE_MS = 180_000;

/**
 * All claims there are: last writer wins per signer and subject. Whatever the order and however often claims come, the
 * state is the same (test/mesh/merge-store.test.ts), also where there are too many: then the newest stay, and no signer
 * has more than a quarter of the room.
 */
export class MergeStore {
  readonly #max: number;
  readonly #byKind = new Map<ClaimKind, Map<string, Entry[]>>();
  readonly #counts = new Map<string, number>();
  #size = 0;
  evicted = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  countOf(signer: string): number {
    return this.#counts.get(signer) ?? 0;
  }

  /** What is said about each thing of a kind, by its key. */
  of(kind: ClaimKind): ReadonlyMap<string, readonly Entry[]> {
    return this.#byKind.get(kind) ?? none;
  }

  find(signer: string, claim: Claim): Claim | undefined {
    return this.of(claim.kind)
      .get(claimKey(claim))
      ?.find((entry) => entry.signer === signer)?.claim;
  }

  *bySigner(signer: string): Generator<Claim> {
    for (const entry of this.#all()) if (entry.signer === signer) yield entry.claim;
  }

  merge(signer: string, claim: Claim, nowMs: number): Merge {
    if (isForgotten(claim, nowMs)) return "older";
    const entries = this.#entries(claim);
    const at = entries.findIndex((entry) => entry.signer === signer);
    if (at < 0) {
      entries.push({ signer, claim });
      this.#count(signer, 1);
      if (this.countOf(signer) > this.#max / 4) this.#evict(signer, this.#max / 4);
      if (this.#size > this.#max) this.#evict(undefined, this.#max);
      return "new";
    }
    const order = compare(claim, entries[at]!.claim);
    if (order === 0) return "known";
    if (order < 0) return "older";
    entries[at] = { signer, claim };
    return "newer";
  }

  /** Forgets what is over. */
  expire(nowMs: number): void {
    this.#drop(({ claim }) => isForgotten(claim, nowMs));
  }

  forget(signer: string): void {
    this.#drop((entry) => entry.signer === signer);
  }

  /** Brings the state into the form that does not depend on when there was too much. For comparisons. */
  settle(): void {
    for (const [signer, count] of [...this.#counts])
      if (count > keptOf(this.#max / 4)) this.#evict(signer, this.#max / 4);
    if (this.#size > keptOf(this.#max)) this.#evict(undefined, this.#max);
  }

  #entries(claim: Claim): Entry[] {
    let subjects = this.#byKind.get(claim.kind);
    if (subjects === undefined) this.#byKind.set(claim.kind, (subjects = new Map()));
    const key = claimKey(claim);
    let entries = subjects.get(key);
    if (entries === undefined) subjects.set(key, (entries = []));
    return entries;
  }

  *#all(): Generator<Entry> {
    for (const subjects of this.#byKind.values()) for (const entries of subjects.values()) yield* entries;
  }

  #count(signer: string, by: number): void {
    this.#size += by;
    const count = this.countOf(signer) + by;
    if (count === 0) this.#counts.delete(signer);
    else this.#counts.set(signer, count);
  }

  /** Down to fifteen sixteenths of the room, oldest first; of one signer, or of all. */
  #evict(signer: string | undefined, max: number): void {
    const candidates = [...this.#all()].filter((entry) => signer === undefined || entry.signer === signer);
    const times = Float64Array.from(candidates, ({ claim }) => claim.atMs).sort();
    const excess = candidates.length - keptOf(max);
    if (excess <= 0) return;
    const lastMs = times[excess - 1]!;
    const older = candidates.filter(({ claim }) => claim.atMs < lastMs);
    // Those of the same millisecond by an order that every edge has.
    const equal = candidates.filter(({ claim }) => claim.atMs === lastMs);
    equal.sort((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1));
    const gone = new Set([...older, ...equal.slice(0, excess - older.length)]);
    this.#drop((entry) => gone.has(entry));
    this.evicted += gone.size;
  }

  #drop(isGone: (entry: Entry) => boolean): void {
    for (const subjects of this.#byKind.values())
      for (const [key, entries] of subjects) {
        if (!entries.some(isGone)) continue;
        const kept: Entry[] = [];
        for (const entry of entries) {
          if (isGone(entry)) this.#count(entry.signer, -1);
          else kept.push(entry);
        }
        if (kept.length === 0) subjects.delete(key);
        else subjects.set(key, kept);
      }
  }
}

const none: ReadonlyMap<string, readonly Entry[]> = new Map();

/** Between this and the room there is slack, so that a flood does not evict at every claim. */
function keptOf(max: number): number {
  return Math.floor((max * 15) / 16);
}

function isForgotten(claim: Claim, nowMs: number): boolean {
  return nowMs >= Math.max(endsMs(claim), claim.atMs + TOMBSTONE_MS);
}

/** Positive: `a` is said after `b`. Two of one millisecond by their bytes, so that all edges keep the same one. */
function compare(a: Claim, b: Claim): number {
  return a.atMs - b.atMs || Buffer.compare(encodeClaim(a), encodeClaim(b));
}

function rankOf({ signer, claim }: Entry): string {
  return `${claimKey(claim)} ${signer}`;
}
