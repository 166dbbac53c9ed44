/** 1 for the characters of a token (RFC 9110 §5.6.2). */
export const tokenChar: Uint8Array = buildTokenChars();

/** End of the token that starts at `text[at]`; `at` itself when there is none. */
export function tokenEnd(text: string, at: number): number {
  while (at < text.length && tokenChar[text.charCodeAt(at)] === 1) at++;
  return at;
}

export function isToken(text: string): boolean {
  return text !== "" && tokenEnd(text, 0) === text.length;
}

function buildTokenChars(): Uint8Array {
  const table = new Uint8Array(256);
  const chars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const char of chars) table[char.charCodeAt(0)] = 1;
  return table;
}
