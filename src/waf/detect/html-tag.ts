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
const NAME_CHARS_MAX = 64;

/** The tag whose `<` is at `at`, or undefined when no letter (after `/`) follows it. */
export function readTag(lower: string, at: number): Tag | undefined {
  let index = at + 1;
  const closing = lower.charCodeAt(index) === 0x2f;
  if (closing) index += 1;
  if (!isLetter(lower.charCodeAt(index))) return undefined;
  const nameStart = index;
  while (index < lower.length && !endsName(lower.charCodeAt(index)) && index - nameStart < NAME_CHARS_MAX) {
    index += 1;
  }
  const attributes: Attribute[] = [];
  const name = lower.slice(nameStart, index);
  const end = readAttributes(lower, index, attributes);
  return { name, start: at, end, closing, closed: lower.charCodeAt(end - 1) === 0x3e, attributes };
}

/**
 * Reads attributes from `from` up to and with `>`; returns the offset after what it read. Stops after 64 attributes.
 */
export function readAttributes(lower: string, from: number, into: Attribute[]): number {
  let index = from;
  while (index < lower.length && into.length < ATTRIBUTES_MAX) {
    const code = lower.charCodeAt(index);
    if (code === 0x3e) return index + 1;
    if (code <= 0x20 || code === 0x2f) {
      index += 1;
      continue;
    }
    const nameStart = index;
    index += 1; // The first character may be `=`: it is part of the name then.
    while (index < lower.length && !endsAttributeName(lower.charCodeAt(index))) index += 1;
    const nameEnd = index;
    while (index < lower.length && lower.charCodeAt(index) <= 0x20) index += 1;
    let start = nameEnd;
    let end = nameEnd;
    let quote = 0;
    const assigned = lower.charCodeAt(index) === 0x3d;
    if (assigned) {
      index += 1;
      while (index < lower.length && lower.charCodeAt(index) <= 0x20) index += 1;
      const first = lower.charCodeAt(index);
      if (first === 0x22 || first === 0x27) {
        quote = first;
        start = index + 1;
        end = lower.indexOf(first === 0x22 ? '"' : "'", start);
        if (end < 0) end = lower.length;
        index = Math.min(end + 1, lower.length);
      } else {
        start = index;
        while (index < lower.length && !endsUnquoted(lower.charCodeAt(index))) index += 1;
        end = index;
      }
    } else {
      index = nameEnd;
    }
    const name = lower.slice(nameStart, Math.min(nameEnd, nameStart + NAME_CHARS_MAX));
    into.push({ name, nameStart, start, end, assigned, quote });
  }
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
