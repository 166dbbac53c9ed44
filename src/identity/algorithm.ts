import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from "node:crypto";

/** What RFC 7518 and RFC 8037 call an `alg`, and what a key for it must be. */
export interface Algorithm {
  readonly name: AlgorithmName;
  readonly kind: "hmac" | "rsa" | "pss" | "ec" | "eddsa";
  /** Name of the hash; undefined for EdDSA, which has its own. */
  readonly hash: string | undefined;
  /** OpenSSL's name of the curve; "" = none. */
  readonly curve: string;
  /** Bytes of a signature; 0 = as many as the RSA modulus has. */
  readonly signatureBytes: number;
  /** Bytes an HMAC secret has at least (RFC 7518 §3.2). */
  readonly secretBytesMin: number;
}

export const algorithmNames = [
  "HS256",
  "HS384",
  "HS512",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;
export type AlgorithmName = (typeof algorithmNames)[number];

/** The one with this name; `none` and all others are undefined. */
export function findAlgorithm(name: unknown): Algorithm | undefined {
  return typeof name === "string" ? byName.get(name) : undefined;
}

/** Whether the public key is one that `algorithm` verifies with: its type, curve and size. Why not, in words. */
export function keyProblem(key: KeyObject, algorithm: Algorithm): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  switch (algorithm.kind) {
    case "hmac":
      return "a public key is no secret";
    case "rsa":
    case "pss": {
      if (type !== "rsa") return `${algorithm.name} needs an RSA key`;
      const bits = details?.modulusLength ?? 0;
      // With 1 every signature is its own message.
      if ((details?.publicExponent ?? 0n) < 3n) return "an RSA key has a public exponent of at least 3";
      // Below 2048 bits RFC 7518 §3.3 forbids it; above 8192 one verification holds a worker for milliseconds.
      return bits < 2048 || bits > 8192 ? "an RSA key has 2048 to 8192 bits" : undefined;
    }
    case "ec":
      return type === "ec" && details?.namedCurve === algorithm.curve
        ? undefined
        : `${algorithm.name} needs a key on ${algorithm.curve}`;
    case "eddsa":
      return type === "ed25519" ? undefined : "EdDSA needs an Ed25519 key";
  }
}

/** Whether `signature` is that of `data`. Never throws. */
export function isSigned(
  algorithm: Algorithm,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { kind, hash, signatureBytes } = algorithm;
  if (signatureBytes !== 0 && signature.length !== signatureBytes) return false;
  try {
    if (kind === "hmac") return timingSafeEqual(createHmac(hash!, key).update(data).digest(), signature);
    if (kind === "eddsa") return verify(undefined, data, key, signature);
    if (kind === "ec") return verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, signature);
    if (signature.length * 8 < (key.asymmetricKeyDetails?.modulusLength ?? 0)) return false;
    if (kind === "pss")
      return verify(
        hash,
        data,
        {
          key,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
        },
        signature,
      );
    return verify(hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
  } catch {
    return false;
  }
}

const curves: Readonly<Record<string, readonly [curve: string, signatureBytes: number]>> = {
  ES256: ["prime256v1", 64],
  ES384: ["secp384r1", 96],
  ES512: ["secp521r1", 132],
};

const byName: ReadonlyMap<string, Algorithm> = new Map(
  algorithmNames.map((name) => [name, describeAlgorithm(name)]),
);

function describeAlgorithm(name: AlgorithmName): Algorithm {
  if (name === "EdDSA")
    return { name, kind: "eddsa", hash: undefined, curve: "", signatureBytes: 64, secretBytesMin: 0 };
  const bits = Number(name.slice(2));
  const hash = `sha${bits}`;
  const plain = { name, hash, curve: "", signatureBytes: 0, secretBytesMin: 0 };
  switch (name.slice(0, 2)) {
    case "HS":
      return { ...plain, kind: "hmac", signatureBytes: bits / 8, secretBytesMin: bits / 8 };
    case "RS":
      return { ...plain, kind: "rsa" };
    case "PS":
      return { ...plain, kind: "pss" };
    default:
      return { ...plain, kind: "ec", curve: curves[name]![0], signatureBytes: curves[name]![1] };
  }
}
