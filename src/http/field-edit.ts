import { nameByte } from "./field.ts";
import {
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "./request.ts";
import type { ResponseHead } from "./response-head.ts";
import { printTemplate, type Template, type TemplateScope } from "./template.ts";

/** What a route does to the fields of a request or an answer. Names were checked: none of them frames a message. */
export interface FieldEdits {
  /** In lower case; `*` at the end: all names that begin so. They go before anything is added. */
  readonly remove: readonly string[];
  readonly lines: readonly FieldLine[];
}

export interface FieldLine {
  /** As it is to be written. */
  readonly name: string;
  /** In lower case. */
  readonly folded: string;
  readonly value: Template;
  /** `set` takes those away that are there; `default` adds the line only where there is none. */
  readonly how: "set" | "add" | "default";
  /** The answer to a request that came over TLS only. */
  readonly secureOnly: boolean;
  /** The whole line with CRLF, where it is the same for every request. */
  readonly line: string | undefined;
}

export function fieldLine(
  name: string,
  value: Template,
  how: FieldLine["how"],
  secureOnly = false,
): FieldLine {
  const line = value.fixed === undefined ? undefined : `${name}: ${value.fixed}\r\n`;
  return { name, folded: name.toLowerCase(), value, how, secureOnly, line };
}

/** Where fields stand. Met by CanonicalRequest and ResponseHead. */
interface Fields {
  readonly fields: Int32Array;
  readonly fieldCount: number;
}

/**
 * Edits the fields that go upstream. New lines are written into the arena behind the others, so that the printer, a
 * second attempt and HTTP/2 see them like any other line.
 */
export function editRequestFields(request: CanonicalRequest, edits: FieldEdits, scope: TemplateScope): void {
  for (const name of edits.remove) drop(request, request.arena, name);
  for (const { name, folded, value, how } of edits.lines) {
    if (how === "default" && has(request, request.arena, folded)) continue;
    // The value first: it may speak of the field that goes.
    const text = printTemplate(value, request, scope);
    if (how === "set") drop(request, request.arena, folded);
    // A fact that the request does not have leaves no empty field behind.
    if (text !== "" || value.fixed !== undefined) addField(request, name, text);
  }
}

/** Edits the fields of an answer: what goes is not printed, what comes is printed from `head.addedLines`. */
export function editAnswerFields(
  head: ResponseHead,
  edits: FieldEdits,
  request: CanonicalRequest,
  scope: TemplateScope,
): void {
  const { source } = head;
  for (const name of edits.remove) drop(head, source, name);
  for (const { name, folded, value, how, secureOnly, line } of edits.lines) {
    if (secureOnly && !request.secure) continue;
    if (how === "default" && has(head, source, folded)) continue;
    if (how === "set") drop(head, source, folded);
    if (line !== undefined) {
      head.addedLines += line;
      continue;
    }
    const text = printTemplate(value, request, scope);
    if (text !== "") head.addedLines += `${name}: ${text}\r\n`;
  }
}

function addField(request: CanonicalRequest, name: string, value: string): void {
  const length = name.length + value.length + 4;
  request.reserve(length);
  const start = request.arenaEnd;
  request.arena.latin1Write(`${name}: ${value}\r\n`, start);
  request.arenaEnd = start + length;
  const slot = request.fieldCount * FIELD_SLOTS;
  const fields =
    slot + FIELD_SLOTS > request.fields.length ? request.growFields(request.fieldCount + 16) : request.fields;
  fields[slot + NAME_START] = start;
  fields[slot + NAME_END] = start + name.length;
  fields[slot + VALUE_START] = start + name.length + 2;
  fields[slot + VALUE_END] = start + length - 2;
  fields[slot + FIELD_ID] = 0;
  fields[slot + FORWARD] = 1;
  request.fieldCount++;
}

function drop(holder: Fields, bytes: Uint8Array, pattern: string): void {
  const { fields, fieldCount } = holder;
  for (let index = 0; index < fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (isMeant(bytes, fields[slot + NAME_START]!, fields[slot + NAME_END]!, pattern))
      fields[slot + FORWARD] = 0;
  }
}

/** Whether a field of this name is forwarded. */
function has(holder: Fields, bytes: Uint8Array, name: string): boolean {
  const { fields, fieldCount } = holder;
  for (let index = 0; index < fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FORWARD] === 0) continue;
    if (isMeant(bytes, fields[slot + NAME_START]!, fields[slot + NAME_END]!, name)) return true;
  }
  return false;
}

function isMeant(bytes: Uint8Array, start: number, end: number, pattern: string): boolean {
  const isPrefix = pattern.charCodeAt(pattern.length - 1) === STAR;
  const length = isPrefix ? pattern.length - 1 : pattern.length;
  if (isPrefix ? end - start < length : end - start !== length) return false;
  for (let at = 0; at < length; at++)
    // The lowest seven bits are the folded byte; the highest marks odd ones.
    if ((nameByte[bytes[start + at]!]! & 0x7f) !== pattern.charCodeAt(at)) return false;
  return true;
}

const STAR = 42;
