import { type Decode, hexDigit, UNCHANGED, writeCodePoint } from "./decoder.ts";

/**
 * HTML character references: numeric ones with or without semicolon, and the named ones that write ASCII punctuation or
 * white space (HTML Living Standard, 13.5). The rest of the 2,231 names hide nothing that a browser acts on.
 *
 * Between tags of a page's text a reference to `<` stays what it is: there it never begins a tag, and every editor writes
 * the code that somebody quotes so.
 */
export const decodeEntities: Decode = (source, start, end, out) => {
  let to = 0;
  let changed = false;
  let isPage: boolean | undefined;
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if (byte === 0x26 && at + 2 < end) {
      const used = source[at + 1] === 0x23 ? numeric(source, at + 2, end) : named(source, at + 1, end);
      if (used !== 0) {
        const code = Math.floor(used / 0x40);
        if (code === LESS_THAN && (isPage ??= hasText(source, start, end))) {
          for (const until = at + (used % 0x40); at < until; at++) out[to++] = source[at]!;
          out[to++] = source[at]!;
          continue;
        }
        // The reader packs code and length into one number, so that nothing is allocated.
        to = writeCodePoint(code, out, to);
        at += used % 0x40;
        changed = true;
        continue;
      }
    }
    out[to++] = byte;
  }
  return changed ? to : UNCHANGED;
};

const LESS_THAN = 0x3c;

/** Ends of elements of text. `srcdoc` is a page in an attribute, whose references are undone before it is read. */
const TEXT_END =
  /<\/(?:p|div|span|pre|code|li|[uod]l|d[dt]|h[1-6]|t[dhr]|table|b|i|u|s|a|em|strong|small|mark|kbd|samp|tt|su[bp]|blockquote|figure|section|article|font|center)>/i;

function hasText(source: Uint8Array, start: number, end: number): boolean {
  const text = Buffer.from(source.buffer, source.byteOffset + start, end - start).latin1Slice();
  return TEXT_END.test(text) && !/srcdoc/i.test(text);
}

/** Longest reference that is read, `&` and `;` included: leading zeros are how filters are evaded. */
const REFERENCE_MAX = 40;

/** Code point × 64 + bytes after the `&`; 0 = no reference. */
function numeric(source: Uint8Array, at: number, end: number): number {
  const hex = at < end && (source[at]! | 0x20) === 0x78;
  const from = hex ? at + 1 : at;
  const until = Math.min(end, at + REFERENCE_MAX - 4);
  let code = 0;
  let next = from;
  for (; next < until; next++) {
    const digit = hexDigit(source[next]);
    if (digit < 0 || (!hex && digit > 9)) break;
    code = Math.min(code * (hex ? 16 : 10) + digit, 0x110000);
  }
  if (next === from) return 0;
  if (next < end && source[next] === 0x3b) next++;
  // `at` is two after the ampersand.
  return code * 0x40 + (next - at + 1);
}

const NAME_MAX = 20;

function named(source: Uint8Array, at: number, end: number): number {
  let hash = 0;
  let next = at;
  const until = Math.min(end, at + NAME_MAX);
  for (; next < until; next++) {
    const byte = source[next]!;
    const letter = byte | 0x20;
    if (letter < 0x61 || letter > 0x7a) break;
    hash = hashStep(hash, byte);
  }
  if (next === at) return 0;
  const code = codes.get(hash);
  if (code !== undefined && next < end && source[next] === 0x3b) return code * 0x40 + (next - at + 1);
  // Without the semicolon only the old names count, and not before `=`: `?a=1&lt=5` and `&ltv=3` are queries.
  return next < end && source[next] === 0x3d ? 0 : legacyPrefix(source, at, next);
}

/** `&ltscript` is `<script` in text: an old name ends by itself. */
function legacyPrefix(source: Uint8Array, at: number, until: number): number {
  let hash = 0;
  for (let next = at; next < until && next < at + 4; next++) {
    hash = hashStep(hash, source[next]!);
    if (legacy.has(hash)) return codes.get(hash)! * 0x40 + (next + 1 - at);
  }
  return 0;
}

function hashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

/** Exported for the test that proves the hash free of collisions. */
export const entityNames: Readonly<Record<string, string>> = {
  "<": "lt LT",
  ">": "gt GT",
  "&": "amp AMP",
  '"': "quot QUOT",
  "'": "apos",
  " ": "nbsp",
  "\t": "Tab",
  "\n": "NewLine",
  ":": "colon",
  "(": "lpar",
  ")": "rpar",
  "{": "lbrace lcub",
  "}": "rbrace rcub",
  "[": "lsqb lbrack",
  "]": "rsqb rbrack",
  "/": "sol",
  "\\": "bsol",
  "!": "excl",
  "#": "num",
  $: "dollar",
  "%": "percnt",
  "*": "ast midast",
  "+": "plus",
  ",": "comma",
  ".": "period",
  ";": "semi",
  "=": "equals",
  "?": "quest",
  "@": "commat",
  "^": "Hat",
  "`": "grave DiacriticalGrave",
  _: "lowbar UnderBar",
  "|": "vert verbar VerticalLine",
};

export function hashEntityName(name: string): number {
  let hash = 0;
  for (let at = 0; at < name.length; at++) hash = hashStep(hash, name.charCodeAt(at));
  return hash;
}

const codes: ReadonlyMap<number, number> = new Map(
  Object.entries(entityNames).flatMap(([character, names]) =>
    names.split(" ").map((name) => [hashEntityName(name), character.charCodeAt(0)] as const),
  ),
);
const legacy: ReadonlySet<number> = new Set(
  ["lt", "LT", "gt", "GT", "amp", "AMP", "quot", "QUOT", "nbsp"].map(hashEntityName),
);
