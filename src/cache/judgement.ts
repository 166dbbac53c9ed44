import { F } from "../http/field.ts";
import { hasField } from "../http/field-lines.ts";
import { RESPONSE_CLOSE, RESPONSE_LENGTH, type ResponseHead } from "../http/response-head.ts";
import { readDirectives } from "./directives.ts";
import { headField } from "./head-image.ts";
import { type Arrival, type Life, type LifeRule, readLife } from "./life.ts";
import { readTags } from "./tags.ts";
import { readVary } from "./vary.ts";

/** What a profile says about answers. */
export interface StoreRule extends LifeRule {
  /** Larger bodies are not stored. */
  readonly bodyBytesMax: number;
  /** 404, 405, 410, 414 and 501 are stored, where they say for how long. */
  readonly errors: boolean;
}

/** An answer that may be stored. */
export interface Storable {
  readonly life: Life;
  /** Names of the request's fields that it depends on, in lower case and in order. */
  readonly vary: readonly string[];
  readonly tags: readonly string[];
}

/** Why an answer is not stored: a closed list, for `Cache-Status` and the metric. */
export const unstorableWhys = [
  "status",
  "no-store",
  "private",
  "set-cookie",
  "credentials",
  "vary",
  "no-lifetime",
  "too-large",
  "tags",
  "head",
  "partial",
  "unframed",
] as const;
export type UnstorableWhy = (typeof unstorableWhys)[number];

/**
 * Whether the answer to a GET may be stored (RFC 9111 §3). Only what says so itself, or the profile for it: an answer that
 * neither is fresh for a time nor could be asked for again is of no use, and what is set for one client is not shared.
 */
export function judge(
  head: ResponseHead,
  hasCredentials: boolean,
  rule: StoreRule,
  arrival: Arrival,
): Storable | UnstorableWhy {
  const { status } = head;
  if (status === 206) return "partial";
  if (!STORED.has(status) && !(rule.errors && ERRORS.has(status))) return "status";
  const directives = readDirectives(headField(head, F.cacheControl));
  if (directives.noStore) return "no-store";
  if (directives.isPrivate) return "private";
  if (hasField(head.fields, head.fieldCount, F.setCookie)) return "set-cookie";
  const hasExpires = hasField(head.fields, head.fieldCount, F.expires);
  const life = readLife(
    {
      directives,
      age: headField(head, F.age),
      date: headField(head, F.date),
      expires: headField(head, F.expires),
      hasExpires,
      etag: headField(head, F.etag),
      lastModified: headField(head, F.lastModified),
    },
    rule,
    arrival,
  );
  if (hasCredentials && !life.forCredentials) return "credentials";
  const isAskable = life.version.etag !== "" || life.lastModified !== "";
  const canWait = life.staleWhileRevalidateSecs > 0 || life.staleIfErrorSecs > 0;
  if (life.freshSecs <= life.initialAgeSecs && !isAskable && !canWait) return "no-lifetime";
  if (life.alwaysAsk && !isAskable) return "no-lifetime";
  // An error says for how long, or is asked for again.
  if (ERRORS.has(status) && directives.maxAgeSecs < 0 && directives.sharedMaxAgeSecs < 0 && !hasExpires)
    return "no-lifetime";
  const isCoded = hasField(head.fields, head.fieldCount, F.contentEncoding);
  const vary = readVary(headField(head, F.vary), isCoded);
  if (vary === undefined) return "vary";
  const tags = readTags(headField(head, F.surrogateKey));
  if (tags === undefined) return "tags";
  // Where only the end of the connection ends it, nobody knows whether it is whole (RFC 9111 §3.3).
  if (head.bodyKind === RESPONSE_CLOSE) return "unframed";
  if (head.bodyKind === RESPONSE_LENGTH && head.bodyLength > rule.bodyBytesMax) return "too-large";
  return { life, vary, tags };
}

/** What a cache understands, and what nobody can make it say to others by a bad request (RFC 9110 §15). */
const STORED: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 302, 307, 308]);
const ERRORS: ReadonlySet<number> = new Set([404, 405, 410, 414, 501]);
