import { fieldIdOf } from "../http/field.ts";
import type { RequestIdentity } from "../http/request.ts";

/** Who a verified credential speaks of. Shared by all requests that bring it along: never changed. */
export class Identity implements RequestIdentity {
  readonly subject: string;
  readonly apiKeyId: string;
  /** The token's `jti`; "" = none. */
  readonly tokenId: string;
  /** Valid from, and until before, in milliseconds since the epoch. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  /** What the upstream is told. */
  readonly lines: readonly IdentityLine[];
  readonly #claims: ReadonlyMap<string, string>;

  constructor(facts: IdentityFacts) {
    this.subject = facts.subject ?? "";
    this.apiKeyId = facts.apiKeyId ?? "";
    this.tokenId = facts.tokenId ?? "";
    this.fromMs = facts.fromMs ?? 0;
    this.untilMs = facts.untilMs ?? Infinity;
    this.scopes = facts.scopes ?? NO_WORDS;
    this.roles = facts.roles ?? NO_WORDS;
    this.lines = facts.lines;
    this.#claims = facts.claims ?? NO_CLAIMS;
  }

  claim(name: string): string | undefined {
    // Users and API keys have no claims, and a subject all the same.
    return name === "sub" && this.subject !== "" ? this.subject : this.#claims.get(name);
  }
}

export interface IdentityFacts {
  readonly subject?: string;
  readonly apiKeyId?: string;
  readonly tokenId?: string;
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly scopes?: ReadonlySet<string>;
  readonly roles?: ReadonlySet<string>;
  readonly lines: readonly IdentityLine[];
  /** Those that limits count by, as text. */
  readonly claims?: ReadonlyMap<string, string>;
}

/** A field that tells the upstream: `Name: value` with CRLF. */
export interface IdentityLine {
  /** Of field.ts; 0 = not a known name. */
  readonly id: number;
  readonly nameBytes: number;
  readonly line: Uint8Array;
}

/** Undefined: the value cannot stand in a field. Leaving it out would make its bearer a nobody upstream. */
export function printLine(field: string, value: unknown): IdentityLine | undefined {
  const text = fieldText(value);
  if (text === undefined) return undefined;
  return {
    id: fieldIdOf(field),
    nameBytes: field.length,
    line: Buffer.from(`${field}: ${text}\r\n`, "latin1"),
  };
}

const NO_WORDS: ReadonlySet<string> = new Set();
const NO_CLAIMS: ReadonlyMap<string, string> = new Map();
const FIELD_BYTES_MAX = 512;

/** Visible ASCII and inner spaces only: whatever else could be read as two fields, or as another value. */
function fieldText(value: unknown): string | undefined {
  let text: string;
  if (typeof value === "string") text = value;
  else if (typeof value === "number" || typeof value === "boolean") text = String(value);
  // A comma inside an item would make two of it.
  else if (Array.isArray(value) && value.every((item) => typeof item === "string" && !item.includes(",")))
    text = value.join(",");
  else return undefined;
  return text.length <= FIELD_BYTES_MAX && /^(?:[!-~](?:[ -~]*[!-~])?)?$/.test(text) ? text : undefined;
}
