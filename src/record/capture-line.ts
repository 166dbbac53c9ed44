import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** One request as it is kept: what it was, and what came of it. */
export interface CapturedFacts {
  readonly id: string;
  /** Ms since the epoch. */
  readonly timeMs: number;
  readonly generation: number;
  /** The peer's address. */
  readonly from: string;
  readonly secure: boolean;
  readonly serverName: string;
  readonly route: string;
  readonly decision: string;
  readonly status: number;
  readonly reason: string;
  readonly wafGate: string;
  readonly wafDetail: string;
  /** What was taken out before it was kept: `header:cookie`, `query`, `body`. */
  readonly redacted: readonly string[];
}

/** The key of what one primary's workers keep, and the same sealed by the root key. */
export interface CaptureKey {
  readonly key: Buffer;
  /** Stands in each line: whoever has the root key can read it. */
  readonly sealed: string;
}

/** A key for the workers: they never have the root key, which reads what was kept before. */
export function makeCaptureKey(root: Buffer): CaptureKey {
  const key = randomBytes(KEY_BYTES);
  return { key, sealed: seal(root, key, KEY_LABEL).toString("base64") };
}

/**
 * A line of a capture file: AES-256-GCM over facts and bytes, with a nonce of its own. The id stands outside, to be found,
 * and is bound by the tag.
 */
export function sealCapture({ key, sealed }: CaptureKey, facts: CapturedFacts, bytes: Uint8Array): string {
  const text = Buffer.from(JSON.stringify(facts), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  const data = seal(key, Buffer.concat([length, text, bytes]), facts.id).toString("base64");
  return `${JSON.stringify({ v: 1, id: facts.id, key: sealed, data })}\n`;
}

export interface OpenedCapture {
  readonly facts: CapturedFacts;
  /** In HTTP/1.1, with as much of the body as was kept. */
  readonly bytes: Buffer;
}

/** Undefined: it was sealed with another root key, or changed since. */
export function openCapture(root: Buffer, line: string): OpenedCapture | undefined {
  try {
    const { id, key: sealed, data } = JSON.parse(line) as Readonly<Record<string, string>>;
    const key = open(root, Buffer.from(sealed!, "base64"), KEY_LABEL);
    const plain = open(key, Buffer.from(data!, "base64"), id!);
    const end = 4 + plain.readUInt32BE(0);
    return { facts: JSON.parse(plain.toString("utf8", 4, end)) as CapturedFacts, bytes: plain.subarray(end) };
  } catch {
    return undefined;
  }
}

/** A root key of any length as one for AES-256. */
export const KEY_BYTES = 32;
const KEY_LABEL = "zion capture key v1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

function seal(key: Buffer, plain: Uint8Array, label: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(label, "utf8"));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(key: Buffer, sealed: Buffer, label: string): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(label, "utf8"))
    .setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}
