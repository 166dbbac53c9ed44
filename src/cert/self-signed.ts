import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { systemClock } from "../std/clock.ts";
import {
  bitString,
  contextTag,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  TRUE,
  time,
  utf8String,
} from "./der.ts";

export interface SelfSignedOptions {
  /** DNS names and IP addresses for subjectAltName, 1 to 100; the first is also the common name. */
  readonly names: readonly string[];
  /** How long it is valid from now, 1 to 3650. */
  readonly days: number;
  /** Wall clock, ms since the epoch; only tests give it. */
  readonly nowMs?: number;
  /** SHA-256 of a key authorization: makes it the certificate that answers a tls-alpn-01 challenge (RFC 8737 §3). */
  readonly acmeDigest?: Buffer;
}

export interface SelfSigned {
  readonly certPem: string;
  readonly keyPem: string;
}

/**
 * A fresh ECDSA P-256 key and an X.509 v3 server certificate signed with it, in memory: for the demo and for tests,
 * never for the public. Throws on names that are neither DNS names nor addresses. RFC 5280 §4.1, RFC 5480.
 */
export function makeSelfSigned(options: SelfSignedOptions): SelfSigned {
  const { names, days, nowMs = systemClock.wallMs(), acmeDigest } = options;
  if (names.length < 1 || names.length > namesMax) throw new Error(`names: 1 to ${namesMax} are needed`);
  if (!Number.isInteger(days) || days < 1 || days > daysMax) throw new Error(`days: 1 to ${daysMax}`);

  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const keyInfo = publicKey.export({ type: "spki", format: "der" });
  const subject = commonName(names[0]!);
  const tbs = sequence(
    contextTag(0, integer(Buffer.from([2]))), // v3
    integer(serialNumber()),
    ecdsaWithSha256,
    subject, // issuer = subject
    // One day back: the clocks of phones and virtual machines lag.
    sequence(time(nowMs - dayMs), time(nowMs + days * dayMs)),
    subject,
    keyInfo,
    contextTag(3, sequence(...extensions(names, keyInfo), ...acmeIdentifier(acmeDigest))),
  );
  const signature = sign("sha256", tbs, { key: privateKey, dsaEncoding: "der" });
  return {
    certPem: pem("CERTIFICATE", sequence(tbs, ecdsaWithSha256, bitString(signature, 0))),
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

const namesMax = 100;
const daysMax = 3650;
const dayMs = 86_400_000;
const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));

/** 126 random bits, positive and never zero (RFC 5280 §4.1.2.2 allows 20 octets). */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

function commonName(name: string): Buffer {
  // RFC 5280 allows 64 characters in a common name; clients only read subjectAltName.
  return sequence(set(sequence(objectId("2.5.4.3"), utf8String(name.slice(0, 64)))));
}

function extensions(names: readonly string[], keyInfo: Buffer): Buffer[] {
  const keyId = createHash("sha1").update(publicKeyBits(keyInfo)).digest(); // RFC 5280 §4.2.1.2 (1)
  return [
    extension("2.5.29.19", true, sequence()), // basicConstraints: not a CA
    extension("2.5.29.15", true, bitString(Buffer.from([0x80]), 7)), // keyUsage: digitalSignature
    extension("2.5.29.37", false, sequence(objectId("1.3.6.1.5.5.7.3.1"))), // extKeyUsage: serverAuth
    extension("2.5.29.14", false, octetString(keyId)), // subjectKeyIdentifier
    subjectAltName(names),
  ];
}

/** Throws on names that are neither DNS names nor addresses. */
export function subjectAltName(names: readonly string[]): Buffer {
  return extension("2.5.29.17", false, sequence(...names.map(generalName)));
}

function acmeIdentifier(digest: Buffer | undefined): readonly Buffer[] {
  return digest === undefined ? [] : [extension("1.3.6.1.5.5.7.1.31", true, octetString(digest))];
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return critical
    ? sequence(objectId(id), TRUE, octetString(value))
    : sequence(objectId(id), octetString(value));
}

/** The point inside SubjectPublicKeyInfo: the last 65 bytes of a P-256 key. */
function publicKeyBits(keyInfo: Buffer): Buffer {
  return keyInfo.subarray(keyInfo.length - 65);
}

function generalName(name: string): Buffer {
  if (isIP(name) !== 0) return contextTag(7, addressBytes(name), false);
  if (!dnsName.test(name) || name.length > 253)
    throw new Error(`not a DNS name or address: ${JSON.stringify(name)}`);
  return contextTag(2, Buffer.from(name.toLowerCase(), "latin1"), false);
}

const dnsName =
  /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i;

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  // The URL parser writes every IPv6 form as lower-case groups with at most one "::"; it refuses zone ids.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return Buffer.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

export function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
