import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import type { SocketAddress } from "./config.ts";

/** A value that was understood, or what is wrong with it and, if it can be said, what was probably meant. */
export type Reading<T> =
  | { readonly value: T }
  | { readonly problem: string; readonly suggestion?: string | undefined };

/** "0.0.0.0:8080", "[::]:8080". Port 0 lets the system choose. */
export function readListenAddress(text: string): Reading<SocketAddress> {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})$/.exec(text);
  if (match === null) {
    if (isIPv4(text)) return { problem: "the port is missing", suggestion: `${text}:8080` };
    if (/^[0-9]{1,5}$/.test(text))
      return { problem: "the address is missing", suggestion: `0.0.0.0:${text}` };
    const v6 = /^(.*):([0-9]{1,5})$/.exec(text);
    if (isIPv6(text) && v6 !== null)
      return {
        problem: "an IPv6 address goes in brackets",
        suggestion: isIPv6(v6[1]!) ? `[${v6[1]}]:${v6[2]}` : undefined,
      };
    return { problem: "expected an IP address and a port" };
  }
  const host = match[1] ?? match[2]!;
  const port = Number(match[3]);
  if (port > 65_535) return { problem: "the port is larger than 65535" };
  if (match[1] !== undefined ? isIPv6(host) : isIPv4(host)) return { value: { host, port } };
  if (host === "" || host === "*")
    return { problem: "the address is missing", suggestion: `0.0.0.0:${port}` };
  if (host === "localhost")
    return { problem: "expected an IP address, got a name", suggestion: `127.0.0.1:${port}` };
  return { problem: "expected an IP address and a port" };
}

/** Whether two listeners would receive the same connections. */
export function overlap(a: SocketAddress, b: SocketAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  // `::` takes IPv4 as well; 0.0.0.0 takes every IPv4 address.
  if (a.host === b.host || a.host === "::" || b.host === "::") return true;
  return (a.host === "0.0.0.0" && isIPv4(b.host)) || (b.host === "0.0.0.0" && isIPv4(a.host));
}

export function isLoopback(host: string): boolean {
  return host === "::1" || /^127\./.test(host);
}

/** An address or a block with its host bits zero; the value is the text in lower case. */
export function readCidr(text: string): Reading<string> {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const family = isIP(address);
  if (family === 0 || address.includes("%")) {
    const short = /^(\d{1,3}(?:\.\d{1,3}){0,2})\/(\d{1,2})$/.exec(text);
    const full = short === null ? undefined : `${short[1]}${".0".repeat(4 - short[1]!.split(".").length)}`;
    return {
      problem: "expected an IP address or a CIDR block",
      suggestion: full !== undefined && isIPv4(full) ? `${full}/${short![2]}` : undefined,
    };
  }
  if (slash < 0) return { value: text.toLowerCase() };
  const bits = family === 4 ? 32 : 128;
  const prefixText = text.slice(slash + 1);
  const prefix = Number(prefixText);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(prefixText) || prefix > bits)
    return { problem: `the prefix length must be 0 to ${bits}` };
  const network = networkOf(address, family, prefix);
  if (network !== address.toLowerCase() && !sameAddress(network, address, family))
    return { problem: "host bits are set", suggestion: `${network}/${prefix}` };
  return { value: text.toLowerCase() };
}

/** "shop.example.org", "*.example.org", "192.0.2.7", "[2001:db8::1]"; the value is in lower case. */
export function readHostName(text: string, wildcard: boolean): Reading<string> {
  if (text === "") return { problem: "the name is empty" };
  const bare = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "").replace(/[/?#].*$/, "");
  if (bare !== text)
    return {
      problem: "a host name has no scheme and no path",
      suggestion: goodHost(bare.replace(/:[0-9]+$/, ""), wildcard),
    };
  if (/^[^:]*:[0-9]*$|^\[.*\]:[0-9]*$/.test(text))
    return {
      problem: "a host name has no port",
      suggestion: goodHost(text.replace(/:[0-9]*$/, ""), wildcard),
    };
  if (text.length > 1 && text.endsWith("."))
    return {
      problem: "hosts are compared without a trailing dot",
      suggestion: goodHost(text.slice(0, -1), wildcard),
    };
  if (text.includes("*") && !(wildcard && /^\*\.[^*]+$/.test(text)))
    return { problem: wildcard ? "`*` can only be the whole first label" : "`*` cannot be used here" };
  if (!isAscii(text))
    return {
      problem: "international names are written in their xn-- form",
      suggestion: goodHost(domainToASCII(text), wildcard),
    };
  const value = goodHost(text, wildcard);
  return value === undefined ? { problem: "not a host name" } : { value };
}

function goodHost(text: string, wildcard: boolean): string | undefined {
  const lower = text.toLowerCase();
  const v6 = /^\[(.*)\]$/.exec(lower);
  if (v6 !== null) return isIPv6(v6[1]!) ? lower : undefined;
  const name = wildcard ? lower.replace(/^\*\./, "") : lower;
  const fits =
    name.length <= 253 &&
    name.split(".").every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  // All digits and dots but no address: clients would read it as one anyway.
  return fits && (!/^[0-9.]+$/.test(name) || (isIPv4(name) && name === lower)) ? lower : undefined;
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function networkOf(address: string, family: number, prefix: number): string {
  const groups = family === 4 ? address.split(".").map(Number) : groupsOf(address);
  const size = family === 4 ? 8 : 16;
  const kept = groups.map((group, i) => {
    const keep = Math.max(0, Math.min(size, prefix - i * size));
    return group & ~(2 ** (size - keep) - 1);
  });
  if (family === 4) return kept.join(".");
  return new URL(`http://[${kept.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

function groupsOf(address: string): number[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const left = parse(head);
  const right = tail === undefined ? [] : parse(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function sameAddress(a: string, b: string, family: number): boolean {
  const list = new BlockList();
  const type = family === 4 ? "ipv4" : "ipv6";
  list.addAddress(a, type);
  return list.check(b, type);
}
