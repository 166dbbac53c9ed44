import { hash } from "node:crypto";
import type { Address } from "./address.ts";

/**
 * Who a client is to those who have the key, and nothing to others: the first 16 bytes of a SHA-256 over the key and the
 * IPv4 address, or the /64 of the IPv6 address. The text that is hashed has one length per family, so nothing can be
 * appended to it. About 1 us.
 */
export function hashAddress({ v4, w0, w1, w3 }: Address, key: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(key.length + 9);
  bytes.set(key);
  bytes[key.length] = v4 ? 4 : 6;
  bytes.writeUInt32BE(v4 ? 0 : w0, key.length + 1);
  bytes.writeUInt32BE(v4 ? w3 : w1, key.length + 5);
  return hash("sha256", bytes, "buffer").subarray(0, 16);
}
