import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

/** An edge's own Ed25519 key. Its id is the public key, 64 hex digits. */
export interface Identity {
  readonly id: string;
  sign(bytes: Uint8Array): Buffer;
}

/** From 64 hex digits (RFC 8032's seed), or PEM (PKCS #8). Throws a text without the key in it. */
export function readIdentity(text: string): Identity {
  const trimmed = text.trim();
  let key: KeyObject;
  try {
    key = /^[0-9a-f]{64}$/i.test(trimmed)
      ? createPrivateKey({
          key: Buffer.concat([seedPrefix, Buffer.from(trimmed, "hex")]),
          format: "der",
          type: "pkcs8",
        })
      : createPrivateKey(trimmed);
  } catch {
    throw new Error("neither 64 hex digits nor a PEM private key");
  }
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`a key for ${key.asymmetricKeyType}, not Ed25519`);
  const id = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
  return { id, sign: (bytes) => sign(null, bytes, key) };
}

/** A new key: its seed in hex, and its id. */
export function generateIdentity(): { readonly seed: string; readonly id: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32).toString("hex");
  return { seed, id: readIdentity(seed).id };
}

/** Undefined: no public key whose signatures say anything. */
export function publicKeyOf(id: string): KeyObject | undefined {
  if (!/^[0-9a-f]{64}$/.test(id) || isSmallOrder(id)) return undefined;
  try {
    return createPublicKey({
      key: Buffer.concat([publicPrefix, Buffer.from(id, "hex")]),
      format: "der",
      type: "spki",
    });
  } catch {
    return undefined;
  }
}

export function isSignedBy(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, bytes, key, signature);
}

/** What a new key signs to be introduced by the one before it. */
export function introductionText(before: string, next: string): Buffer {
  return Buffer.from(`zion mesh introduction v1\n${before}\n${next}\n`);
}

/**
 * Keys of which a signature fits every text (RFC 8032 §5.1.7 leaves them in): the eight points of small order, in all
 * their encodings, with either sign.
 */
function isSmallOrder(id: string): boolean {
  const unsigned = id.slice(0, 62) + (Number.parseInt(id.slice(62), 16) & 0x7f).toString(16).padStart(2, "0");
  return smallOrder.has(unsigned);
}

const smallOrder: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** Of PKCS #8 and SubjectPublicKeyInfo (RFC 8410). */
const seedPrefix = Buffer.from("302e020100300506032b657004220420", "hex");
const publicPrefix = Buffer.from("302a300506032b6570032100", "hex");
