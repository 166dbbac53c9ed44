import { verify, X509Certificate } from "node:crypto";
import {
  BIT_STRING,
  DerError,
  DerReader,
  INTEGER,
  OBJECT_ID,
  OCTET_STRING,
  objectIdText,
  SEQUENCE,
  timeMs,
} from "../identity/der-reader.ts";
import type { CertificateId } from "./ocsp-request.ts";

/** What a responder says about a certificate. */
export interface OcspAnswer {
  readonly status: "good" | "revoked" | "unknown";
  readonly thisUpdateMs: number;
  /** Until when it may be shown to clients. */
  readonly nextUpdateMs: number;
}

export interface OcspQuestion {
  readonly id: CertificateId;
  readonly issuer: X509Certificate;
  readonly nowMs: number;
}

/**
 * Reads and checks an OCSP response (RFC 6960 §4.2): signed by the certificate's issuer or by who it delegated that to,
 * about this certificate, and current. Clients would refuse any other. A string says what is wrong with it.
 */
export function readOcspResponse(der: Buffer, question: OcspQuestion): OcspAnswer | string {
  try {
    return readResponse(der, question);
  } catch (cause) {
    if (cause instanceof DerError) return `the answer is malformed: ${cause.message}`;
    return "the answer is malformed";
  }
}

/** Of the clock of the responder, or of ours. */
const skewMs = 300_000;
/** Of an answer that says nothing: newer ones are there at any time. */
const noNextUpdateMs = 86_400_000;

function readResponse(der: Buffer, question: OcspQuestion): OcspAnswer | string {
  const response = new DerReader(der).open(SEQUENCE);
  const status = response.next(ENUMERATED).content[0] ?? -1;
  if (status !== 0) return `the responder says ${responderErrors[status] ?? "something unknown"}`;
  const bytes = response.open(EXPLICIT_0).open(SEQUENCE);
  if (objectIdText(bytes.next(OBJECT_ID).content) !== basicResponse)
    return "the answer is of an unknown type";
  const basic = bytes.open(OCTET_STRING).open(SEQUENCE);
  const data = basic.next(SEQUENCE);
  const algorithm = objectIdText(basic.open(SEQUENCE).next(OBJECT_ID).content);
  const signature = basic.next(BIT_STRING).content.subarray(1);
  const delegates = basic.optional(EXPLICIT_0);
  if (!isSigned(data.whole, algorithm, signature, delegates?.content, question))
    return "the answer is not signed by the issuer of the certificate";

  const fields = new DerReader(data.content);
  fields.optional(EXPLICIT_0); // version
  fields.next(); // who signs: found by the signature
  fields.next(); // when
  const answers = fields.open(SEQUENCE);
  while (answers.hasMore) {
    const answer = readAnswer(answers.open(SEQUENCE), question.id);
    if (answer === undefined) continue;
    if (answer.thisUpdateMs > question.nowMs + skewMs) return "the answer is of the future";
    if (answer.nextUpdateMs <= question.nowMs) return "the answer is out of date";
    return answer;
  }
  return "the answer is about another certificate";
}

function readAnswer(fields: DerReader, id: CertificateId): OcspAnswer | undefined {
  const about = fields.open(SEQUENCE);
  about.next(SEQUENCE); // hash: another one does not match
  const isOurs =
    about.next(OCTET_STRING).content.equals(id.issuerNameHash) &&
    about.next(OCTET_STRING).content.equals(id.issuerKeyHash) &&
    about.next(INTEGER).content.equals(id.serial);
  if (!isOurs) return undefined;
  const status = statuses[fields.next().tag & 0x1f];
  if (status === undefined) throw new DerError("a status that does not exist");
  const thisUpdateMs = timeMs(fields.next());
  const next = fields.optional(EXPLICIT_0);
  const nextUpdateMs =
    next === undefined ? thisUpdateMs + noNextUpdateMs : timeMs(new DerReader(next.content).next());
  return { status, thisUpdateMs, nextUpdateMs };
}

function isSigned(
  data: Buffer,
  algorithm: string,
  signature: Buffer,
  delegates: Buffer | undefined,
  { issuer, nowMs }: OcspQuestion,
): boolean {
  const hash = hashes.get(algorithm);
  if (hash === undefined) return false;
  const isBy = ({ publicKey }: X509Certificate) => verify(hash, data, publicKey, signature);
  if (isBy(issuer)) return true;
  if (delegates === undefined) return false;
  const list = new DerReader(delegates).open(SEQUENCE);
  for (let count = 0; list.hasMore && count < delegatesMax; count++) {
    const delegate = new X509Certificate(list.next(SEQUENCE).whole);
    if (isDelegate(delegate, issuer, nowMs) && isBy(delegate)) return true;
  }
  return false;
}

/** RFC 6960 §4.2.2.2: the issuer itself must have said that it may sign for it. */
function isDelegate(delegate: X509Certificate, issuer: X509Certificate, nowMs: number): boolean {
  return (
    delegate.keyUsage?.includes(ocspSigning) === true &&
    delegate.checkIssued(issuer) &&
    delegate.verify(issuer.publicKey) &&
    delegate.validFromDate.getTime() <= nowMs + skewMs &&
    delegate.validToDate.getTime() > nowMs
  );
}

const ENUMERATED = 0x0a;
const EXPLICIT_0 = 0xa0;
const basicResponse = "1.3.6.1.5.5.7.48.1.1";
const ocspSigning = "1.3.6.1.5.5.7.3.9";
/** Responders send one; each costs a verification. */
const delegatesMax = 4;
const statuses = ["good", "revoked", "unknown"] as const;
const responderErrors: Readonly<Record<number, string>> = {
  1: "that the request is malformed",
  2: "that it has an internal error",
  3: "to try later",
  5: "that requests must be signed",
  6: "that it is not responsible for the certificate",
};
/** Signatures that count; SHA-1 does not any more. */
const hashes: ReadonlyMap<string, string | null> = new Map([
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
  ["1.3.101.112", null],
]);
