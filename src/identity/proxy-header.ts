import { type Address, parseAddress } from "./address.ts";

/** What a PROXY header says (HAProxy's proxy-protocol.txt, versions 1 and 2). */
export interface ProxyHeader {
  /** Bytes of the header; what follows is the client's. */
  readonly size: number;
  readonly version: 1 | 2;
  /** The client; undefined = the proxy speaks for itself (UNKNOWN, LOCAL, or no address family). */
  readonly source: Address | undefined;
}

export const PROXY_MORE = "more";
export const PROXY_BAD = "bad";

/** A whole header of version 1 with its CRLF (§2.1). */
const V1_BYTES_MAX = 107;
/** Addresses and TLVs of version 2. What proxies add there takes some hundred bytes. */
const V2_PAYLOAD_MAX = 4096;
/** Bytes that are kept at most before a header is refused. */
export const PROXY_HEADER_BYTES_MAX = 16 + V2_PAYLOAD_MAX;

/**
 * Reads a PROXY header at the beginning of `bytes`. Strict: one spelling of every number, addresses of the family that
 * is named, stream transports only, TLVs that fill what the header says exactly. A header that two readers could take
 * in two ways would let a client choose its address.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | typeof PROXY_MORE | typeof PROXY_BAD {
  if (bytes.length === 0) return PROXY_MORE;
  return bytes[0] === V1_START[0] ? readV1(bytes) : readV2(bytes);
}

const V1_START = Buffer.from("PROXY ", "latin1");
const V2_START = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

function readV1(bytes: Buffer): ProxyHeader | typeof PROXY_MORE | typeof PROXY_BAD {
  if (!startsWith(bytes, V1_START)) return PROXY_BAD;
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf("\r\n", 0, "latin1");
  if (end < 0) return bytes.length >= V1_BYTES_MAX ? PROXY_BAD : PROXY_MORE;
  const size = end + 2;
  const line = bytes.latin1Slice(V1_START.length, end);
  // What follows UNKNOWN is to be ignored (§2.1), as long as it is text.
  if (line === "UNKNOWN" || /^UNKNOWN [\x20-\x7e]*$/.test(line))
    return { size, version: 1, source: undefined };
  const [, family, from, to] = V1_LINE.exec(line) ?? [];
  if (from === undefined || to === undefined) return PROXY_BAD;
  const isV6 = family === "6";
  if (from.includes(":") !== isV6 || to.includes(":") !== isV6) return PROXY_BAD;
  const source = parseAddress(from);
  return source === undefined || parseAddress(to) === undefined ? PROXY_BAD : { size, version: 1, source };
}

const V1_PORT = "(?:0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
const V1_LINE = new RegExp(`^TCP([46]) ([0-9a-fA-F:.]+) ([0-9a-fA-F:.]+) ${V1_PORT} ${V1_PORT}$`);

const LOCAL = 0x20;
const PROXY = 0x21;
const UNSPEC = 0x00;
const TCP4 = 0x11;
const TCP6 = 0x21;

function readV2(bytes: Buffer): ProxyHeader | typeof PROXY_MORE | typeof PROXY_BAD {
  if (!startsWith(bytes, V2_START)) return PROXY_BAD;
  if (bytes.length < 16) return PROXY_MORE;
  const command = bytes[12]!;
  const family = bytes[13]!;
  const payload = bytes.readUInt16BE(14);
  if ((command !== LOCAL && command !== PROXY) || payload > V2_PAYLOAD_MAX) return PROXY_BAD;
  const size = 16 + payload;
  if (bytes.length < size) return PROXY_MORE;
  // A receiver must not look at the family of LOCAL, nor at what follows (§2.2).
  if (command === LOCAL || family === UNSPEC) return { size, version: 2, source: undefined };
  const addresses = family === TCP4 ? 12 : family === TCP6 ? 36 : Infinity;
  if (payload < addresses || !hasWholeTlvs(bytes, 16 + addresses, size)) return PROXY_BAD;
  return { size, version: 2, source: family === TCP4 ? readQuad(bytes, 16) : readV6(bytes, 16) };
}

/** Type, two bytes of length, value: up to the end, no further and no less. */
function hasWholeTlvs(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at + 3 <= end) at += 3 + bytes.readUInt16BE(at + 1);
  return at === end;
}

function readQuad(bytes: Buffer, at: number): Address {
  return { v4: true, w0: 0, w1: 0, w2: 0, w3: bytes.readUInt32BE(at) };
}

function readV6(bytes: Buffer, at: number): Address {
  const [w0, w1, w2, w3] = [0, 4, 8, 12].map((word) => bytes.readUInt32BE(at + word)) as [
    number,
    number,
    number,
    number,
  ];
  // One client has one identity, however its address is written.
  return w0 === 0 && w1 === 0 && w2 === 0xffff ? readQuad(bytes, at + 12) : { v4: false, w0, w1, w2, w3 };
}

/** Whether the bytes are `start`, or the beginning of it. */
function startsWith(bytes: Buffer, start: Buffer): boolean {
  const size = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, size, 0, size) === 0;
}
