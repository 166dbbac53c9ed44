import { KeyObject, type webcrypto } from "node:crypto";
import { importJWK, type JWK } from "jose";
import { findAlgorithm, keyProblem } from "../identity/algorithm.ts";
import { KEYS_MAX, type KeysOrProblem, secretProblem } from "../identity/jwk.ts";
import { isObject, readStrictObject } from "../identity/strict-json.ts";
import type { KeyMaterial } from "../identity/token-verifier.ts";

/** Bytes of a JWK Set; more is a mistake, or an attack on whoever reads it. */
export const SET_BYTES_MAX = 65_536;

/**
 * The keys of a JWK Set that somebody else publishes (RFC 7517 §5). Unlike in a file of ours, keys that are of no use
 * here (other algorithms, weak ones, encryption) are passed over: issuers add such without asking. Every key gets one
 * algorithm, as in a file. A problem, in words that quote nothing of the set.
 */
export async function readKeySet(bytes: Uint8Array, algorithms: readonly string[]): Promise<KeysOrProblem> {
  const set = readStrictObject(bytes);
  if (set === undefined) return "the answer is not a JSON object whose keys occur once";
  const list = Object.hasOwn(set, "keys") ? set["keys"] : undefined;
  if (!Array.isArray(list)) return "the answer is no JWK Set";
  if (list.length > KEYS_MAX) return `the set holds more than ${KEYS_MAX} keys`;
  const keys: KeyMaterial[] = [];
  for (const jwk of list as readonly unknown[]) {
    if (!isObject(jwk)) return "a key of the set is no object";
    const secret = secretProblem(jwk);
    if (secret !== undefined) return secret;
    const material = isForSignatures(jwk) ? await importKey(jwk, algorithms) : undefined;
    if (material !== undefined) keys.push(material);
  }
  return keys.length === 0 ? "the set holds no key that can be used" : keys;
}

function isForSignatures({ use, key_ops: operations }: Readonly<Record<string, unknown>>): boolean {
  if (use !== undefined && use !== "sig") return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes("verify"));
}

/** Undefined: not for any of the algorithms, too weak, or broken. */
async function importKey(
  jwk: Readonly<Record<string, unknown>>,
  algorithms: readonly string[],
): Promise<KeyMaterial | undefined> {
  const { kid, alg, kty, n, e, crv, x, y } = jwk;
  if (kid !== undefined && typeof kid !== "string") return undefined;
  // `x5u` and `x5c` would bring certificates in that nobody checks.
  const bare = Object.fromEntries(
    Object.entries({ kty, n, e, crv, x, y }).filter(([, value]) => value !== undefined),
  ) as JWK;
  for (const name of algorithms) {
    if (alg !== undefined && alg !== name) continue;
    try {
      const key = KeyObject.from((await importJWK(bare, name)) as webcrypto.CryptoKey);
      if (keyProblem(key, findAlgorithm(name)!) !== undefined) continue;
      const publicPem = key.export({ type: "spki", format: "pem" }).toString();
      return { kid, algorithm: name, secret: undefined, publicPem };
    } catch {
      // Of another type than the algorithm asks for, or broken: perhaps the next one fits.
    }
  }
  return undefined;
}
