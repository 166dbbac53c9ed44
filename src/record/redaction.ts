import { createHmac, createSecretKey } from "node:crypto";
import type { Json, JsonObject } from "../audit/canonical.ts";
import { formatAddress, parseAddress } from "../identity/address.ts";
import { buildQueryMask, hiddenEnd, type QueryMask } from "./query-mask.ts";

/** `[redact]`, as workers and primary have it. */
export interface RedactSettings {
  /** Lower case. Also of the access log's `include_headers`. */
  readonly headers: readonly string[];
  /** Lower case; "*" = all. Undefined = all in audit records, `credentialParams` in the access log. */
  readonly queryParams: readonly string[] | undefined;
  /** Lower case; keys of what events tell. */
  readonly jsonFields: readonly string[];
  readonly ip: "full" | "truncate" | "hmac";
  /** For "hmac". */
  readonly ipKey: string;
}

/** Takes out what must not be remembered, before it is sealed: a sealed record cannot be mended later. */
export interface Redaction {
  /** For the access log, which works on bytes. */
  readonly logged: QueryMask;
  readonly hidesAddresses: boolean;
  /** A query without its "?". */
  query(text: string): string;
  address(text: string): string;
  hidesHeader(name: string): boolean;
  /** Of a client's certificate: hidden as the field that upstreams get it in. */
  fingerprint(text: string): string;
  data(value: JsonObject): JsonObject;
}

/** Parameters whose values are secrets by custom: of OAuth, of signed URLs, of sessions and of forms. */
export const credentialParams: readonly string[] = [
  "access_key",
  "access_token",
  "api-key",
  "api_key",
  "apikey",
  "assertion",
  "auth",
  "authorization",
  "client_assertion",
  "client_secret",
  "code",
  "code_verifier",
  "id_token",
  "jsessionid",
  "jwt",
  "key",
  "otp",
  "passphrase",
  "passwd",
  "password",
  "phpsessid",
  "pwd",
  "refresh_token",
  "samlresponse",
  "secret",
  "session",
  "session_id",
  "sessionid",
  "sid",
  "sig",
  "signature",
  "ticket",
  "token",
  "x-amz-credential",
  "x-amz-security-token",
  "x-amz-signature",
  "x-goog-credential",
  "x-goog-signature",
];

/** Longer ones are cut: a record has 8 KiB. */
const QUERY_LENGTH_MAX = 1024;

export function buildRedaction(settings: RedactSettings): Redaction {
  const recorded = buildQueryMask(settings.queryParams ?? ["*"]);
  const headers = new Set(settings.headers);
  const fields = new Set(settings.jsonFields);
  const ipKey = settings.ip === "hmac" ? createSecretKey(Buffer.from(settings.ipKey)) : undefined;

  const clean = (value: Json): Json => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(clean);
    return data(value as JsonObject);
  };
  const data = (value: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        if (item === undefined) return [key, item];
        return [
          key,
          fields.has(key) ? redacted(typeof item === "string" ? item : JSON.stringify(item)) : clean(item),
        ];
      }),
    );

  return {
    logged: buildQueryMask(settings.queryParams ?? credentialParams),
    hidesAddresses: settings.ip !== "full",
    query(text) {
      const whole = text.length > QUERY_LENGTH_MAX ? text.slice(0, QUERY_LENGTH_MAX) : text;
      const shown = masked(recorded, whole);
      return whole === text ? shown : `${shown}<cut:${text.length - whole.length}>`;
    },
    address(text) {
      if (settings.ip === "full") return text;
      if (ipKey !== undefined)
        return `hmac:${createHmac("sha256", ipKey).update(text).digest("hex").slice(0, 16)}`;
      const address = parseAddress(text);
      if (address === undefined) return "";
      return address.v4
        ? `${formatAddress({ ...address, w3: (address.w3 & 0xffffff00) >>> 0 })}/24`
        : `${formatAddress({ ...address, w1: (address.w1 & 0xffff0000) >>> 0, w2: 0, w3: 0 })}/48`;
    },
    hidesHeader: (name) => headers.has(name.toLowerCase()),
    fingerprint: (text) => (headers.has("x-client-cert-fingerprint") ? redacted(text) : text),
    data: fields.size === 0 ? (value) => value : data,
  };
}

/** What stands for a value: that it was there, and how long. */
function redacted(value: string): string {
  return `<redacted:${value.length}>`;
}

function masked(mask: QueryMask, query: string): string {
  const bytes = Buffer.from(query, "latin1");
  let shown = "";
  for (let at = 0; at < bytes.length; ) {
    const start = mask.nextHidden(bytes, at, bytes.length);
    const end = hiddenEnd(bytes, start, bytes.length);
    shown += query.slice(at, start);
    if (end > start) shown += redacted(query.slice(start, end));
    at = end;
  }
  return shown;
}
