import { F } from "../http/field.ts";
import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS, VALUE_END, VALUE_START } from "../http/request.ts";
import { type Address, type AddressSet, formatAddress, parseAddress } from "./address.ts";

/** Whom a request is counted, limited and logged by. */
export interface ClientAddress {
  /** Canonical text of `address`. */
  readonly text: string;
  readonly address: Address;
  /** The forwarding chain could not be read and this is the TCP peer. Count it; such a client is not "internal". */
  readonly malformed: boolean;
}

/** The TCP peer, read once per connection. */
export interface PeerFacts extends ClientAddress {
  /** The peer is in `trusted_proxies`: its X-Forwarded-For is believed. */
  readonly trusted: boolean;
}

/**
 * Facts of the peer at `remoteAddress` (`socket.remoteAddress`); undefined when there is none any more. A link-local
 * peer comes with a zone, which names an interface of ours and is dropped.
 */
export function readPeer(remoteAddress: string | undefined, trusted: AddressSet): PeerFacts | undefined {
  if (remoteAddress === undefined) return undefined;
  const zone = remoteAddress.indexOf("%");
  const address = parseAddress(zone < 0 ? remoteAddress : remoteAddress.slice(0, zone));
  return address === undefined ? undefined : namedPeer(address, trusted);
}

/** Facts of a peer that a PROXY header names. */
export function namedPeer(address: Address, trusted: AddressSet): PeerFacts {
  return { text: formatAddress(address), address, malformed: false, trusted: trusted.has(address) };
}

/** Most hops of a forwarding chain that are followed. */
export const FORWARDED_HOPS_MAX = 32;

/**
 * The client: the rightmost hop of X-Forwarded-For (all its lines, in order) that is not a trusted proxy, or the
 * leftmost one when all are. An untrusted peer is the client itself, whatever it says; then nothing is allocated.
 *
 * The walk ends at the first untrusted hop. What stands left of it was written by that hop, and is not even read: were
 * a malformed entry there a reason to fall back to the peer, every client could become its proxy's own, internal
 * address. A malformed hop on the walk, or more than 32 of them, leaves the TCP peer.
 */
export function resolveClientAddress(
  request: CanonicalRequest,
  peer: PeerFacts,
  trusted: AddressSet,
): ClientAddress {
  if (!peer.trusted) return peer;
  const firstLine = request.firstField[F.xForwardedFor]!;
  if (firstLine < 0) return peer;

  const { arena, fields } = request;
  let client: Address = peer.address;
  let hops = 0;
  for (let line = request.fieldCount - 1; line >= firstLine; line--) {
    const slots = line * FIELD_SLOTS;
    if (fields[slots + FIELD_ID] !== F.xForwardedFor) continue;
    const valueStart = fields[slots + VALUE_START]!;
    let end = fields[slots + VALUE_END]!;
    for (let start = end; start >= valueStart; end = --start) {
      while (start > valueStart && arena[start - 1] !== COMMA) start--;
      const address = ++hops > FORWARDED_HOPS_MAX ? undefined : parseHop(request, start, end);
      if (address === undefined) return { text: peer.text, address: peer.address, malformed: true };
      client = address;
      if (!trusted.has(address)) return { text: formatAddress(address), address, malformed: false };
    }
  }
  return { text: formatAddress(client), address: client, malformed: false };
}

const COMMA = 0x2c;

/** `[ffff:…:255.255.255.255]:65535` */
const HOP_TEXT_MAX = 53;

/** Address of one entry: an address, `1.2.3.4:port`, `[v6]` or `[v6]:port`. Names, `unknown` and zones are none. */
function parseHop(request: CanonicalRequest, start: number, end: number): Address | undefined {
  const arena = request.arena;
  while (start < end && isBlank(arena[start]!)) start++;
  while (end > start && isBlank(arena[end - 1]!)) end--;
  if (start === end || end - start > HOP_TEXT_MAX) return undefined;
  const text = request.text(start, end);
  if (text.startsWith("[")) {
    const close = text.indexOf("]");
    // `[1.2.3.4]` is no IP literal (RFC 3986 §3.2.2).
    if (close < 0 || !text.slice(0, close).includes(":")) return undefined;
    return close === text.length - 1 || isPort(text, close + 1)
      ? parseAddress(text.slice(1, close))
      : undefined;
  }
  const colon = text.indexOf(":");
  if (colon < 0 || colon !== text.lastIndexOf(":")) return parseAddress(text);
  return isPort(text, colon) ? parseAddress(text.slice(0, colon)) : undefined;
}

/** Whether `text` from `at` on is `:` and a port number. */
function isPort(text: string, at: number): boolean {
  const length = text.length - at - 1;
  if (text[at] !== ":" || length < 1 || length > 5) return false;
  let value = 0;
  for (at++; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) return false;
    value = value * 10 + code - 48;
  }
  return value <= 65535;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}
