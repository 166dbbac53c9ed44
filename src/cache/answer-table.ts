import type { CanonicalRequest } from "../http/request.ts";
import { type KeyWriter, uriOf } from "./key.ts";
import type { StoredAnswer } from "./stored-answer.ts";
import { isSameVary, variantOf } from "./vary.ts";

/** Answers of one URI and upstream that differ by what the client asked for (zion-reference.md §2.14). */
const VARIANTS_MAX = 16;
/** Answers whose keys have the same hash: only somebody who looks for such keys gets there. */
const CHAIN_MAX = 64;

export type Purge =
  | { readonly what: "all" }
  /** `https://host[:port]/path?query`; `prefix`: and everything that begins so. */
  | { readonly what: "url" | "prefix"; readonly url: string }
  | { readonly what: "tag"; readonly tag: string };

/**
 * The stored answers of one worker, by URI, with a budget of bytes. Eviction is SIEVE (Zhang et al., NSDI 2024): a hit sets
 * a bit; a hand goes from old to new, takes the bit away where it is, and evicts where it is not. No order to keep at a hit.
 */
export class AnswerTable {
  /** Bytes of answers, evicted ones that are still being read among them. */
  bytes = 0;
  size = 0;
  evictions = 0;
  bytesMax: number;
  readonly #byHash = new Map<number, StoredAnswer>();
  readonly #perProfile = new Map<string, number>();
  #newest: StoredAnswer | undefined = undefined;
  #oldest: StoredAnswer | undefined = undefined;
  #hand: StoredAnswer | undefined = undefined;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** A smaller budget evicts at once. */
  resize(bytesMax: number): void {
    this.bytesMax = bytesMax;
    this.take(0);
  }

  /** The newest answer to this request. The key was just written. */
  find(
    key: KeyWriter,
    profile: string,
    upstream: string,
    request: CanonicalRequest,
  ): StoredAnswer | undefined {
    let lastVary: readonly string[] | undefined;
    let variant: string | undefined;
    for (let one = this.#byHash.get(key.hash); one !== undefined; one = one.next) {
      if (one.profile !== profile || one.upstream !== upstream || !key.is(one.key)) continue;
      if (one.vary.length > 0) {
        if (lastVary === undefined || !isSameVary(one.vary, lastVary)) variant = variantOf(request, one.vary);
        lastVary = one.vary;
        if (variant !== one.variant) continue;
      }
      return one;
    }
    return undefined;
  }

  /** The Vary that answers of this URI have had last; undefined = none is stored. */
  varyOf(key: KeyWriter, profile: string, upstream: string): readonly string[] | undefined {
    for (let one = this.#byHash.get(key.hash); one !== undefined; one = one.next)
      if (one.profile === profile && one.upstream === upstream && key.is(one.key)) return one.vary;
    return undefined;
  }

  /** Takes a complete answer whose bytes were counted while it came. What it stands for goes. False: no room. */
  add(answer: StoredAnswer, entriesMax: number): boolean {
    this.#removeReplaced(answer);
    while ((this.#perProfile.get(answer.profile) ?? 0) >= entriesMax) {
      if (!this.#evict(answer.profile)) return false;
    }
    answer.next = this.#byHash.get(answer.hash);
    this.#byHash.set(answer.hash, answer);
    answer.isIndexed = true;
    answer.sieveNext = this.#newest;
    if (this.#newest !== undefined) this.#newest.sievePrev = answer;
    this.#newest = answer;
    this.#oldest ??= answer;
    this.size++;
    this.#perProfile.set(answer.profile, (this.#perProfile.get(answer.profile) ?? 0) + 1);
    this.#thin(answer.hash);
    return true;
  }

  /** Counts bytes that came, and evicts for them. False: they cannot be had, the rest is being read. */
  take(bytes: number): boolean {
    while (this.bytes + bytes > this.bytesMax) if (!this.#evict(undefined)) return false;
    this.bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.bytes -= bytes;
  }

  remove(answer: StoredAnswer): void {
    if (!answer.isIndexed) return;
    answer.isIndexed = false;
    this.#unchain(answer);
    if (this.#hand === answer) this.#hand = answer.sievePrev;
    if (answer.sievePrev === undefined) this.#newest = answer.sieveNext;
    else answer.sievePrev.sieveNext = answer.sieveNext;
    if (answer.sieveNext === undefined) this.#oldest = answer.sievePrev;
    else answer.sieveNext.sievePrev = answer.sievePrev;
    answer.sieveNext = answer.sievePrev = undefined;
    this.size--;
    this.#perProfile.set(answer.profile, this.#perProfile.get(answer.profile)! - 1);
    this.#free(answer);
  }

  /** All answers of the key that was just written, whatever profile and upstream they came by. */
  removeUri(hash: number, isKey: (key: Buffer) => boolean): number {
    let removed = 0;
    for (let one = this.#byHash.get(hash); one !== undefined; ) {
      const { next } = one;
      if (isKey(one.key)) {
        this.remove(one);
        removed++;
      }
      one = next;
    }
    return removed;
  }

  purge(purge: Purge): number {
    let removed = 0;
    for (let one = this.#newest; one !== undefined; ) {
      const next: StoredAnswer | undefined = one.sieveNext;
      if (isMeant(one, purge)) {
        this.remove(one);
        removed++;
      }
      one = next;
    }
    return removed;
  }

  /** Answers of profiles that are no more. */
  retain(profiles: ReadonlySet<string>): void {
    for (let one = this.#newest; one !== undefined; ) {
      const next: StoredAnswer | undefined = one.sieveNext;
      if (!profiles.has(one.profile)) this.remove(one);
      one = next;
    }
    for (const name of [...this.#perProfile.keys()]) if (!profiles.has(name)) this.#perProfile.delete(name);
  }

  /** Its bytes are free when nobody reads it. */
  #free(answer: StoredAnswer): void {
    const { bytes } = answer;
    if (answer.readers.size === 0) this.bytes -= bytes;
    else
      answer.onUnread = () => {
        answer.onUnread = undefined;
        this.bytes -= bytes;
      };
  }

  /** False: there is none to evict. */
  #evict(profile: string | undefined): boolean {
    // Twice round is enough: the second time no bit is left.
    for (let steps = this.size * 2 + 1; steps > 0; steps--) {
      const one: StoredAnswer | undefined = this.#hand ?? this.#oldest;
      if (one === undefined) return false;
      this.#hand = one.sievePrev;
      if (profile !== undefined && one.profile !== profile) continue;
      if (one.visited) {
        one.visited = false;
        continue;
      }
      this.remove(one);
      this.evictions++;
      return true;
    }
    return false;
  }

  #removeReplaced(answer: StoredAnswer): void {
    for (let one = this.#byHash.get(answer.hash); one !== undefined; ) {
      const { next } = one;
      if (isSame(one, answer) && one.variant === answer.variant && isSameVary(one.vary, answer.vary))
        this.remove(one);
      one = next;
    }
  }

  /** The oldest go where there are too many of one URI, or of one hash. */
  #thin(hash: number): void {
    const first = this.#byHash.get(hash)!;
    let variants = 0;
    let chained = 0;
    for (let one: StoredAnswer | undefined = first; one !== undefined; ) {
      const next: StoredAnswer | undefined = one.next;
      if (isSame(one, first)) variants++;
      if (++chained > CHAIN_MAX || (isSame(one, first) && variants > VARIANTS_MAX)) {
        this.remove(one);
        this.evictions++;
      }
      one = next;
    }
  }

  #unchain(answer: StoredAnswer): void {
    const first = this.#byHash.get(answer.hash);
    if (first === answer) {
      if (answer.next === undefined) this.#byHash.delete(answer.hash);
      else this.#byHash.set(answer.hash, answer.next);
    } else {
      for (let one = first; one !== undefined; one = one.next) {
        if (one.next !== answer) continue;
        one.next = answer.next;
        break;
      }
    }
    answer.next = undefined;
  }
}

/** Whether a purge means this answer. Also asked of those that are on their way. */
export function isMeant(answer: Pick<StoredAnswer, "key" | "tags">, purge: Purge): boolean {
  if (purge.what === "all") return true;
  if (purge.what === "tag") return answer.tags.includes(purge.tag);
  const { origin, path } = uriOf(answer.key);
  return purge.what === "url" ? purge.url === origin + path : (origin + path).startsWith(purge.url);
}

function isSame(one: StoredAnswer, other: StoredAnswer): boolean {
  return one.profile === other.profile && one.upstream === other.upstream && one.key.equals(other.key);
}
