/** Finds the values of a query that a log must not show. Holds nothing, allocates nothing. */
export interface QueryMask {
  /**
   * Start of the next value to hide in `source[from, end)`, or `end`. `from` is where a name begins: the query's start,
   * or the end of the value before. Empty values are not hidden: there is nothing to hide.
   */
  nextHidden(source: Uint8Array, from: number, end: number): number;
}

/** `names` in lower case; "*" = all, and then a word without "=" is taken for a value. */
export function buildQueryMask(names: readonly string[]): QueryMask {
  const all = names.includes("*");
  const byLength: Uint8Array[][] = [];
  for (const name of names) {
    const bytes = Buffer.from(name);
    (byLength[bytes.length] ??= []).push(bytes);
  }

  const hides = (source: Uint8Array, start: number, end: number, length: number): boolean => {
    const candidates = byLength[length];
    if (candidates === undefined) return false;
    for (const name of candidates) if (isName(source, start, end, name)) return true;
    return false;
  };

  return {
    nextHidden(source, from, end) {
      let at = from;
      while (at < end) {
        const nameStart = at;
        let escapes = 0;
        let byte = source[at]!;
        while (byte !== AMPERSAND && byte !== SEMICOLON && byte !== EQUALS) {
          if (byte === PERCENT) escapes++;
          if (++at >= end) break;
          byte = source[at]!;
        }
        const hasValue = at < end && byte === EQUALS;
        if (all || (hasValue && hides(source, nameStart, at, at - nameStart - 2 * escapes))) {
          const valueStart = hasValue ? at + 1 : nameStart;
          if (valueStart < end && source[valueStart] !== AMPERSAND) return valueStart;
        }
        while (at < end && source[at] !== AMPERSAND && source[at] !== SEMICOLON) at++;
        at++;
      }
      return end;
    },
  };
}

/** A name may follow ";" too, as some applications read it, but a value that is hidden goes on to "&". */
export function hiddenEnd(source: Uint8Array, start: number, end: number): number {
  while (start < end && source[start] !== AMPERSAND) start++;
  return start;
}

/** As an application would read it: `%74oken` is `token`, in any case. */
function isName(source: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  let at = start;
  for (let i = 0; i < name.length; i++) {
    let byte = source[at++]!;
    if (byte === PERCENT) {
      byte = hexDigit(source[at]!) * 16 + hexDigit(source[at + 1]!);
      at += 2;
    } else if (byte === PLUS) byte = SPACE;
    if (byte >= 65 && byte <= 90) byte += 32;
    if (byte !== name[i]) return false;
  }
  return at === end;
}

/** NaN for what is none, which no byte equals. */
function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : Number.NaN;
}

const SPACE = 32;
const PERCENT = 37;
const AMPERSAND = 38;
const PLUS = 43;
const SEMICOLON = 59;
const EQUALS = 61;
