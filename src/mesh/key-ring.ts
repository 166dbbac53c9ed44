import type { KeyObject } from "node:crypto";
import { introductionText, isSignedBy, publicKeyOf } from "./identity.ts";

/** An edge whose claims are heard. */
export interface TrustedKey {
  readonly id: string;
  readonly key: KeyObject;
  /** Who runs it: several edges of one operator are one voice in a quorum. */
  readonly operator: string;
  readonly source: "pinned" | "introduced" | "first_use" | "revocation";
}

export interface PinnedKey {
  readonly id: string;
  readonly operator: string;
}

/** What was learned from the mesh and outlives a restart. */
export interface LearnedKeys {
  readonly introduced: readonly { readonly before: string; readonly next: string }[];
  readonly firstUse: readonly string[];
  readonly revoked: readonly string[];
}

export interface KeyRingOptions {
  readonly pinned: readonly PinnedKey[];
  /** Whose word revokes keys and sets the policy, and who says nothing else. */
  readonly revocation: readonly string[];
  readonly trustsFirstUse: boolean;
  readonly learned: LearnedKeys;
}

/** All keys that came by themselves are one operator: who has the cluster's key can make as many as they like. */
export const FIRST_USE_OPERATOR = "first use";
const FIRST_USE_MAX = 64;
const INTRODUCED_MAX = 4096;
/** Keys that may follow each other before one of them has to be pinned: an edge must not take up the room of all. */
const SUCCESSION_MAX = 16;
const REVOKED_MAX = 4096;

/** Whose signature counts, and for what. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #trusted = new Map<string, TrustedKey>();
  readonly #revoked: Set<string>;
  readonly #firstUse: Set<string>;
  readonly #introduced: { readonly before: string; readonly next: string }[];

  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#revoked = new Set(options.learned.revoked);
    this.#firstUse = new Set(options.trustsFirstUse ? options.learned.firstUse : []);
    this.#introduced = [...options.learned.introduced];
    this.#build();
  }

  find(id: string): TrustedKey | undefined {
    return this.#trusted.get(id);
  }

  isRevoked(id: string): boolean {
    return this.#revoked.has(id);
  }

  /** Edges, without revocation keys. */
  get edges(): readonly TrustedKey[] {
    return [...this.#trusted.values()].filter(({ source }) => source !== "revocation");
  }

  get learned(): LearnedKeys {
    return { introduced: this.#introduced, firstUse: [...this.#firstUse], revoked: [...this.#revoked] };
  }

  /** A key that could be trusted from now on, if its first envelope holds what it promises. */
  candidate(id: string): TrustedKey | undefined {
    if (!this.#options.trustsFirstUse || this.#revoked.has(id)) return undefined;
    if (this.#firstUse.size >= FIRST_USE_MAX) return undefined;
    const key = publicKeyOf(id);
    return key === undefined ? undefined : { id, key, operator: FIRST_USE_OPERATOR, source: "first_use" };
  }

  trustFirstUse(id: string): void {
    this.#firstUse.add(id);
    this.#build();
  }

  /** `before` says that `next` is its next key, and `next` says so too. "conflict": it had named another. */
  introduce(before: string, next: string, proof: string): "new" | "known" | "invalid" | "conflict" {
    const present = this.#introduced.find((one) => one.before === before);
    if (present !== undefined) return present.next === next ? "known" : "conflict";
    // A key that is somebody else's already would speak for both.
    if (this.#trusted.has(next)) return this.#trusted.get(next)!.source === "pinned" ? "known" : "invalid";
    const key = publicKeyOf(next);
    if (key === undefined || this.#revoked.has(next)) return "invalid";
    if (this.#introduced.length >= INTRODUCED_MAX || this.#successionOf(before) >= SUCCESSION_MAX)
      return "invalid";
    if (!isSignedBy(key, introductionText(before, next), Buffer.from(proof, "hex"))) return "invalid";
    this.#introduced.push({ before, next });
    this.#build();
    return "new";
  }

  /** For good, with all keys that it introduced. False: it was before. */
  revoke(id: string): boolean {
    if (this.#revoked.has(id) || this.#revoked.size >= REVOKED_MAX) return false;
    this.#revoked.add(id);
    this.#build();
    return true;
  }

  /** How many keys came before this one since one that is trusted by itself. */
  #successionOf(id: string): number {
    let count = 0;
    for (let at = id; count < SUCCESSION_MAX; count++) {
      const introduced = this.#introduced.find(({ next }) => next === at);
      if (introduced === undefined || this.#trusted.get(at)?.source === "pinned") break;
      at = introduced.before;
    }
    return count;
  }

  #build(): void {
    this.#trusted.clear();
    const { pinned, revocation } = this.#options;
    for (const { id, operator } of pinned) this.#trust(id, operator, "pinned");
    for (const id of this.#firstUse) this.#trust(id, FIRST_USE_OPERATOR, "first_use");
    // In the order in which they came: each was trusted when it named the next.
    for (const { before, next } of this.#introduced) {
      const introducer = this.#trusted.get(before);
      if (introducer !== undefined) this.#trust(next, introducer.operator, "introduced");
    }
    // Last: a key that may revoke is nobody's voice.
    for (const id of revocation) this.#trust(id, "", "revocation");
  }

  #trust(id: string, operator: string, source: TrustedKey["source"]): void {
    if (this.#revoked.has(id)) return;
    if (this.#trusted.get(id)?.source === "pinned" && source !== "revocation") return;
    const key = publicKeyOf(id);
    if (key !== undefined) this.#trusted.set(id, { id, key, operator, source });
  }
}
