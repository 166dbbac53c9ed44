import type { AnswerCoding } from "../http/accept-encoding.ts";
import { F } from "../http/field.ts";
import {
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";

/**
 * Says in the head that its body is coded. What was true of the bytes as they were goes: digests and lengths, and with
 * Accept-Ranges the offer to take parts of them. A strong ETag promises the same bytes and becomes a weak one
 * (RFC 9110 §8.8.1): clients ask again with it, and If-None-Match compares weakly (§13.1.2).
 */
export function markCoded(head: ResponseHead, coding: AnswerCoding): void {
  dropFields(head, falseOnceCoded);
  weakenTag(head);
  head.addedLines += `Content-Encoding: ${coding}\r\n`;
}

const falseOnceCoded: ReadonlySet<string> = new Set([
  "accept-ranges",
  "content-md5",
  "digest",
  "content-digest",
  "repr-digest",
]);

/** Names of trailers that are not true of coded bytes either. */
export function isFalseOnceCoded(name: string): boolean {
  return falseOnceCoded.has(name);
}

/** Whoever stores the answer must know that it depends on Accept-Encoding, coded or not. */
export function markVarying(head: ResponseHead): void {
  const { fields, source } = head;
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FIELD_ID] !== F.vary || fields[slot + FORWARD] === 0) continue;
    const value = source.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
    if (/(?:^|,)\s*(?:\*|accept-encoding)\s*(?:,|$)/i.test(value)) return;
  }
  if (/^vary:[^\r]*(?:\*|accept-encoding)/im.test(head.addedLines)) return;
  head.addedLines += "Vary: Accept-Encoding\r\n";
}

/** Value of the field as the client gets it; the operator's own lines count. Undefined: there is none. */
export function answerField(head: ResponseHead, id: number, name: string): string | undefined {
  const { fields, source } = head;
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FIELD_ID] === id && fields[slot + FORWARD] !== 0)
      return source.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
  }
  return addedField(head, name);
}

/** A media type in lower case, without parameters. */
export function essenceOf(contentType: string): string {
  const semicolon = contentType.indexOf(";");
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

function addedField({ addedLines }: ResponseHead, name: string): string | undefined {
  for (let at = 0; at < addedLines.length; ) {
    const end = addedLines.indexOf("\r\n", at);
    if (addedLines[at + name.length] === ":" && addedLines.slice(at, at + name.length).toLowerCase() === name)
      return addedLines.slice(at + name.length + 1, end).trim();
    at = end + 2;
  }
  return undefined;
}

/** The ETag becomes a weak one. */
export function weakenTag(head: ResponseHead): void {
  const tag = answerField(head, F.etag, "etag");
  if (tag === undefined || !tag.startsWith('"')) return;
  dropFields(head, etag);
  head.addedLines += `ETag: W/${tag}\r\n`;
}

const etag: ReadonlySet<string> = new Set(["etag"]);

function dropFields(head: ResponseHead, names: ReadonlySet<string>): void {
  const { fields, source } = head;
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const start = fields[slot + NAME_START]!;
    const end = fields[slot + NAME_END]!;
    if (end - start > LONGEST_NAME || fields[slot + FORWARD] === 0) continue;
    if (names.has(source.latin1Slice(start, end).toLowerCase())) fields[slot + FORWARD] = 0;
  }
  for (const name of names)
    if (addedField(head, name) !== undefined) head.addedLines = linesWithout(head.addedLines, name);
}

/** Rare: an operator sets a field that is about to go. */
function linesWithout(lines: string, name: string): string {
  const kept = lines.split("\r\n").filter((line) => !line.toLowerCase().startsWith(`${name}:`));
  return kept.join("\r\n");
}

const LONGEST_NAME = 14;
