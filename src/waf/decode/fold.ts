import { type Decode, UNCHANGED } from "./decoder.ts";

/**
 * UTF-8 that some reader takes for ASCII: overlong forms, full-width and small forms, mathematical letters (NFKC), the
 * quotes, brackets and slashes that databases map by "best fit", white space of other scripts; marks without width are
 * removed. Other characters stay.
 */
export const foldToAscii: Decode = (source, start, end, out) => {
  let to = 0;
  let changed = false;
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if (byte < 0xc0) {
      out[to++] = byte;
      continue;
    }
    const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    const code = at + size <= end ? codePoint(source, at, size) : -1;
    const folded = code < 0 ? -1 : fold(code);
    if (folded < 0) {
      out[to++] = byte;
      continue;
    }
    if (folded !== REMOVED) out[to++] = folded;
    at += size - 1;
    changed = true;
  }
  return changed ? to : UNCHANGED;
};

/** Decodes without asking for the shortest form; -1 when a continuation byte is missing. */
function codePoint(source: Uint8Array, at: number, size: number): number {
  let code = source[at]! & (size === 2 ? 0x1f : size === 3 ? 0x0f : 0x07);
  for (let next = at + 1; next < at + size; next++) {
    const byte = source[next]!;
    if ((byte & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (byte & 0x3f);
  }
  return code;
}

const REMOVED = 0x100;

/** The ASCII byte that a character is taken for, REMOVED, or -1. */
function fold(code: number): number {
  // A sequence of two or more bytes for ASCII is overlong; no encoder writes it.
  if (code < 0x80) return code;
  if (code >= 0xff01 && code <= 0xff5e) return code - 0xfee0;
  if (code >= 0x1d400 && code <= 0x1d6a3) return letter((code - 0x1d400) % 52);
  if (code >= 0x1d7ce && code <= 0x1d7ff) return 0x30 + ((code - 0x1d7ce) % 10);
  if (code >= 0x24b6 && code <= 0x24cf) return letter(code - 0x24b6);
  if (code >= 0x24d0 && code <= 0x24e9) return letter(26 + code - 0x24d0);
  if (code >= 0x2000 && code <= 0x200a) return 0x20;
  if ((code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e)) return REMOVED;
  if (code >= 0x2060 && code <= 0x2064) return REMOVED;
  const row = singles.get(code);
  return row ?? -1;
}

function letter(index: number): number {
  return index < 26 ? 0x41 + index : 0x61 + index - 26;
}

/** Left: what it becomes; right: the characters. "" = removed. */
const rows: readonly (readonly [string, string])[] = [
  ["'", "\u2018\u2019\u201a\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u02c8\u275b\u275c"],
  ['"', "\u201c\u201d\u201e\u201f\u2033\u02ba\u02ee\u275d\u275e\u301d\u301e"],
  ["<", "\u2039\u27e8\u2329\u3008\ufe64\u276c\u276e\u02c2"],
  [">", "\u203a\u27e9\u232a\u3009\ufe65\u276d\u276f\u02c3"],
  ["/", "\u2044\u2215\u2571\u29f8"],
  ["\\", "\u2216\u29f5\u29f9\ufe68"],
  [".", "\u2024\ufe52"],
  [":", "\ufe55\ua789\u2236\u02d0"],
  [";", "\ufe54\u037e"],
  ["=", "\ufe66\ua78a"],
  ["(", "\ufe59\u207d\u208d"],
  [")", "\ufe5a\u207e\u208e"],
  ["{", "\ufe5b"],
  ["}", "\ufe5c"],
  ["|", "\u01c0\u2223\u2758"],
  ["-", "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63"],
  ["*", "\u204e\u2217\ufe61"],
  ["&", "\ufe60"],
  ["#", "\ufe5f"],
  ["$", "\ufe69"],
  ["%", "\ufe6a\u066a"],
  ["+", "\ufe62\u207a\u208a"],
  ["!", "\u01c3\ufe57"],
  [",", "\u201a\ufe50"],
  ["`", "\u02cb\u1fef"],
  [" ", "\u00a0\u1680\u202f\u205f\u3000"],
  ["\n", "\u2028\u2029\u0085"],
  ["s", "\u017f"],
  ["K", "\u212a"],
  ["i", "\u0131"],
  ["", "\u00ad\ufeff\u180e\u034f"],
];

const singles: ReadonlyMap<number, number> = new Map(
  rows.flatMap(([ascii, characters]) =>
    [...characters].map(
      (character) => [character.codePointAt(0)!, ascii === "" ? REMOVED : ascii.charCodeAt(0)] as const,
    ),
  ),
);
