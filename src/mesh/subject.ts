import { type Address, buildAddressSet, parseAddress, parseCidr } from "../identity/address.ts";
import { hashAddress } from "../identity/address-hash.ts";

/**
 * Whom a claim is about, as text that is also its binary form in hex: `4` and an IPv4 address, `6` and the /64 of an
 * IPv6 address, or `h` and a keyed hash of either, from an edge that tells no addresses.
 */
export type Subject = string;

/** Undefined: nobody may claim anything about it (threat model: loopback, private, unspecified, multicast). */
export function subjectOf(address: Address): Subject | undefined {
  if (unclaimable.has(address)) return undefined;
  return plainSubject(address);
}

/** Of a client as the primary names it: an IPv4 address or `…/64`. */
export function subjectOfClient(client: string): Subject | undefined {
  const address = parseAddress(client.replace(/\/64$/, ""));
  return address === undefined ? undefined : subjectOf(address);
}

/** The address, of an IPv6 network its first one; undefined for a hash. */
export function addressOf(subject: Subject): Address | undefined {
  const words = subject.slice(1);
  if (subject.startsWith("4")) return { v4: true, w0: 0, w1: 0, w2: 0, w3: word(words, 0) };
  if (subject.startsWith("6")) return { v4: false, w0: word(words, 0), w1: word(words, 1), w2: 0, w3: 0 };
  return undefined;
}

/** Whether it is one that may be claimed about. A hash cannot be looked into: consequences look at the client itself. */
export function isClaimable(subject: Subject): boolean {
  const address = addressOf(subject);
  return address === undefined || !unclaimable.has(address);
}

/** The same client for who has the key. `subject` is an address. */
export function hashedSubject(subject: Subject, key: Uint8Array): Subject {
  return `h${hashAddress(addressOf(subject)!, key).toString("hex")}`;
}

function plainSubject({ v4, w0, w1, w3 }: Address): Subject {
  return v4 ? `4${hex(w3)}` : `6${hex(w0)}${hex(w1)}`;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

function word(text: string, index: number): number {
  return Number.parseInt(text.slice(index * 8, index * 8 + 8), 16);
}

/** Not reachable from elsewhere, or nobody's own (RFC 6890). Documentation networks are left in: examples use them. */
const unclaimable = buildAddressSet(
  [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/8",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
  ].map((text) => parseCidr(text)!),
);
