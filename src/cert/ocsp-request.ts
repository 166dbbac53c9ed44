import { createHash, type X509Certificate } from "node:crypto";
import { readCertificateParts } from "../identity/certificate-parts.ts";
import { BIT_STRING, DerReader, INTEGER, SEQUENCE } from "../identity/der-reader.ts";
import { integer, NULL, objectId, octetString, sequence } from "./der.ts";

/** How OCSP names a certificate (RFC 6960 §4.1.1), with SHA-1, the only hash that every responder knows. */
export interface CertificateId {
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  /** Content of the INTEGER. */
  readonly serial: Buffer;
}

/** Throws DerError on what is no certificate. */
export function certificateId(leaf: X509Certificate, issuer: X509Certificate): CertificateId {
  const { publicKey } = readCertificateParts(issuer.raw);
  const keyInfo = new DerReader(publicKey).open(SEQUENCE);
  keyInfo.next(SEQUENCE);
  return {
    issuerNameHash: sha1(readCertificateParts(leaf.raw).issuer),
    // Without the byte that counts unused bits.
    issuerKeyHash: sha1(keyInfo.next(BIT_STRING).content.subarray(1)),
    serial: serialOf(leaf),
  };
}

/** An OCSP request about one certificate, without a nonce: responders answer from a cache (RFC 5019). */
export function printOcspRequest({ issuerNameHash, issuerKeyHash, serial }: CertificateId): Buffer {
  const id = sequence(
    sequence(objectId("1.3.14.3.2.26"), NULL),
    octetString(issuerNameHash),
    octetString(issuerKeyHash),
    integer(serial),
  );
  return sequence(sequence(sequence(sequence(id))));
}

function serialOf(leaf: X509Certificate): Buffer {
  const tbs = new DerReader(leaf.raw).open(SEQUENCE).open(SEQUENCE);
  tbs.optional(0xa0); // version
  return tbs.next(INTEGER).content;
}

function sha1(bytes: Buffer): Buffer {
  return createHash("sha1").update(bytes).digest();
}
