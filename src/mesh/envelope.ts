import { createCipheriv, createDecipheriv, hash, hkdfSync } from "node:crypto";
import type { Identity } from "./identity.ts";

/**
 * What travels: claims of one signer at one moment, signed and then encrypted. Outside, AES-256-GCM under a key that only
 * the cluster has: whoever reads the store learns nothing, and whoever writes to it, or breaks what is there, is found
 * out for 2 us. Inside, the signer's Ed25519, so that no edge speaks for another (100 us). Both bind all of the head.
 *
 *     version u8 | cluster 8 | signer 32 | boot 16 | sequence u64 | at, ms u48 | claims u8 | (claims, signature 64) | tag 16
 */
export interface Envelope {
  /** 16 hex digits, `clusterId`. */
  readonly cluster: string;
  readonly signer: string;
  /** Random of the signer's process: it has a key of its own for bodies, so no nonce is ever used twice. */
  readonly boot: string;
  readonly sequence: number;
  readonly atMs: number;
  /** Before the signature is verified this is what the signer is charged for. */
  readonly claims: number;
  readonly bytes: Buffer;
  /** Of the encryption; like a signature it is another one for every other envelope. */
  readonly tag: Buffer;
}

export const VERSION = 1;
export const ENVELOPE_BYTES_MAX = 2048;
const HEAD_BYTES = 72;
const TAG_BYTES = 16;
const SIGNATURE_BYTES = 64;
export const BODY_BYTES_MAX = ENVELOPE_BYTES_MAX - HEAD_BYTES - TAG_BYTES - SIGNATURE_BYTES;
export const CLAIMS_MAX = 255;
const SIGNATURE_CONTEXT = Buffer.from("zion mesh envelope v1\n");

/** "version": of another one. "decode": no envelope. Looks at nothing but the head; never throws. */
export function readEnvelope(bytes: Buffer): Envelope | "version" | "decode" {
  if (bytes.length > ENVELOPE_BYTES_MAX || bytes.length < HEAD_BYTES + TAG_BYTES + SIGNATURE_BYTES)
    return "decode";
  if (bytes[0] !== VERSION) return "version";
  // As the rest of its time, the upper bits of a sequence are for readers in other languages; ours ends at 2^53.
  const sequence = bytes.readUInt32BE(57) * 2 ** 32 + bytes.readUInt32BE(61);
  const claims = bytes[71]!;
  if (!Number.isSafeInteger(sequence) || claims === 0) return "decode";
  return {
    cluster: bytes.toString("hex", 1, 9),
    signer: bytes.toString("hex", 9, 41),
    boot: bytes.toString("hex", 41, 57),
    sequence,
    atMs: bytes.readUIntBE(65, 6),
    claims,
    bytes,
    tag: bytes.subarray(-TAG_BYTES),
  };
}

export interface EnvelopeHead {
  readonly cluster: string;
  readonly boot: string;
  readonly sequence: number;
  readonly atMs: number;
  readonly claims: number;
}

/** `claims` has at most BODY_BYTES_MAX bytes; each sequence is used once under a key. */
export function sealEnvelope(
  head: EnvelopeHead,
  claims: Buffer,
  identity: Identity,
  bodyKey: Buffer,
): { readonly bytes: Buffer; readonly signature: Buffer } {
  const start = Buffer.alloc(HEAD_BYTES);
  start[0] = VERSION;
  start.write(head.cluster + identity.id + head.boot, 1, "hex");
  start.writeBigUInt64BE(BigInt(head.sequence), 57);
  start.writeUIntBE(head.atMs, 65, 6);
  start[71] = head.claims;
  const signature = identity.sign(signedText(start, claims));
  return { bytes: Buffer.concat([start, ...encrypt(start, claims, signature, bodyKey)]), signature };
}

/** The tag that the envelope would have under this key. */
export function tagUnder({ bytes }: Envelope, { claims, signature }: OpenedBody, bodyKey: Buffer): Buffer {
  return encrypt(bytes.subarray(0, HEAD_BYTES), claims, signature, bodyKey).at(-1)!;
}

/** The tag comes last. */
function encrypt(head: Buffer, claims: Buffer, signature: Buffer, bodyKey: Buffer): readonly Buffer[] {
  const cipher = createCipheriv("aes-256-gcm", bodyKey, nonceOf(head));
  cipher.setAAD(head);
  return [cipher.update(claims), cipher.update(signature), cipher.final(), cipher.getAuthTag()];
}

export interface OpenedBody {
  readonly claims: Buffer;
  readonly signature: Buffer;
  /** What the signature is over. */
  readonly signed: Buffer;
}

/** Undefined: whoever wrote it has not the cluster's key, or somebody changed it. The signature is not verified. */
export function openBody({ bytes, tag }: Envelope, bodyKey: Buffer): OpenedBody | undefined {
  const head = bytes.subarray(0, HEAD_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", bodyKey, nonceOf(head), { authTagLength: TAG_BYTES });
  decipher.setAAD(head);
  decipher.setAuthTag(tag);
  const body = decipher.update(bytes.subarray(HEAD_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  const claims = body.subarray(0, -SIGNATURE_BYTES);
  return { claims, signature: body.subarray(-SIGNATURE_BYTES), signed: signedText(head, claims) };
}

function signedText(head: Buffer, claims: Buffer): Buffer {
  return Buffer.concat([SIGNATURE_CONTEXT, head, claims]);
}

/** Of one process of one signer. */
export function bodyKeyOf(clusterKey: Uint8Array, signer: string, boot: string): Buffer {
  const salt = Buffer.from(boot, "hex");
  return Buffer.from(hkdfSync("sha256", clusterKey, salt, `zion mesh body v1 ${signer}`, 32));
}

/** For hashes of addresses. */
export function addressKeyOf(clusterKey: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", clusterKey, "", "zion mesh address v1", 32));
}

/** One to three lines of 64 hex digits: the first seals, all open. */
export function parseClusterKeys(text: string): readonly Buffer[] {
  return text
    .trim()
    .split(/\s+/)
    .map((line) => Buffer.from(line, "hex"));
}

export function clusterId(name: string): string {
  return hash("sha256", `zion mesh cluster v1\n${name}`, "hex").slice(0, 16);
}

/** The sequence, which a process uses once. */
function nonceOf(head: Buffer): Buffer {
  const nonce = Buffer.alloc(12);
  head.copy(nonce, 4, 57, 65);
  return nonce;
}
