import { type Reason, reasons } from "../reason.ts";
import { isObject } from "./strict-json.ts";

/** What a token's claims must say. */
export interface ClaimRules {
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly leewaySecs: number;
  /** 0 = none. */
  readonly lifetimeMaxSecs: number;
  readonly required: readonly string[];
}

export type Claims = Readonly<Record<string, unknown>>;

/** Times of a token in milliseconds since the epoch, leeway included: valid from `fromMs` until before `untilMs`. */
export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Checks the registered claims (RFC 7519 §4.1) against the rules and the wall clock. */
export function checkClaims(claims: Claims, rules: ClaimRules, wallMs: number): Validity | Reason {
  const exp = readDate(claims, "exp");
  const nbf = readDate(claims, "nbf");
  const iat = readDate(claims, "iat");
  // A token without an end could never be taken back.
  if (exp === undefined || exp === MALFORMED || nbf === MALFORMED || iat === MALFORMED)
    return reasons.tokenTime;
  const nowSecs = wallMs / 1000;
  const { leewaySecs } = rules;
  const untilMs = (exp + leewaySecs) * 1000;
  const fromMs = (Math.max(nbf ?? 0, iat ?? 0) - leewaySecs) * 1000;
  if (wallMs >= untilMs) return reasons.tokenExpired;
  if (wallMs < fromMs) return reasons.tokenTime;
  if (rules.lifetimeMaxSecs > 0 && exp - (iat ?? nowSecs) > rules.lifetimeMaxSecs)
    return reasons.tokenLifetime;
  if (rules.issuer !== undefined && own(claims, "iss") !== rules.issuer) return reasons.tokenClaims;
  if (rules.audience !== undefined && !isFor(own(claims, "aud"), rules.audience)) return reasons.tokenClaims;
  for (const name of rules.required) {
    const value = own(claims, name);
    if (value === undefined || value === null || value === "") return reasons.tokenClaims;
  }
  return { fromMs, untilMs };
}

/** The texts of a claim: an array of strings, or a string of words (RFC 8693 §4.2). `path` steps into objects. */
export function readWords(claims: Claims, path: readonly string[]): readonly string[] {
  let value: unknown = claims;
  for (const step of path) value = isObject(value) ? own(value, step) : undefined;
  if (typeof value === "string") return value.split(" ").filter((word) => word !== "");
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** Undefined where the claims have none of that name themselves. */
export function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

const MALFORMED = -1;
/** The year 9999: what is beyond it is no date. */
const DATE_MAX = 253_402_300_799;

function readDate(claims: Claims, name: string): number | undefined {
  const value = own(claims, name);
  if (value === undefined) return undefined;
  return typeof value === "number" && value >= 0 && value <= DATE_MAX ? value : MALFORMED;
}

function isFor(audiences: unknown, audience: string): boolean {
  return audiences === audience || (Array.isArray(audiences) && audiences.includes(audience));
}
