/**
 * An IP address as four 32-bit words, network order. An IPv4 address is its value in `w3` with the other words zero; an
 * IPv4-mapped IPv6 address (`::ffff:1.2.3.4`, what a dual-stack socket reports) is read as the IPv4 address, so that
 * one client has one identity.
 */
export interface Address {
  readonly v4: boolean;
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

/**
 * Reads a dotted quad without leading zeros or an IPv6 address (RFC 4291 §2.2) without zone; undefined for anything
 * else. Strict, because `010.0.0.1` is 8.0.0.1 to one parser and 10.0.0.1 to another.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > TEXT_MAX) return undefined;
  if (text.indexOf(":") < 0) {
    const value = quadValue(text);
    return value < 0 ? undefined : v4Address(value);
  }
  return parseV6(text);
}

/** Canonical text: dotted quad, or RFC 5952 for IPv6. */
export function formatAddress(address: Address): string {
  return address.v4 ? formatQuad(address.w3) : formatGroups(groupsOf(address));
}

/**
 * Key under which an address is counted for per-address limits: the IPv4 address, or the /64 of an IPv6 address,
 * because one subscriber has a whole /64 to choose from.
 */
export function addressGroup(address: Address): string {
  if (address.v4) return formatQuad(address.w3);
  const groups = groupsOf(address);
  return `${formatGroups([...groups.slice(0, 4), 0, 0, 0, 0])}/64`;
}

/** Addresses of one CIDR block: both ends included. */
export interface Cidr {
  readonly first: Address;
  readonly last: Address;
}

/** A fixed set of addresses. Built from configuration, asked per connection and per forwarded hop. */
export interface AddressSet {
  /** Ranges left after merging. */
  readonly size: number;
  has(address: Address): boolean;
}

/**
 * Compiles blocks into sorted, disjoint ranges; `has` is one binary search without allocation. IPv4 and IPv6 are apart:
 * `::/0` holds no IPv4 address.
 */
export function buildAddressSet(blocks: readonly Cidr[]): AddressSet {
  const v4 = merge(blocks.filter((block) => block.first.v4));
  const v6 = merge(blocks.filter((block) => !block.first.v4));
  return {
    size: v4.length + v6.length,
    has(address) {
      const ranges = address.v4 ? v4 : v6;
      let low = 0;
      let high = ranges.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        const range = ranges[middle]!;
        if (compareAddresses(address, range.first) < 0) high = middle;
        else if (compareAddresses(address, range.last) > 0) low = middle + 1;
        else return true;
      }
      return false;
    },
  };
}

/**
 * Reads `address/prefix`, or a plain address as a block of one; undefined when malformed. Host bits are masked away,
 * as everywhere. A block inside `::ffff:0:0/96` is the IPv4 block that it maps.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === undefined) return undefined;
  if (slash < 0) return { first: address, last: address };
  const prefixText = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(prefixText)) return undefined;
  // A mapped address is written with an IPv6 prefix length.
  const mapped = address.v4 && addressText.includes(":");
  const prefix = Number(prefixText) - (mapped ? 96 : 0);
  if (prefix < 0 || prefix > (address.v4 ? 32 : 128)) return undefined;
  return block(address, address.v4 ? prefix + 96 : prefix);
}

/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const TEXT_MAX = 45;
const ZERO = 48;

function v4Address(value: number): Address {
  return { v4: true, w0: 0, w1: 0, w2: 0, w3: value };
}

/** Value of the dotted quad that `text` is, or -1. */
function quadValue(text: string): number {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let octets = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? 46 : text.charCodeAt(at);
    if (code === 46) {
      if (digits === 0 || octet > 255) return -1;
      octets++;
      value = value * 256 + octet;
      octet = digits = 0;
    } else {
      if (code < ZERO || code > 57 || (digits > 0 && octet === 0)) return -1;
      octet = octet * 10 + code - ZERO;
      digits++;
    }
  }
  return octets === 4 ? value : -1;
}

function parseV6(text: string): Address | undefined {
  const gapAt = text.indexOf("::");
  const head: number[] = [];
  const tail: number[] = [];
  if (gapAt < 0) {
    if (!readGroups(text, head) || head.length !== 8) return undefined;
  } else {
    // A second `::` leaves an empty group in the tail and fails there. A quad may only end the whole text.
    if (gapAt > 0 && (text.lastIndexOf(".", gapAt) >= 0 || !readGroups(text.slice(0, gapAt), head)))
      return undefined;
    if (gapAt + 2 < text.length && !readGroups(text.slice(gapAt + 2), tail)) return undefined;
    // `::` stands for one group at least.
    if (head.length + tail.length > 7) return undefined;
    while (head.length + tail.length < 8) head.push(0);
  }
  const groups = [...head, ...tail];
  const word = (index: number) => groups[index]! * 65536 + groups[index + 1]!;
  const address = { v4: false, w0: word(0), w1: word(2), w2: word(4), w3: word(6) };
  return address.w0 === 0 && address.w1 === 0 && address.w2 === 0xffff ? v4Address(address.w3) : address;
}

/** Appends the 16-bit groups of colon-separated `text`; the last part may be a dotted quad. */
function readGroups(text: string, into: number[]): boolean {
  const parts = text.split(":");
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]!;
    if (index === parts.length - 1 && part.includes(".")) {
      const value = quadValue(part);
      if (value < 0) return false;
      into.push(Math.floor(value / 65536), value % 65536);
    } else {
      const value = groupValue(part);
      if (value < 0) return false;
      into.push(value);
    }
  }
  return into.length <= 8;
}

/** Value of one to four hex digits, or -1. */
function groupValue(text: string): number {
  if (text.length === 0 || text.length > 4) return -1;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const folded = code | 32;
    if (code >= ZERO && code <= 57) value = value * 16 + code - ZERO;
    else if (folded >= 97 && folded <= 102) value = value * 16 + folded - 87;
    else return -1;
  }
  return value;
}

function formatQuad(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function groupsOf(address: Address): number[] {
  return [address.w0, address.w1, address.w2, address.w3].flatMap((word) => [word >>> 16, word & 0xffff]);
}

/** RFC 5952 §4: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function formatGroups(groups: readonly number[]): string {
  let runStart = -1;
  let runLength = 1;
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && groups[end] === 0) end++;
    if (end - at > runLength) {
      runStart = at;
      runLength = end - at;
    }
    if (end > at) at = end;
  }
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return runStart < 0 ? hex(0, 8) : `${hex(0, runStart)}::${hex(runStart + runLength, 8)}`;
}

/** Order of addresses of one family: negative, zero or positive. */
function compareAddresses(a: Address, b: Address): number {
  return a.w0 - b.w0 || a.w1 - b.w1 || a.w2 - b.w2 || a.w3 - b.w3;
}

/** The address just behind `address`, or undefined behind the last one of its family. */
function nextAddress(address: Address): Address | undefined {
  let { w0, w1, w2, w3 } = address;
  w3 = (w3 + 1) >>> 0;
  if (w3 === 0) {
    if (address.v4) return undefined;
    w2 = (w2 + 1) >>> 0;
    if (w2 === 0) {
      w1 = (w1 + 1) >>> 0;
      if (w1 === 0) {
        w0 = (w0 + 1) >>> 0;
        if (w0 === 0) return undefined;
      }
    }
  }
  return { v4: address.v4, w0, w1, w2, w3 };
}

/** `prefix` counts from the left of the four words, also for IPv4. */
function block(address: Address, prefix: number): Cidr {
  const host = (index: number) => hostMask(prefix - 32 * index);
  const { v4, w0, w1, w2, w3 } = address;
  const low = (word: number, index: number) => (word & ~host(index)) >>> 0;
  const high = (word: number, index: number) => (word | host(index)) >>> 0;
  return {
    first: { v4, w0: low(w0, 0), w1: low(w1, 1), w2: low(w2, 2), w3: low(w3, 3) },
    last: { v4, w0: high(w0, 0), w1: high(w1, 1), w2: high(w2, 2), w3: high(w3, 3) },
  };
}

/** Host bits of a word of which `bits` (clamped to 0..32) belong to the network. */
function hostMask(bits: number): number {
  if (bits <= 0) return 0xffffffff;
  return bits >= 32 ? 0 : 0xffffffff >>> bits;
}

function merge(blocks: readonly Cidr[]): Cidr[] {
  const sorted = [...blocks].sort((a, b) => compareAddresses(a.first, b.first));
  const merged: Cidr[] = [];
  for (const { first, last } of sorted) {
    const previous = merged.at(-1);
    const next = previous && nextAddress(previous.last);
    if (previous === undefined || (next !== undefined && compareAddresses(first, next) > 0)) {
      merged.push({ first, last });
    } else if (compareAddresses(last, previous.last) > 0) {
      merged[merged.length - 1] = { first: previous.first, last };
    }
  }
  return merged;
}
