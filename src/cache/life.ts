import { makeVersion, type Version } from "../http/conditional.ts";
import { F } from "../http/field.ts";
import { readHttpDate } from "../http/http-date.ts";
import { type Directives, SECONDS_MAX } from "./directives.ts";

/** How long a stored answer may be used, and how. Times are seconds; `arrivedMs` is monotonic. */
export interface Life {
  readonly arrivedMs: number;
  /** What it was old already when it came. */
  readonly initialAgeSecs: number;
  /** How old it may become. */
  readonly freshSecs: number;
  /** `no-cache`: it is asked for at every use. */
  readonly alwaysAsk: boolean;
  /** May never be given out stale (RFC 9111 §4.2.4). */
  readonly neverStale: boolean;
  /** How long behind its end it may be given out while a new one is fetched, and where none can be had. */
  readonly staleWhileRevalidateSecs: number;
  readonly staleIfErrorSecs: number;
  /** May be given to requests with credentials (RFC 9111 §3.5). */
  readonly forCredentials: boolean;
  readonly version: Version;
  /** As the upstream said it, which is asked by it again; "" = it did not. */
  readonly lastModified: string;
}

/** What a profile says about times. */
export interface LifeRule {
  /** No answer is fresh for longer. */
  readonly freshMaxSecs: number;
  /** For answers that do not say how long they are fresh; 0 = those are stale at once. */
  readonly freshDefaultSecs: number;
}

/** RFC 5861: longer than that nobody means. */
const STALE_MAX_SECS = 86_400;

/** What the fields of an answer say. */
export interface LifeFields {
  readonly directives: Directives;
  /** As received; "" = absent. */
  readonly age: string;
  readonly date: string;
  readonly expires: string;
  readonly hasExpires: boolean;
  readonly etag: string;
  readonly lastModified: string;
}

/** The fields that `LifeFields` are read from. */
export const lifeFieldIds = [F.age, F.date, F.expires, F.etag, F.lastModified, F.cacheControl] as const;

/** When the request for it went out and its head came. */
export interface Arrival {
  readonly sentMs: number;
  readonly arrivedMs: number;
  /** Of `arrivedMs`, since the epoch. */
  readonly wallSecs: number;
}

/** RFC 9111 §4.2: without guesses (§4.2.2). */
export function readLife(fields: LifeFields, rule: LifeRule, arrival: Arrival): Life {
  const { directives, lastModified } = fields;
  const { wallSecs } = arrival;
  const dateSecs = fields.date === "" ? -1 : readHttpDate(fields.date, wallSecs);
  return {
    arrivedMs: arrival.arrivedMs,
    initialAgeSecs: initialAge(fields.age, dateSecs, arrival),
    freshSecs: Math.min(rule.freshMaxSecs, freshness(fields, dateSecs, rule, wallSecs)),
    alwaysAsk: directives.noCache,
    neverStale: directives.mustRevalidate || directives.proxyRevalidate,
    staleWhileRevalidateSecs: Math.min(STALE_MAX_SECS, Math.max(0, directives.staleWhileRevalidateSecs)),
    staleIfErrorSecs: Math.min(STALE_MAX_SECS, Math.max(0, directives.staleIfErrorSecs)),
    forCredentials: directives.isPublic || directives.mustRevalidate || directives.sharedMaxAgeSecs >= 0,
    version: readVersion(fields, dateSecs, wallSecs),
    lastModified,
  };
}

function readVersion({ etag, lastModified }: LifeFields, dateSecs: number, wallSecs: number): Version {
  const modifiedSecs = lastModified === "" ? -1 : readHttpDate(lastModified, wallSecs);
  const madeSecs = dateSecs >= 0 ? dateSecs : Math.floor(wallSecs);
  // RFC 9110 §8.8.2.2: made in a later second than that of the last change.
  return makeVersion(isEtag(etag) ? etag : "", modifiedSecs, madeSecs > modifiedSecs, madeSecs);
}

export function ageSecs(life: Life, nowMs: number): number {
  return Math.floor(life.initialAgeSecs + (nowMs - life.arrivedMs) / 1000);
}

/** RFC 9111 §4.2.1, as a cache that many share. */
function freshness(
  { directives, expires, hasExpires }: LifeFields,
  dateSecs: number,
  rule: LifeRule,
  wallSecs: number,
): number {
  if (directives.sharedMaxAgeSecs >= 0) return directives.sharedMaxAgeSecs;
  if (directives.maxAgeSecs >= 0) return directives.maxAgeSecs;
  if (!hasExpires) return rule.freshDefaultSecs;
  const atSecs = readHttpDate(expires, wallSecs);
  // A date that cannot be read, `0` above all, is over (§5.3).
  return atSecs < 0 ? 0 : Math.max(0, atSecs - (dateSecs >= 0 ? dateSecs : wallSecs));
}

/** RFC 9111 §4.2.3. An `Age` that cannot be read is as old as can be (§5.1 leaves it open; the safe side). */
function initialAge(age: string, dateSecs: number, { sentMs, arrivedMs, wallSecs }: Arrival): number {
  const apparent = dateSecs < 0 ? 0 : Math.max(0, wallSecs - dateSecs);
  const delay = Math.max(0, arrivedMs - sentMs) / 1000;
  // Dates have whole seconds: a new answer is not a second old because the clock has gone past one.
  const corrected = readAge(age) + delay;
  return Math.max(apparent < 1 ? 0 : Math.floor(apparent), corrected);
}

/** Of several the first counts; one that is negative or no number makes the answer stale. */
function readAge(text: string): number {
  if (text === "") return 0;
  const first = text.split(",", 1)[0]!.trim();
  if (!/^\d+$/.test(first)) return SECONDS_MAX;
  return first.length > 10 ? SECONDS_MAX : Math.min(SECONDS_MAX, Number(first));
}

function isEtag(text: string): boolean {
  return /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(text);
}
