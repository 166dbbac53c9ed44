/**
 * IPv4 addresses in the spellings that `inet_aton` and URL parsers accept: fewer parts, hex, octal, mapped into IPv6 or put
 * into an address that a translator or a tunnel takes it out of again.
 */

export interface Address {
  /** The 32 bits as a number. */
  readonly value: number;
  /** Written as four decimal numbers without leading zeros. */
  readonly plain: boolean;
}

/** The IPv4 address that `host` (lower case, IPv6 in brackets) means, or undefined for names and other IPv6 addresses. */
export function addressOf(host: string): Address | undefined {
  return host.startsWith("[") ? mapped(host.slice(1, -1)) : dotted(host);
}

const PART = /^(?:0x[0-9a-f]{1,16}|[0-9]{1,16})$/;

function dotted(host: string): Address | undefined {
  const parts = (host.endsWith(".") ? host.slice(0, -1) : host).split(".", 5);
  if (parts.length > 4 || !parts.every((part) => PART.test(part))) return undefined;
  let value = 0;
  let plain = parts.length === 4;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    const octal = part.length > 1 && part.startsWith("0") && !part.startsWith("0x");
    if (octal || part.startsWith("0x")) plain = false;
    if (octal && /[89]/.test(part)) return undefined;
    const number = octal ? Number.parseInt(part, 8) : Number(part);
    const last = i === parts.length - 1;
    const room = last ? 2 ** (8 * (5 - parts.length)) : 256;
    if (number >= room) return undefined;
    value = last ? value * room + number : value * 256 + number;
  }
  // A small number is a port, an id or a version, not an address.
  if (parts.length === 1 && value < 0x01000000) return undefined;
  return { value: value >>> 0, plain };
}

/** `::1` with zeros that nobody writes: `0:0:0:0:0:0:0:1`, `0000::1`, `::01`. */
const LOOPBACK = /^(?:(?:0{1,4}:){7}|(?:0{1,4}:){1,6}:|::0{1,3})0{0,3}1$/;

/** `::ffff:` (RFC 4291), `64:ff9b::` (NAT64, RFC 6052) and an IPv4 address in either spelling, or `2002:hhhh:hhhh:` (6to4). */
const EMBEDDED =
  /^(?:(?:(?:::|(?:0{1,4}:){5})ffff:|0{0,2}64:ff9b:(?::|(?:0{1,4}:){4}))(?:([0-9a-f]{1,4}):([0-9a-f]{1,4})|([0-9.]{7,15}))|2002:([0-9a-f]{1,4}):([0-9a-f]{1,4}):[0-9a-f:]{1,29})$/;

/** The address in an IPv6 address, whatever zone (`%25lo`, RFC 6874) follows it. */
function mapped(text: string): Address | undefined {
  const zone = text.indexOf("%");
  const digits = zone < 0 ? text : text.slice(0, zone);
  if (LOOPBACK.test(digits) || (zone >= 0 && digits === "::1")) return { value: 0x7f000001, plain: false };
  const found = EMBEDDED.exec(digits);
  if (found === null) return undefined;
  if (found[3] !== undefined) {
    const inner = dotted(found[3]);
    return inner && { value: inner.value, plain: false };
  }
  const high = Number.parseInt(found[1] ?? found[4]!, 16);
  const low = Number.parseInt(found[2] ?? found[5]!, 16);
  return { value: ((high << 16) | low) >>> 0, plain: false };
}
