/** The offset after the name that starts at `from`. */
export function wordEnd(text: string, from: number): number {
  const { length } = text;
  for (let at = from; at < length; at += 1) {
    const char = text.charCodeAt(at);
    const part = nameParts[char];
    if (part === 1) continue;
    if (part === 0) return at;
    if (char === 0xe2 && isDash(text, at)) return at;
    if (char === 0xc2 && isSpace(text, at)) return at;
    // A lone 0xa0 is Latin-1's no-break space, which MySQL skips; behind another high byte it is part of a letter.
    if (char === 0xa0 && at > 0 && text.charCodeAt(at - 1) < 0x80) return at;
  }
  return length;
}

/** 1 for ASCII signs of a name, 2 for high bytes, which need a closer look. */
export const nameParts: Uint8Array = Uint8Array.from({ length: 256 }, (_, char) => {
  if (char >= 0x80) return 2;
  return isWordStart(char) || isDigit(char) || char === 0x24 ? 1 : 0;
});

export function isWordStart(char: number): boolean {
  return (char >= 0x61 && char <= 0x7a) || (char >= 0x41 && char <= 0x5a) || char === 0x5f || char >= 0x80;
}

export function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

export function isHex(char: number): boolean {
  return isDigit(char) || (char >= 0x61 && char <= 0x66);
}

export function isQuote(char: number): boolean {
  return char === 0x27 || char === 0x22;
}

/** UTF-8 of an en dash or em dash: what an editor makes of `--`. */
export function isDash(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== 0xe2 || text.charCodeAt(at + 1) !== 0x80) return false;
  const last = text.charCodeAt(at + 2);
  return last === 0x93 || last === 0x94;
}

/** UTF-8 of a no-break space. */
export function isSpace(text: string, at: number): boolean {
  return text.charCodeAt(at) === 0xc2 && text.charCodeAt(at + 1) === 0xa0;
}
