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
import type { Trailers } from "./trailer.ts";

export interface FieldLine {
  /** As it is to be written. */
  readonly name: string;
  readonly value: Template;
  /** `set` takes those away that are there; `default` adds the line only where there is none. */
  readonly how: "set" | "add" | "default";
  /** In answers to requests that came over TLS only. */
  readonly secureOnly: boolean;
}

/** What a route does to the fields of a request or an answer. Names were checked: none of them frames a message. */
export interface FieldEdits {
  readonly lines: readonly PreparedLine[];
  /** By length of the name, because most fields of a message are not meant: one look says so. */
  readonly byLength: readonly (readonly MeantName[] | undefined)[];
  /** Names that begin so are removed; in lower case. */
  readonly prefixes: readonly string[];
  /** By line: the message has a field of its name. Of the message that is being edited; nothing waits in between. */
  readonly present: Uint8Array;
}

interface PreparedLine extends FieldLine {
  /** The whole line with CRLF, where it is the same for every request. */
  readonly line: string | undefined;
}

interface MeantName {
  /** In lower case. */
  readonly folded: string;
  readonly isRemoved: boolean;
  /** Lines that are not added where there is such a field. */
  readonly defaults: readonly number[];
}

/** `remove`: names in lower case; `*` at the end: all that begin so. */
export function prepareEdits(remove: readonly string[], lines: readonly FieldLine[]): FieldEdits {
  const exact = remove.filter((name) => !name.endsWith("*"));
  const set = lines.filter(({ how }) => how === "set").map(({ name }) => name.toLowerCase());
  const removed = new Set([...exact, ...set]);
  const names = new Set([...removed, ...lines.map(({ name }) => name.toLowerCase())]);
  const byLength: MeantName[][] = [];
  for (const folded of names) {
    const defaults = lines.flatMap(({ name, how }, i) =>
      how === "default" && name.toLowerCase() === folded ? [i] : [],
    );
    const isRemoved = removed.has(folded);
    if (isRemoved || defaults.length > 0)
      (byLength[folded.length] ??= []).push({ folded, isRemoved, defaults });
  }
  return {
    lines: lines.map((one) => ({
      ...one,
      line: one.value.fixed === undefined ? undefined : `${one.name}: ${one.value.fixed}\r\n`,
    })),
    byLength: Array.from(byLength),
    prefixes: remove.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1)),
    present: new Uint8Array(lines.length),
  };
}

/**
 * Edits the fields that go upstream. New lines are written into the arena behind the others, so that the printer, a
 * second attempt and HTTP/2 see them like any other line.
 */
export function editRequestFields(request: CanonicalRequest, edits: FieldEdits, scope: TemplateScope): void {
  // The values first: they may speak of fields that go.
  const values = edits.lines.map(({ value }) => printTemplate(value, request, scope));
  mark(request, request.arena, edits);
  // A fact that the request does not have leaves no empty field behind.
  for (const [i, { name, line }] of edits.lines.entries())
    if (edits.present[i] === 0 && (line !== undefined || values[i] !== ""))
      addField(request, name, values[i]!);
}

/** Edits the fields of an answer: what goes is not printed, what comes is printed from `head.addedLines`. */
export function editAnswerFields(
  head: ResponseHead,
  edits: FieldEdits,
  request: CanonicalRequest,
  scope: TemplateScope,
): void {
  mark(head, head.source, edits);
  const { lines, present } = edits;
  let added = head.addedLines;
  for (let i = 0; i < lines.length; i++) {
    const { name, value, secureOnly, line } = lines[i]!;
    if (present[i] !== 0 || (secureOnly && !request.secure)) continue;
    if (line !== undefined) {
      added += line;
      continue;
    }
    const text = printTemplate(value, request, scope);
    if (text !== "") added += `${name}: ${text}\r\n`;
  }
  head.addedLines = added;
}

/** A receiver that merges trailers into the head must not find there what was set or removed. */
export function editTrailers(trailers: Trailers, { byLength, prefixes }: FieldEdits): Trailers {
  return trailers.filter((_text, index) => {
    // Name and value in turn: both go by the name.
    const name = trailers[index - (index % 2)]!;
    const isRemoved = byLength[name.length]?.some((one) => one.isRemoved && one.folded === name) === true;
    return !isRemoved && !prefixes.some((prefix) => name.startsWith(prefix));
  });
}

/** Where fields stand. Met by CanonicalRequest and ResponseHead. */
interface Fields {
  readonly fields: Int32Array;
  readonly fieldCount: number;
}

/** Takes the fields away that go, and notes which lines are not needed. */
function mark(
  { fields, fieldCount }: Fields,
  bytes: Uint8Array,
  { byLength, prefixes, present }: FieldEdits,
): void {
  present.fill(0);
  for (let index = 0; index < fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FORWARD] === 0) continue;
    const start = fields[slot + NAME_START]!;
    const length = fields[slot + NAME_END]! - start;
    // First: a default looks at what is left.
    for (const prefix of prefixes)
      if (length >= prefix.length && isName(bytes, start, prefix)) fields[slot + FORWARD] = 0;
    if (fields[slot + FORWARD] === 0) continue;
    const names = byLength[length];
    if (names === undefined) continue;
    for (const { folded, isRemoved, defaults } of names) {
      if (!isName(bytes, start, folded)) continue;
      if (isRemoved) fields[slot + FORWARD] = 0;
      else for (const line of defaults) present[line] = 1;
    }
  }
}

function isName(bytes: Uint8Array, start: number, folded: string): boolean {
  for (let at = 0; at < folded.length; at++)
    // The lowest seven bits are the folded byte; the highest marks odd ones.
    if ((nameByte[bytes[start + at]!]! & 0x7f) !== folded.charCodeAt(at)) return false;
  return true;
}

/** Adds a field to what goes upstream, at the end of the arena. Neither name nor value may hold a line end. */
export function addField(request: CanonicalRequest, name: string, value: string): void {
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
