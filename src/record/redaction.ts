import { createHmac, createSecretKey } from "node:crypto";
import type { Json, JsonObject } from "../audit/canonical.ts";
import { formatAddress, parseAddress } from "../identity/address.ts";

/** `[redact]`, as workers and primary have it. */
export interface RedactSettings {
  /** Lower case. Also of the access log's `include_headers`. */
  readonly headers: readonly string[];
  /** Lower case; "*" = all. */
  readonly queryParams: readonly string[];
  /** Lower case; keys of what events tell. */
  readonly jsonFields: readonly string[];
  readonly ip: "full" | "truncate" | "hmac";
  /** For "hmac". */
  readonly ipKey: string;
}

/** Takes out what must not be remembered, before it is sealed: a sealed record cannot be mended later. */
export interface Redaction {
  /** A query without its "?". */
  query(text: string): string;
  address(text: string): string;
  header(name: string, value: string): string;
  data(value: JsonObject): JsonObject;
}

/** Longer ones are cut: a record has 8 KiB. */
const QUERY_LENGTH_MAX = 1024;

export function buildRedaction(settings: RedactSettings): Redaction {
  const allParams = settings.queryParams.includes("*");
  const params = new Set(settings.queryParams);
  const headers = new Set(settings.headers);
  const fields = new Set(settings.jsonFields);
  const ipKey = settings.ip === "hmac" ? createSecretKey(Buffer.from(settings.ipKey)) : undefined;

  const parameter = (pair: string): string => {
    const equals = pair.indexOf("=");
    // Without "=" it may be a value as well as a name.
    if (equals < 0) return allParams ? redacted(pair) : pair;
    if (!allParams && !params.has(readName(pair.slice(0, equals)))) return pair;
    return `${pair.slice(0, equals + 1)}${redacted(pair.slice(equals + 1))}`;
  };
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
    query(text) {
      const whole = text.length > QUERY_LENGTH_MAX ? text.slice(0, QUERY_LENGTH_MAX) : text;
      const shown = allParams || params.size > 0 ? whole.split("&").map(parameter).join("&") : whole;
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
    header: (name, value) => (headers.has(name.toLowerCase()) ? redacted(value) : value),
    data: fields.size === 0 ? (value) => value : data,
  };
}

/** What stands for a value: that it was there, and how long. */
function redacted(value: string): string {
  return `<redacted:${value.length}>`;
}

/** As an application would read it: `%74oken` is `token`. */
function readName(name: string): string {
  if (!name.includes("%") && !name.includes("+")) return name.toLowerCase();
  try {
    return decodeURIComponent(name.replaceAll("+", " ")).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}
