import { constants, verify, type X509Certificate } from "node:crypto";
import { type Extension, readExtensions } from "./certificate-parts.ts";
import {
  BIT_STRING,
  DerError,
  DerReader,
  INTEGER,
  integerText,
  OBJECT_ID,
  objectIdText,
  SEQUENCE,
  timeMs,
} from "./der-reader.ts";

/** A certificate revocation list (RFC 5280 §5), read and not yet believed. */
export interface RevocationList {
  /** Name of who signed it, in DER. */
  readonly issuer: Buffer;
  readonly thisUpdateMs: number;
  /** Undefined = it never goes out of date. */
  readonly nextUpdateMs: number | undefined;
  /** As `integerText` prints them. */
  readonly serials: readonly string[];
  isSignedBy(key: X509Certificate["publicKey"]): boolean;
}

/**
 * Reads one list. Throws DerError for what is none, and for lists that do not speak for everything their signer signed:
 * parts of a list, changes to one, and lists about certificates of others.
 */
export function readRevocationList(der: Buffer): RevocationList {
  const outer = new DerReader(der);
  const list = outer.open(SEQUENCE);
  if (outer.hasMore) throw new DerError("something follows the list");
  const signed = list.next(SEQUENCE);
  const algorithm = algorithmOf(list.open(SEQUENCE));
  const bits = list.next(BIT_STRING).content;
  if (bits[0] !== 0) throw new DerError("a signature that is no whole bytes");
  const tbs = new DerReader(signed.content);
  tbs.optional(INTEGER);
  tbs.next(SEQUENCE);
  const issuer = tbs.next(SEQUENCE).whole;
  const thisUpdateMs = timeMs(tbs.next());
  const nextUpdateMs =
    tbs.hasMore && tbs.tag !== SEQUENCE && tbs.tag !== EXTENSIONS ? timeMs(tbs.next()) : undefined;
  const serials = tbs.tag === SEQUENCE ? readEntries(tbs.open(SEQUENCE)) : [];
  if (tbs.tag === EXTENSIONS) refuseCritical(readExtensions(tbs.open(EXTENSIONS)));
  return {
    issuer,
    thisUpdateMs,
    nextUpdateMs,
    serials,
    isSignedBy: (key) =>
      verify(
        algorithm.hash,
        signed.whole,
        key.asymmetricKeyType === "rsa" ? { key, padding: constants.RSA_PKCS1_PADDING } : key,
        bits.subarray(1),
      ),
  };
}

function readEntries(entries: DerReader): readonly string[] {
  const serials: string[] = [];
  while (entries.hasMore) {
    const entry = entries.open(SEQUENCE);
    serials.push(integerText(entry.next(INTEGER).content));
    timeMs(entry.next());
    if (entry.hasMore) refuseCritical(readExtensions(entry));
  }
  return serials;
}

/** RFC 5280 §5.2: a list with a critical extension that is not understood must not be used. None of them are. */
function refuseCritical(extensions: readonly Extension[]): void {
  for (const { id, critical } of extensions)
    if (critical) throw new DerError(criticalExtensions.get(id) ?? `it has the critical extension ${id}`);
}

const criticalExtensions: ReadonlyMap<string, string> = new Map([
  ["2.5.29.27", "it lists the changes to another list (a delta CRL)"],
  ["2.5.29.28", "it is a part of a list (it has a distribution point)"],
  ["2.5.29.29", "it lists certificates of other issuers (an indirect CRL)"],
]);

function algorithmOf(sequence: DerReader): { readonly hash: string | null } {
  const id = objectIdText(sequence.next(OBJECT_ID).content);
  const hash = hashes.get(id);
  if (hash === undefined) throw new DerError(`it is signed with an algorithm that is not taken (${id})`);
  return { hash };
}

/** ECDSA and RSA (PKCS #1 v1.5) with SHA-2; Ed25519 and Ed448 hash by themselves. */
const hashes: ReadonlyMap<string, string | null> = new Map([
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
  ["1.3.101.112", null],
  ["1.3.101.113", null],
]);

const EXTENSIONS = 0xa0;
