/**
 * Reads one tag as the HTML tokenizer does (WHATWG HTML 13.2.5.6 to .40), with its quirks: `/` separates attributes, a
 * name may hold quotes, an unquoted value ends at white space or `>`, a tag may stay open at the end of the text.
 * Other control characters count as white space, because filters and old browsers read them so.
 */

export interface Attribute {
  /** Lower-cased. */
  readonly name: string;
  readonly nameStart: number;
  /** Span of the value without its quotes; empty at the name's end when there is none. */
  readonly start: number;
  readonly end: number;
  readonly assigned: boolean;
  /** 0x22, 0x27 or 0 for an unquoted value. */
  readonly quote: number;
  /** Where the next attribute may start. */
  readonly next: number;
}

export interface Tag {
  /** Lower-cased, with a namespace prefix if there is one. */
  readonly name: string;
  readonly start: number;
  /** After `>`, or the end of the text when the tag is not closed. */
  readonly end: number;
  readonly closing: boolean;
  /** Whether `>` was seen. */
  readonly closed: boolean;
  readonly attributes: readonly Attribute[];
}

const ATTRIBUTES_MAX = 64;
const TAG_CHARS_MAX = 48;
const NAME_CHARS_MAX = 64;

/**
 * The tag whose `<` is at `at`, or undefined when no letter (after `/`) follows it. Nothing from `to` on is read, and at
 * most `attributesMax` attributes.
 */
export function readTag(
  lower: string,
  at: number,
  to: number = lower.length,
  attributesMax: number = ATTRIBUTES_MAX,
): Tag | undefined {
  let index = at + 1;
  const closing = lower.charCodeAt(index) === 0x2f;
  if (closing) index += 1;
  if (!isLetter(lower.charCodeAt(index))) return undefined;
  const nameStart = index;
  while (index < to && !endsName(lower.charCodeAt(index)) && index - nameStart < TAG_CHARS_MAX) index += 1;
  const attributes: Attribute[] = [];
  const name = lower.slice(nameStart, index);
  while (attributes.length < attributesMax) {
    const attribute = readAttribute(lower, index, to);
    if (attribute === undefined) break;
    attributes.push(attribute);
    index = attribute.next;
  }
  index = skipBlank(lower, index, to);
  const closed = index < to && lower.charCodeAt(index) === 0x3e;
  return { name, start: at, end: closed ? index + 1 : index, closing, closed, attributes };
}

/** The next attribute from `from` on, before `to`; undefined at `>` and at the end. */
export function readAttribute(lower: string, from: number, to: number): Attribute | undefined {
  let index = skipBlank(lower, from, to);
  if (index >= to || lower.charCodeAt(index) === 0x3e) return undefined;
  const nameStart = index;
  index += 1; // The first character may be `=`: it is part of the name then.
  while (index < to && !endsAttributeName(lower.charCodeAt(index))) index += 1;
  const nameEnd = index;
  while (index < to && lower.charCodeAt(index) <= 0x20) index += 1;
  const name = lower.slice(nameStart, Math.min(nameEnd, nameStart + NAME_CHARS_MAX));
  if (index >= to || lower.charCodeAt(index) !== 0x3d)
    return { name, nameStart, start: nameEnd, end: nameEnd, assigned: false, quote: 0, next: nameEnd };
  index += 1;
  while (index < to && lower.charCodeAt(index) <= 0x20) index += 1;
  const first = lower.charCodeAt(index);
  if (index < to && (first === 0x22 || first === 0x27)) {
    const start = index + 1;
    const close = lower.indexOf(first === 0x22 ? '"' : "'", start);
    const end = close < 0 || close > to ? to : close;
    return { name, nameStart, start, end, assigned: true, quote: first, next: Math.min(end + 1, to) };
  }
  const start = index;
  while (index < to && !endsUnquoted(lower.charCodeAt(index))) index += 1;
  return { name, nameStart, start, end: index, assigned: true, quote: 0, next: index };
}

/** White space, controls and `/` separate attributes. */
function skipBlank(lower: string, from: number, to: number): number {
  let index = from;
  while (index < to && (lower.charCodeAt(index) <= 0x20 || lower.charCodeAt(index) === 0x2f)) index += 1;
  return index;
}

/** The tag's name without a namespace prefix: `x:script` is a script where `x` is bound to XHTML. */
export function localName(name: string): string {
  const colon = name.lastIndexOf(":");
  return colon < 0 ? name : name.slice(colon + 1);
}

export function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
}

function endsName(code: number): boolean {
  return code <= 0x20 || code === 0x2f || code === 0x3e;
}

function endsAttributeName(code: number): boolean {
  return code <= 0x20 || code === 0x2f || code === 0x3e || code === 0x3d;
}

function endsUnquoted(code: number): boolean {
  return code <= 0x20 || code === 0x3e;
}
