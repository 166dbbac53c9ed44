import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { type Reason, reasons } from "../reason.ts";
import { namePattern } from "./credential-file.ts";
import { Identity, printLine } from "./identity.ts";

/** An API key at rest. */
export interface ApiKeyEntry {
  /** Whose it is: for log, limits and upstream. */
  readonly name: string;
  /** SHA-256 of the key, hexadecimal, lower case. */
  readonly sha256: string;
  readonly scopes: readonly string[];
}

/**
 * A new key: 256 random bits, so a plain hash of it says nothing and needs no salt (guessing it is out of reach, unlike
 * a password). The prefix lets scanners of repositories find one that leaked.
 */
export function makeApiKey(): string {
  return `zion_${randomBytes(32).toString("base64url")}`;
}

export function digestApiKey(key: string): string {
  return hash("sha256", key, "hex");
}

/** `ID SHA256 [SCOPE ...]`, or why not. */
export function readApiKeyEntry(line: string): ApiKeyEntry | string {
  const [name = "", sha256 = "", ...scopes] = line.split(/\s+/);
  if (!namePattern.test(name)) return "the id is not of letters, digits and @._+-";
  if (!/^[0-9a-f]{64}$/.test(sha256)) return "no SHA-256 in lower-case hexadecimal follows the id";
  return { name, sha256, scopes };
}

/** The API keys of one profile. Longer ones than this are refused unread. */
const KEY_BYTES_MAX = 256;

export class ApiKeyRing {
  /** By the first half of the digest: what the look-up's time tells, it tells of a hash. */
  readonly #keys = new Map<string, { readonly rest: Buffer; readonly identity: Identity }>();

  constructor(entries: readonly ApiKeyEntry[], subjectField: string | undefined) {
    for (const { name, sha256, scopes } of entries) {
      const line = subjectField === undefined ? undefined : printLine(subjectField, name);
      const identity = new Identity({
        subject: name,
        apiKeyId: name,
        scopes: new Set(scopes),
        lines: line === undefined ? [] : [line],
      });
      this.#keys.set(sha256.slice(0, HALF), { rest: Buffer.from(sha256.slice(HALF), "hex"), identity });
    }
  }

  /** Synchronous: a hash of 50 bytes costs less than a microsecond. */
  verify(bytes: Buffer, start: number, end: number): Identity | Reason {
    if (end === start || end - start > KEY_BYTES_MAX) return reasons.apiKey;
    const digest = hash("sha256", bytes.subarray(start, end), "hex");
    const found = this.#keys.get(digest.slice(0, HALF));
    if (found === undefined || !timingSafeEqual(Buffer.from(digest.slice(HALF), "hex"), found.rest))
      return reasons.apiKey;
    return found.identity;
  }
}

const HALF = 32;
