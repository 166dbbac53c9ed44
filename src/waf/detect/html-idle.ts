import { BLOCK, COLON as COLON_FLAG, DASH as DASH_FLAG, HIGH, MARKUP } from "../harmless.ts";

/**
 * Whether a text is too plain for the html detector to say anything about it, told by one look at its bytes: no sign
 * that tags, attributes, references and styles need, no colon that could end a script scheme, no event's name at the
 * end. `on`, which begins every event, is part of a word in most texts. False says nothing.
 * test/waf/detect/idle.test.ts holds it against the detector.
 */
export function isIdleText(bytes: Uint8Array, start: number, end: number, flags: number): boolean {
  if ((flags & MARKUP) !== 0 || endsInEvent(bytes, start, end)) return false;
  if ((flags & (COLON_FLAG | DASH_FLAG | BLOCK | HIGH)) === 0) return true;
  for (let at = start; at < end; at++) {
    const role = roles[bytes[at]!]!;
    if (role === PLAIN) continue;
    if (role === SIGN) return false;
    if (role === COLON) {
      if (at > start && endsScheme[bytes[at - 1]!] === 1) return false;
    } else if (at + 1 < end && (bytes[at + 1]! | 0x20) === followed[role]) return false;
  }
  return true;
}

const PLAIN = 0;
const SIGN = 1;
const COLON = 2;
/** `!` of `!entity`, `-` of `-moz-binding`. */
const DECLARATION = 3;
const DASH = 4;

const roles: Uint8Array = new Uint8Array(256);
/** `<` with the high bit set: US-ASCII decoders of old browsers dropped it. */
roles[0xbc] = SIGN;
roles[0x3a] = COLON;
roles[0x21] = DECLARATION;
roles[0x2d] = DASH;

/** Of `expression`, which runs in a style sheet. */
const EXPRESSION = 5;
roles[0x58] = roles[0x78] = EXPRESSION;

/** By role: the letter behind it that matters. */
const followed: readonly number[] = [0, 0, 0, 0x65, 0x6d, 0x70];

/**
 * 1 for the last letters of script schemes, and for what is skipped in them: controls, `\`, comments, bytes of white
 * space in UTF-8. Anything else before a colon, such as `https`, is no program.
 */
const endsScheme: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte >= 0x7f || "TtAa\\/".includes(String.fromCharCode(byte)) ? 1 : 0,
);

/** Whether the last word is `on` and at least three letters: also of a text that is nothing else. */
function endsInEvent(bytes: Uint8Array, start: number, end: number): boolean {
  let to = end;
  while (to > start && (bytes[to - 1]! <= 0x20 || bytes[to - 1] === 0xa0)) to--;
  let from = to;
  while (from > start && isLetter(bytes[from - 1]!)) from--;
  return to - from >= 5 && (bytes[from]! | 0x20) === 0x6f && (bytes[from + 1]! | 0x20) === 0x6e;
}

function isLetter(byte: number): boolean {
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x7a && byte < 0x80;
}
