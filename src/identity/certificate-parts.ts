import { createHash } from "node:crypto";
import {
  BIT_STRING,
  DerReader,
  INTEGER,
  integerText,
  OBJECT_ID,
  OCTET_STRING,
  objectIdText,
  SEQUENCE,
  TRUE,
} from "./der-reader.ts";

/** What of a certificate (RFC 5280 §4.1) Node does not tell, or tells in a text that would have to be taken apart. */
export interface CertificateParts {
  /** As `integerText` prints it. */
  readonly serial: string;
  /** Names in DER. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer;
  /** GeneralNames in DER; undefined = it has no subjectAltName. */
  readonly subjectAltName: Buffer | undefined;
}

/** Throws DerError. */
export function readCertificateParts(der: Buffer): CertificateParts {
  const certificate = new DerReader(der).open(SEQUENCE);
  const tbs = certificate.open(SEQUENCE);
  tbs.optional(VERSION);
  const serial = integerText(tbs.next(INTEGER).content);
  tbs.next(SEQUENCE); // signature algorithm
  const issuer = tbs.next(SEQUENCE).whole;
  tbs.next(SEQUENCE); // validity
  const subject = tbs.next(SEQUENCE).whole;
  const publicKey = tbs.next(SEQUENCE).whole;
  tbs.optional(ISSUER_ID);
  tbs.optional(SUBJECT_ID);
  const wrapped = tbs.optional(EXTENSIONS);
  const subjectAltName =
    wrapped === undefined
      ? undefined
      : readExtensions(new DerReader(wrapped.content)).find(({ id }) => id === SUBJECT_ALT_NAME)?.value;
  certificate.next(SEQUENCE);
  certificate.next(BIT_STRING);
  return { serial, issuer, subject, publicKey, subjectAltName };
}

export interface Extension {
  readonly id: string;
  readonly critical: boolean;
  /** Content of its OCTET STRING. */
  readonly value: Buffer;
}

/** Extensions of a certificate or a revocation list, or of an entry of one. Throws DerError. */
export function readExtensions(holder: DerReader): readonly Extension[] {
  const list = holder.open(SEQUENCE);
  const extensions: Extension[] = [];
  while (list.hasMore) {
    const one = list.open(SEQUENCE);
    const id = objectIdText(one.next(OBJECT_ID).content);
    const critical = one.optional(TRUE) !== undefined;
    extensions.push({ id, critical, value: one.next(OCTET_STRING).content });
  }
  return extensions;
}

/**
 * Who signs: name and key together. Certificates of one authority that was renewed with its key have the same, and a
 * revocation list speaks for all of them.
 */
export function signerId({ subject, publicKey }: Pick<CertificateParts, "subject" | "publicKey">): string {
  return createHash("sha256").update(subject).update(publicKey).digest("base64url");
}

const VERSION = 0xa0;
const ISSUER_ID = 0x81;
const SUBJECT_ID = 0x82;
const EXTENSIONS = 0xa3;
const SUBJECT_ALT_NAME = "2.5.29.17";
