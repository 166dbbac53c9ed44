import { canonicalText, isPlain, type Json } from "./canonical.ts";
import { type AuditRecord, LINE_BYTES_MAX } from "./record.ts";

/** A line of a log, taken apart by bytes. */
export interface ParsedLine {
  /** What the MAC is over. */
  readonly body: string;
  readonly mac: Buffer;
  readonly record: AuditRecord;
}

/** `,"mac":"` + 43 characters + `"}`. */
const SUFFIX_LENGTH = 8 + 43 + 2;

/**
 * Reads one line without its line end; a text says what is wrong. The body is cut out, never printed again: that it is
 * canonical is one more check, which tells a line that no writer of ours made (doubled keys, spaces, another order).
 */
export function parseLine(bytes: Buffer): ParsedLine | string {
  if (bytes.length >= LINE_BYTES_MAX) return "longer than a record may be";
  const text = bytes.latin1Slice();
  if (!/^[\x20-\x7e]+$/.test(text)) return "bytes that are not printable ASCII";
  const suffix = /,"mac":"([A-Za-z0-9_-]{43})"\}$/.exec(text.slice(-SUFFIX_LENGTH));
  if (suffix === null || text.length <= SUFFIX_LENGTH) return "no MAC at its end";
  const mac = Buffer.from(suffix[1]!, "base64url");
  // 43 characters hold two bits more than 32 bytes.
  if (mac.toString("base64url") !== suffix[1]) return "a MAC that is not canonical";
  const body = `${text.slice(0, -SUFFIX_LENGTH)}}`;
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return "not JSON";
  }
  if (!isPlain(value) || !isRecord(value)) return "not a record";
  if (canonicalText(value as unknown as Json) !== body) return "not in canonical form";
  return { body, mac, record: value };
}

function isRecord(value: unknown): value is AuditRecord {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const record = value as Readonly<Record<string, unknown>>;
  return (
    record["v"] === 1 &&
    typeof record["kind"] === "string" &&
    typeof record["boot"] === "string" &&
    typeof record["ts"] === "string" &&
    typeof record["mono"] === "string" &&
    isCount(record["ep"]) &&
    isCount(record["seg"]) &&
    isCount(record["seq"]) &&
    isTableOrAbsent(record["data"]) &&
    (record["w"] === undefined || isSource(record["w"]))
  );
}

function isSource(value: unknown): boolean {
  if (!isTable(value)) return false;
  return typeof value["b"] === "string" && isCount(value["id"]) && isCount(value["n"]);
}

function isTableOrAbsent(value: unknown): boolean {
  return value === undefined || isTable(value);
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
