import {
  constants,
  createHmac,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign as signBytes,
} from "node:crypto";

/** Key pairs of every kind, made once per test file. */
export function makeKeys() {
  return {
    rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    otherRsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ec: generateKeyPairSync("ec", { namedCurve: "prime256v1" }),
    ed: generateKeyPairSync("ed25519"),
  };
}

export type TokenHeader = Readonly<Record<string, unknown>>;

/** A compact JWS, signed as `header.alg` says; `alg` of another key type is signed all the same where it can be. */
export function makeToken(header: TokenHeader, claims: unknown, key: KeyObject | string): string {
  return signToken(JSON.stringify(header), JSON.stringify(claims), String(header["alg"]), key);
}

/** The same with the texts as they are. */
export function signToken(header: string, payload: string, alg: string, key: KeyObject | string): string {
  const signed = `${base64Url(header)}.${base64Url(payload)}`;
  return `${signed}.${signatureOf(signed, alg, key).toString("base64url")}`;
}

export function base64Url(text: string): string {
  return Buffer.from(text, "utf8").toString("base64url");
}

export function signatureOf(signed: string, alg: string, key: KeyObject | string): Buffer {
  const data = Buffer.from(signed);
  const hash = `sha${alg.slice(2)}`;
  if (alg.startsWith("HS")) return createHmac(hash, key).update(data).digest();
  if (alg === "EdDSA") return signBytes(undefined, data, key);
  if (alg.startsWith("ES"))
    return signBytes(hash, data, { key: key as KeyObject, dsaEncoding: "ieee-p1363" });
  if (alg.startsWith("PS"))
    return signBytes(hash, data, {
      key: key as KeyObject,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    });
  return signBytes(hash, data, key);
}

/** A public key as JWK Set text. */
export function jwks(...keys: readonly (readonly [key: KeyObject, more: JsonWebKey])[]): string {
  return JSON.stringify({ keys: keys.map(([key, more]) => ({ ...key.export({ format: "jwk" }), ...more })) });
}
