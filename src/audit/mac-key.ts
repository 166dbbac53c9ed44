import {
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";

/** Least bytes of a root key; 32 is what HMAC-SHA256 can use. */
export const ROOT_KEY_BYTES_MIN = 32;
export const MAC_BYTES = 32;

/** The key of epoch 0 of one start of the writer. Log and boot are in it: no two starts share a key. */
export function firstKey(root: KeyObject, logId: string, boot: string): KeyObject {
  return secretFrom(
    Buffer.from(hkdfSync("sha256", root, Buffer.from(`${logId}\0${boot}`), "mac", MAC_BYTES)),
  );
}

/**
 * The key of the next epoch: HKDF-Expand(key, "step", 32), of which one HMAC block is all. There is no way back, so
 * whoever takes the process over cannot forge what was sealed before.
 */
export function nextKey(key: KeyObject): KeyObject {
  return secretFrom(createHmac("sha256", key).update("step\x01").digest());
}

/** Name of a root key in the log: says which key is needed without saying anything about it. */
export function keyId(root: KeyObject): string {
  return createHmac("sha256", root).update("zion-audit/key-id").digest("hex").slice(0, 16);
}

/** What stands for "the MAC before" in the first record of a log. */
export function genesisMac(logId: string, publicKey: Buffer): Buffer {
  return createHash("sha256").update("genesis").update(logId).update(publicKey).digest();
}

/** MACs of the records of one log. Bound to the log's id: a record of another node's log with the same key is none. */
export class RecordMac {
  readonly #head: Buffer;
  #scratch: Buffer;

  constructor(logId: string) {
    const domain = Buffer.from(`zion-audit/v1\0${logId}\0`, "latin1");
    this.#head = Buffer.concat([domain, Buffer.alloc(8 + MAC_BYTES)]);
    this.#scratch = Buffer.alloc(16_384);
    this.#head.copy(this.#scratch);
  }

  /** `body` is printable ASCII. */
  of(key: KeyObject, seq: number, previous: Buffer, body: string): Buffer {
    const head = this.#head.length;
    if (head + body.length > this.#scratch.length) {
      this.#scratch = Buffer.alloc(head + body.length);
      this.#head.copy(this.#scratch);
    }
    const at = head - MAC_BYTES - 8;
    this.#scratch.writeUInt32BE(Math.floor(seq / 2 ** 32), at);
    this.#scratch.writeUInt32BE(seq % 2 ** 32, at + 4);
    previous.copy(this.#scratch, at + 8);
    const length = head + this.#scratch.latin1Write(body, head);
    return createHmac("sha256", key).update(this.#scratch.subarray(0, length)).digest();
  }
}

export function sameMac(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Takes the bytes over, and wipes them: a `KeyObject` is not in dumps of the heap, and four times as fast. */
export function secretFrom(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
