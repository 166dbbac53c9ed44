import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/**
 * Signatures in minisign's format (https://jedisct1.github.io/minisign/), prehashed: Ed25519 over BLAKE2b-512 of the
 * file, and over the signature with a comment that is trusted thereby. Whoever has minisign needs nothing of ours.
 */
export interface ReleaseKey {
  /** 8 bytes. */
  readonly id: Buffer;
  readonly key: KeyObject;
}

const keyAlgorithm = "Ed";
const prehashed = "ED";
/** Before the raw key in DER (RFC 8410). */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** Reads a public key file, or its second line alone. A text says what is wrong with it. */
export function readReleaseKey(file: string): ReleaseKey | string {
  const line = file.trim().split("\n").at(-1)!.trim();
  const bytes = decode(line, 42);
  if (bytes === undefined || bytes.toString("latin1", 0, 2) !== keyAlgorithm)
    return "it is not a minisign public key";
  return { id: bytes.subarray(2, 10), key: publicKeyFrom(bytes.subarray(10)) };
}

/** The trusted comment of a good signature of `text`; undefined and why when it is none. */
export function readReleaseSignature(
  text: Uint8Array,
  file: string,
  { id, key }: ReleaseKey,
): { readonly comment: string } | { readonly problem: string } {
  const [first = "", second = "", third = "", fourth = "", ...rest] = file.split("\n");
  const signature = decode(second, 74);
  const global = decode(fourth, 64);
  const comment = /^trusted comment: (.*)$/.exec(third)?.[1];
  const isWhole = first.startsWith("untrusted comment: ") && rest.join("") === "";
  if (!isWhole || signature === undefined || global === undefined || comment === undefined)
    return { problem: "it is not a minisign signature" };
  // The older kind signs the file itself: what it says could be read as a hash that was never signed.
  if (signature.toString("latin1", 0, 2) !== prehashed) return { problem: "it is not a prehashed signature" };
  if (!signature.subarray(2, 10).equals(id)) return { problem: "it is by another key" };
  const own = signature.subarray(10);
  if (!verify(null, blake2b(text), key, own)) return { problem: "it is not of this text and this key" };
  if (!verify(null, Buffer.concat([own, Buffer.from(comment)]), key, global))
    return { problem: "its comment was changed" };
  return { comment };
}

/** The public key file that belongs to an Ed25519 private key. */
export function printReleaseKey(privateKey: KeyObject): string {
  const { id, raw } = publicPart(privateKey);
  const line = Buffer.concat([Buffer.from(keyAlgorithm), id, raw]).toString("base64");
  return `untrusted comment: minisign public key ${Buffer.from(id).reverse().toString("hex").toUpperCase()}\n${line}\n`;
}

/** The signature file of `text`. `comment`: one line, signed with it. */
export function printReleaseSignature(text: Uint8Array, comment: string, privateKey: KeyObject): string {
  const { id } = publicPart(privateKey);
  const own = sign(null, blake2b(text), privateKey);
  const global = sign(null, Buffer.concat([own, Buffer.from(comment)]), privateKey);
  const line = Buffer.concat([Buffer.from(prehashed), id, own]).toString("base64");
  return `untrusted comment: verify with minisign -V\n${line}\ntrusted comment: ${comment}\n${global.toString("base64")}\n`;
}

/** minisign draws key ids at random; ours follow from the key. */
function publicPart(privateKey: KeyObject): { readonly id: Buffer; readonly raw: Buffer } {
  const raw = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  return { raw, id: createHash("sha256").update(raw).digest().subarray(0, 8) };
}

function publicKeyFrom(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: "der", type: "spki" });
}

function blake2b(text: Uint8Array): Buffer {
  return createHash("blake2b512").update(text).digest();
}

/** Base64 of exactly `length` bytes, in its one spelling. */
function decode(text: string, length: number): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === length && bytes.toString("base64") === text ? bytes : undefined;
}
