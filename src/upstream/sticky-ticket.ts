import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * What a sticky cookie holds: the member of an upstream that a client keeps to, and until when, sealed with the upstream's
 * own key. A member is named by a keyed hash of its URL, so a cookie tells no address, and no two upstreams take each
 * other's.
 *
 *     base64url( untilSecs:4 member:8 HMAC-SHA-256(key, untilSecs member):16 )
 */
export interface Ticket {
  readonly member: string;
  /** Seconds since the epoch. */
  readonly untilSecs: number;
}

const HEAD_BYTES = 12;
const MAC_BYTES = 16;
/** Characters of base64url for 28 bytes. */
const TICKET_LENGTH = 38;

/** The key of one upstream, from the machine's root or a key file that several machines share. */
export function stickyKey(root: Uint8Array, upstream: string): Buffer {
  return createHmac("sha256", root).update(`zion sticky\n${upstream}`).digest();
}

/** The name of a member within tickets: 8 bytes, the same as long as key and URL are. */
export function memberOf(key: Uint8Array, url: string): string {
  return createHmac("sha256", key).update(`member\n${url}`).digest().latin1Slice(0, 8);
}

export function sealTicket(key: Uint8Array, { member, untilSecs }: Ticket): string {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(untilSecs);
  head.latin1Write(member, 4);
  return Buffer.concat([head, macOf(key, head)]).toString("base64url");
}

/** Undefined: not one of ours. Whether it has ended is the caller's to say. */
export function openTicket(key: Uint8Array, text: string): Ticket | undefined {
  if (text.length !== TICKET_LENGTH) return undefined;
  const bytes = Buffer.from(text, "base64url");
  // Characters that are none of base64url are skipped, and bits after the last byte count for nothing: one form only.
  if (bytes.length !== HEAD_BYTES + MAC_BYTES || bytes.toString("base64url") !== text) return undefined;
  const head = bytes.subarray(0, HEAD_BYTES);
  if (!timingSafeEqual(macOf(key, head), bytes.subarray(HEAD_BYTES))) return undefined;
  return { member: head.latin1Slice(4), untilSecs: head.readUInt32BE() };
}

function macOf(key: Uint8Array, head: Uint8Array): Buffer {
  return createHmac("sha256", key).update(head).digest().subarray(0, MAC_BYTES);
}
