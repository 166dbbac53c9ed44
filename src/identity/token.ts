import { type Reason, reasons } from "../reason.ts";
import { type Algorithm, findAlgorithm } from "./algorithm.ts";
import { readStrictObject } from "./strict-json.ts";

/** A compact JWS (RFC 7515 §7.1) taken apart. Nothing in it is believed yet. */
export interface Token {
  readonly algorithm: Algorithm;
  readonly kid: string | undefined;
  /** The bytes that were signed: header, dot, payload. */
  readonly signed: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** Longer ones are refused unread. */
export const TOKEN_BYTES_MAX = 8192;
const KID_CHARS_MAX = 256;

/**
 * Takes `bytes[start, end)` apart. Refused, never repaired: other than three parts, padding, bytes outside base64url or
 * bits beyond the last byte, keys that occur twice, and what changes the reading (`crit`, `b64`, `zip`, `enc`).
 * `jku`, `x5u`, `jwk` and `x5c` are never looked at: keys come from the configuration alone.
 */
export function readToken(bytes: Buffer, start: number, end: number): Token | Reason {
  if (end - start > TOKEN_BYTES_MAX) return reasons.tokenSyntax;
  const first = bytes.indexOf(DOT, start);
  if (first < 0 || first >= end) return reasons.tokenSyntax;
  const second = bytes.indexOf(DOT, first + 1);
  if (second < 0 || second >= end) return reasons.tokenSyntax;
  const headerBytes = decodeBase64Url(bytes, start, first);
  const payload = decodeBase64Url(bytes, first + 1, second);
  // A third dot is outside of base64url.
  const signature = decodeBase64Url(bytes, second + 1, end);
  if (headerBytes === undefined || payload === undefined) return reasons.tokenSyntax;
  const header = readStrictObject(headerBytes);
  if (header === undefined) return reasons.tokenSyntax;
  for (const name of UNREADABLE) if (Object.hasOwn(header, name)) return reasons.tokenSyntax;
  const algorithm = findAlgorithm(header["alg"]);
  if (algorithm === undefined) return reasons.tokenAlgorithm;
  if (signature === undefined) return reasons.tokenSyntax;
  const kid = header["kid"];
  if (kid !== undefined && (typeof kid !== "string" || kid.length > KID_CHARS_MAX)) return reasons.tokenKey;
  return { algorithm, kid, signed: bytes.subarray(start, second), payload, signature };
}

const DOT = 46;
const UNREADABLE = ["crit", "b64", "zip", "enc"] as const;

/** Undefined: empty, or not the one way to write these bytes. */
function decodeBase64Url(bytes: Buffer, start: number, end: number): Buffer | undefined {
  const text = bytes.latin1Slice(start, end);
  const decoded = Buffer.from(text, "base64url");
  return decoded.length > 0 && decoded.toString("base64url") === text ? decoded : undefined;
}
