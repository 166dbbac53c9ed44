import { createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { type Reason, reasons } from "../reason.ts";
import { type Algorithm, findAlgorithm, isSigned } from "./algorithm.ts";
import { type ClaimRules, type Claims, checkClaims, own, readWords } from "./claims.ts";
import { Identity, type IdentityLine, printLine } from "./identity.ts";
import { Remembered } from "./remembered.ts";
import { readStrictObject } from "./strict-json.ts";
import type { Token } from "./token.ts";

/** A key as configuration, in plain data. Made by jwk.ts. */
export interface KeyMaterial {
  /** Undefined: for tokens with any `kid`, and with none. */
  readonly kid: string | undefined;
  /** The one algorithm it is used for. */
  readonly algorithm: string;
  /** Base64; undefined for public keys. */
  readonly secret: string | undefined;
  /** SubjectPublicKeyInfo as PEM. */
  readonly publicPem: string | undefined;
}

export interface VerifierSettings extends ClaimRules {
  readonly algorithms: readonly string[];
  readonly keys: readonly KeyMaterial[];
  /** Claims that go upstream, each in a field. */
  readonly fields: readonly ClaimField[];
  /** Told of a token whose key is not known: there may be newer ones. As often as such tokens come. */
  readonly onUnknownKey?: () => void;
  /** Ids (`jti`) of tokens that were taken back. */
  readonly revoked: { has(tokenId: string): boolean };
  /** Claims that limits count by. */
  readonly countedClaims: readonly string[];
  /** Where roles are: steps into the claims. */
  readonly rolesPath: readonly string[];
}

export interface ClaimField {
  readonly claim: string;
  /** As it is written upstream. */
  readonly field: string;
}

/** Verified tokens, in one generation. */
const REMEMBERED_MAX = 4096;
/** Keys tried for one token: those without `kid` cannot be told apart. */
const TRIES_MAX = 4;

/**
 * Verifies the tokens of one profile. What was verified is remembered by its SHA-256 until it expires: a signature
 * costs 30-300 us, a look-up about 1 us.
 */
export class TokenVerifier {
  readonly #settings: VerifierSettings;
  #keys: readonly VerificationKey[];
  readonly #remembered = new Remembered<Identity>(REMEMBERED_MAX);

  constructor(settings: VerifierSettings) {
    this.#settings = settings;
    this.#keys = settings.keys.map(openKey);
  }

  get issuer(): string | undefined {
    return this.#settings.issuer;
  }

  /** From now on these keys are good, and no others: what the others signed is verified anew. */
  setKeys(keys: readonly KeyMaterial[]): void {
    this.#keys = keys.map(openKey);
    this.#remembered.clear();
  }

  /** What is known of the token with this SHA-256 (base64); undefined = it was not seen before. */
  recall(digest: string, wallMs: number): Identity | Reason | undefined {
    const known = this.#remembered.get(digest);
    if (known === undefined) return undefined;
    if (this.#settings.revoked.has(known.tokenId)) return reasons.tokenRevoked;
    if (wallMs >= known.untilMs) return reasons.tokenExpired;
    // The clock was set back.
    return wallMs < known.fromMs ? reasons.tokenTime : known;
  }

  /** `wallMs`: now, since the epoch. */
  verify(token: Token, digest: string, wallMs: number): Identity | Reason {
    if (!this.#settings.algorithms.includes(token.algorithm.name)) return reasons.tokenAlgorithm;
    const fault = this.#checkSignature(token);
    if (fault !== undefined) return fault;
    // Only what was signed is read any further.
    const claims = readStrictObject(token.payload);
    if (claims === undefined) return reasons.tokenSyntax;
    const validity = checkClaims(claims, this.#settings, wallMs);
    if ("code" in validity) return validity;
    const tokenId = textOf(claims, "jti");
    if (this.#settings.revoked.has(tokenId)) return reasons.tokenRevoked;
    const lines = this.#print(claims);
    if (lines === undefined) return reasons.tokenClaims;
    const identity = new Identity({
      ...validity,
      subject: textOf(claims, "sub"),
      tokenId,
      scopes: new Set([...readWords(claims, ["scope"]), ...readWords(claims, ["scp"])]),
      roles: new Set(readWords(claims, this.#settings.rolesPath)),
      lines,
      claims: this.#keep(claims),
    });
    this.#remembered.add(digest, identity);
    return identity;
  }

  #checkSignature(token: Token): Reason | undefined {
    let named = false;
    let tries = 0;
    for (const key of this.#keys) {
      if (key.kid !== undefined && key.kid !== token.kid) continue;
      named = true;
      // The key decides: a token cannot have its RSA key used as an HMAC secret, or for PSS.
      if (key.algorithm !== token.algorithm || tries === TRIES_MAX) continue;
      tries++;
      if (isSigned(key.algorithm, key.key, token.signed, token.signature)) return undefined;
    }
    if (this.#keys.length === 0) return reasons.authKeys;
    if (!named) {
      this.#settings.onUnknownKey?.();
      return reasons.tokenKey;
    }
    return tries === 0 ? reasons.tokenAlgorithm : reasons.tokenSignature;
  }

  /** Undefined: a claim that cannot stand in a field. Leaving it out would make its bearer a nobody upstream. */
  #print(claims: Claims): readonly IdentityLine[] | undefined {
    const lines: IdentityLine[] = [];
    for (const { claim, field } of this.#settings.fields) {
      const value = own(claims, claim);
      if (value === undefined || value === null) continue;
      const line = printLine(field, value);
      if (line === undefined) return undefined;
      lines.push(line);
    }
    return lines;
  }

  #keep(claims: Claims): ReadonlyMap<string, string> {
    const kept = new Map<string, string>();
    for (const name of this.#settings.countedClaims) {
      const value = own(claims, name);
      if (typeof value === "string" || typeof value === "number") kept.set(name, String(value));
    }
    return kept;
  }
}

function textOf(claims: Claims, name: string): string {
  const value = own(claims, name);
  return typeof value === "string" ? value : "";
}

interface VerificationKey {
  readonly kid: string | undefined;
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
}

/** Throws for material that jwk.ts would not have made. */
function openKey({ kid, algorithm: name, secret, publicPem }: KeyMaterial): VerificationKey {
  const algorithm = findAlgorithm(name);
  if (algorithm === undefined) throw new Error(`no algorithm "${name}"`);
  if (algorithm.kind === "hmac") {
    if (secret === undefined) throw new Error(`${name} without a secret`);
    return { kid, algorithm, key: createSecretKey(secret, "base64") };
  }
  if (publicPem === undefined) throw new Error(`${name} without a public key`);
  return { kid, algorithm, key: createPublicKey(publicPem) };
}
