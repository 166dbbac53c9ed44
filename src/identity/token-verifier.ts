import { createPublicKey, createSecretKey, hash, type KeyObject } from "node:crypto";
import { type Reason, reasons } from "../reason.ts";
import { type Algorithm, findAlgorithm, isSigned } from "./algorithm.ts";
import { type ClaimRules, type Claims, checkClaims, own, readWords } from "./claims.ts";
import { Identity, type IdentityLine, printLine } from "./identity.ts";
import { readStrictObject } from "./strict-json.ts";
import { readToken, type Token } from "./token.ts";

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

/** Verified tokens remembered per verifier: two generations of this many. */
const REMEMBERED_MAX = 4096;
/** Keys tried for one token: those without `kid` cannot be told apart. */
const TRIES_MAX = 4;

/**
 * Verifies the tokens of one profile. What was verified is remembered by its SHA-256 until it expires: a signature
 * costs 30-300 us, a look-up about 1 us. Tokens that fail are not remembered, or a flood of them would push out the
 * good ones.
 */
export class TokenVerifier {
  readonly #settings: VerifierSettings;
  #keys: readonly VerificationKey[];
  #young = new Map<string, Identity>();
  #old = new Map<string, Identity>();

  constructor(settings: VerifierSettings) {
    this.#settings = settings;
    this.#keys = settings.keys.map(openKey);
  }

  /** From now on these keys are good, and no others: what the others signed is verified anew. */
  setKeys(keys: readonly KeyMaterial[]): void {
    this.#keys = keys.map(openKey);
    this.#young = new Map();
    this.#old = new Map();
  }

  /** `wallMs`: now, since the epoch. */
  verify(bytes: Buffer, start: number, end: number, wallMs: number): Identity | Reason {
    const digest = hash("sha256", bytes.subarray(start, end), "base64");
    const known = this.#young.get(digest) ?? this.#old.get(digest);
    if (known !== undefined) {
      if (wallMs >= known.untilMs) return reasons.tokenExpired;
      // The clock was set back.
      return wallMs < known.fromMs ? reasons.tokenTime : known;
    }
    const found = this.#read(bytes, start, end, wallMs);
    if (found instanceof Identity) this.#remember(digest, found);
    return found;
  }

  #read(bytes: Buffer, start: number, end: number, wallMs: number): Identity | Reason {
    const token = readToken(bytes, start, end);
    if ("code" in token) return token;
    if (!this.#settings.algorithms.includes(token.algorithm.name)) return reasons.tokenAlgorithm;
    const fault = this.#checkSignature(token);
    if (fault !== undefined) return fault;
    // Only what was signed is read any further.
    const claims = readStrictObject(token.payload);
    if (claims === undefined) return reasons.tokenSyntax;
    const validity = checkClaims(claims, this.#settings, wallMs);
    if ("code" in validity) return validity;
    const lines = this.#print(claims);
    if (lines === undefined) return reasons.tokenClaims;
    const scopes = new Set([...readWords(claims, ["scope"]), ...readWords(claims, ["scp"])]);
    const roles = new Set(readWords(claims, this.#settings.rolesPath));
    const sub = own(claims, "sub");
    return new Identity({
      subject: typeof sub === "string" ? sub : "",
      ...validity,
      scopes,
      roles,
      lines,
      claims: this.#keep(claims),
    });
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
    if (!named) return this.#keys.length === 0 ? reasons.authKeys : reasons.tokenKey;
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

  #remember(digest: string, identity: Identity): void {
    if (this.#young.size >= REMEMBERED_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(digest, identity);
  }
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
