/** Tokens that were taken back, by their `jti`. */
export const REVOKED_MAX = 100_000;
/** Characters of a `jti`. */
export const TOKEN_ID_MAX = 256;

/** What a worker knows of revoked tokens; the primary keeps the list and says when one has expired. */
export class RevokedTokens {
  readonly #ids = new Set<string>();

  has(tokenId: string): boolean {
    return this.#ids.size > 0 && this.#ids.has(tokenId);
  }

  change(added: readonly string[], dropped: readonly string[]): void {
    for (const id of dropped) this.#ids.delete(id);
    for (const id of added) this.#ids.add(id);
  }
}
