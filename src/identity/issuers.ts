import { hash } from "node:crypto";
import { type Reason, reasons } from "../reason.ts";
import { own } from "./claims.ts";
import type { Identity } from "./identity.ts";
import { readStrictObject } from "./strict-json.ts";
import { readToken, type Token } from "./token.ts";
import type { TokenVerifier } from "./token-verifier.ts";

/** The issuers whose tokens a route takes, one verifier each. A token is judged by the one that it names, or by none. */
export class Issuers {
  readonly #verifiers: readonly TokenVerifier[];

  /** More than one: each has an issuer of its own. */
  constructor(verifiers: readonly TokenVerifier[]) {
    this.#verifiers = verifiers;
  }

  /** `wallMs`: now, since the epoch. */
  verify(bytes: Buffer, start: number, end: number, wallMs: number): Identity | Reason {
    const digest = hash("sha256", bytes.subarray(start, end), "base64");
    for (const verifier of this.#verifiers) {
      const known = verifier.recall(digest, wallMs);
      if (known !== undefined) return known;
    }
    const token = readToken(bytes, start, end);
    if ("code" in token) return token;
    return this.#choose(token)?.verify(token, digest, wallMs) ?? reasons.tokenClaims;
  }

  #choose(token: Token): TokenVerifier | undefined {
    if (this.#verifiers.length === 1) return this.#verifiers[0];
    // Not believed: it only says who is to judge, and the judge asks for it again.
    const claims = readStrictObject(token.payload);
    const issuer = claims === undefined ? undefined : own(claims, "iss");
    return this.#verifiers.find((verifier) => verifier.issuer === issuer);
  }
}
