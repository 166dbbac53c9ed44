import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/**
 * `zion.toml.sig`, beside the configuration: who signed this text, and as which version of it. Versions only go up, so
 * an old configuration cannot be put back by whoever can write the file.
 */
export interface Signed {
  readonly version: number;
  /** Of the text; hex. */
  readonly sha256: string;
}

/** What is signed: the version is part of it. */
function statement({ version, sha256 }: Signed): Buffer {
  return Buffer.from(`zion configuration 1\n${version}\n${sha256}\n`);
}

const sha256Of = (text: Uint8Array): string => createHash("sha256").update(text).digest("hex");

/** The contents of the signature file. `key` is an Ed25519 key in PEM. Throws when it is not. */
export function printSignature(text: Uint8Array, version: number, key: string): string {
  const signed = { version, sha256: sha256Of(text) };
  const signature = sign(null, statement(signed), ed25519(createPrivateKey(key))).toString("base64");
  return `${JSON.stringify({ version, signature })}\n`;
}

/** Checks the contents of a signature file. The problem in words when it is not a good one. */
export function readSignature(text: Uint8Array, file: string, publicKey: string): Signed | string {
  let given: { readonly version?: unknown; readonly signature?: unknown } | null;
  try {
    given = JSON.parse(file) as typeof given;
  } catch {
    return "it is not JSON";
  }
  const { version, signature } = given ?? {};
  if (
    typeof version !== "number" ||
    !Number.isSafeInteger(version) ||
    version < 1 ||
    typeof signature !== "string"
  )
    return "it does not hold a version and a signature";
  let key: KeyObject;
  try {
    key = ed25519(createPublicKey(publicKey));
  } catch {
    return "the public key is not an Ed25519 key in PEM";
  }
  const signed = { version, sha256: sha256Of(text) };
  const isGood = verify(null, statement(signed), key, Buffer.from(signature, "base64"));
  return isGood ? signed : "the signature is not of this configuration, this version and this key";
}

function ed25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== "ed25519") throw new Error("it is not an Ed25519 key");
  return key;
}
