import { createHash, type X509Certificate } from "node:crypto";

/** When the CA would like a certificate to be renewed (RFC 9773 §4.2), ms since the epoch. */
export interface RenewalWindow {
  readonly startMs: number;
  readonly endMs: number;
}

const dayMs = 86_400_000;
/** Gateways that were set up together must not all ask at once. */
const spreadMs = dayMs;

/**
 * When to renew, ms since the epoch: a moment in the CA's window where there is one and it is in time, else `renewBeforeDays` before the
 * end, but never with more than a third of the life left: some certificates live for days (reliability.md F49). The
 * moment within the window is drawn from the certificate itself, so that it is the same after every restart.
 */
export function renewalMs(
  certificate: X509Certificate,
  renewBeforeDays: number,
  window: RenewalWindow | undefined,
): number {
  const share = createHash("sha256").update(certificate.raw).digest().readUInt32BE() / 2 ** 32;
  const endMs = certificate.validToDate.getTime();
  const third = (endMs - certificate.validFromDate.getTime()) / 3;
  // A window that is too late is no reason to let it end.
  if (window !== undefined)
    return Math.min(window.startMs + share * (window.endMs - window.startMs), endMs - third / 2);
  const leftMs = Math.min(renewBeforeDays * dayMs, third);
  // Earlier rather than later.
  return endMs - leftMs - share * Math.min(spreadMs, third / 10);
}

/**
 * What the CA knows a certificate by when it is asked for its renewal window, and in `replaces` of an order: its
 * authority's key id and its serial number (RFC 9773 §4.1). Undefined: the CA did not put a key id into it.
 */
export function renewalId(certificate: X509Certificate): string | undefined {
  const keyId = authorityKeyId(certificate.raw);
  if (keyId === undefined) return undefined;
  const hex =
    certificate.serialNumber.length % 2 === 0 ? certificate.serialNumber : `0${certificate.serialNumber}`;
  const serial = Buffer.from(hex, "hex");
  // In DER a number whose top bit is set begins with a zero byte, and that one counts.
  const digits = serial[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), serial]) : serial;
  return `${keyId.toString("base64url")}.${digits.toString("base64url")}`;
}

/** RFC 5280 §4.2.1.1, `keyIdentifier`: by its object id, which is long enough not to be there by chance. */
function authorityKeyId(der: Buffer): Buffer | undefined {
  const at = der.indexOf(authorityKeyIdentifier);
  if (at === -1) return undefined;
  // OCTET STRING, SEQUENCE, [0]: each shorter than 128 bytes where only a key id is in it.
  const [octets, , list, , tag, length = 0] = der.subarray(at + authorityKeyIdentifier.length);
  if (octets !== 0x04 || list !== 0x30 || tag !== 0x80 || length === 0 || length >= 0x80) return undefined;
  const start = at + authorityKeyIdentifier.length + 6;
  return start + length <= der.length ? der.subarray(start, start + length) : undefined;
}

const authorityKeyIdentifier = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x23]);
