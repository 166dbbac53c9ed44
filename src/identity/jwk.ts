import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { type Algorithm, findAlgorithm, keyProblem } from "./algorithm.ts";
import { isObject, readStrictObject } from "./strict-json.ts";
import type { KeyMaterial } from "./token-verifier.ts";

/** Keys of one profile at most: more is a mistake, or an attack on whoever tries them. */
export const KEYS_MAX = 32;

export type KeysOrProblem = readonly KeyMaterial[] | string;

/**
 * The public keys in a file: PEM (`PUBLIC KEY`, `CERTIFICATE`), a JWK or a JWK Set. `algorithms` are those of the
 * profile. Every key gets one algorithm: the one it names, else the first listed that fits it. A problem, in words that
 * quote nothing of the file.
 */
export function readKeyFile(text: string, algorithms: readonly string[]): KeysOrProblem {
  if (text.trimStart().startsWith("{")) {
    const object = readStrictObject(Buffer.from(text, "utf8"));
    if (object === undefined) return "it is not a JSON object whose keys occur once";
    const list = Object.hasOwn(object, "keys") ? object["keys"] : [object];
    if (!Array.isArray(list)) return "`keys` is no array";
    return readJwks(list, algorithms);
  }
  if (/PRIVATE KEY-----/.test(text)) return "it holds a private key: the gateway needs the public one only";
  const blocks = text.match(/-----BEGIN (PUBLIC KEY|CERTIFICATE)-----[^-]*-----END \1-----/g) ?? [];
  if (blocks.length === 0) return "it holds no PEM public key and no JWK";
  if (blocks.length > KEYS_MAX) return `it holds more than ${KEYS_MAX} keys`;
  const keys: KeyMaterial[] = [];
  for (const block of blocks) {
    let key: KeyObject;
    try {
      key = createPublicKey(block);
    } catch {
      return "a key in it is broken";
    }
    const material = assign(key, undefined, undefined, algorithms);
    if (typeof material === "string") return material;
    keys.push(material);
  }
  return keys;
}

function readJwks(list: readonly unknown[], algorithms: readonly string[]): KeysOrProblem {
  if (list.length > KEYS_MAX) return `it holds more than ${KEYS_MAX} keys`;
  const keys: KeyMaterial[] = [];
  const kids = new Set<string>();
  for (const jwk of list) {
    if (!isObject(jwk)) return "a key in it is no object";
    // Encryption keys stand beside the others in many sets.
    if (jwk["use"] !== undefined && jwk["use"] !== "sig") continue;
    const material = readJwk(jwk, algorithms);
    if (typeof material === "string") return material;
    if (material.kid !== undefined && kids.has(material.kid)) return "two keys in it have the same `kid`";
    if (material.kid !== undefined) kids.add(material.kid);
    keys.push(material);
  }
  return keys.length === 0 ? "it holds no key for signatures" : keys;
}

/** One JWK, or why it cannot be used. */
export function readJwk(
  jwk: Readonly<Record<string, unknown>>,
  algorithms: readonly string[],
): KeyMaterial | string {
  const { kid, alg } = jwk;
  const secret = secretProblem(jwk);
  if (secret !== undefined) return secret;
  if (kid !== undefined && typeof kid !== "string") return "a `kid` in it is no string";
  if (alg !== undefined && typeof alg !== "string") return "an `alg` in it is no string";
  let key: KeyObject;
  try {
    key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
  } catch {
    return "a key in it is broken";
  }
  return assign(key, kid, alg, algorithms);
}

/** Whoever publishes a secret has no secret: nothing of such a set is believed. */
export function secretProblem({ kty, d, k }: Readonly<Record<string, unknown>>): string | undefined {
  if (kty === "oct" || k !== undefined) return "a secret (`oct`) has no place among public keys";
  return d === undefined ? undefined : "it holds a private key: the gateway needs the public one only";
}

function assign(
  key: KeyObject,
  kid: string | undefined,
  named: string | undefined,
  algorithms: readonly string[],
): KeyMaterial | string {
  const allowed = named === undefined ? algorithms : algorithms.filter((name) => name === named);
  if (allowed.length === 0) return `a key in it is for ${named}, which \`algorithms\` does not list`;
  let problem = "";
  for (const name of allowed) {
    const algorithm: Algorithm | undefined = findAlgorithm(name);
    if (algorithm === undefined) continue;
    const found = keyProblem(key, algorithm);
    if (found === undefined)
      return {
        kid,
        algorithm: name,
        secret: undefined,
        publicPem: key.export({ type: "spki", format: "pem" }).toString(),
      };
    problem = found;
  }
  return problem;
}
