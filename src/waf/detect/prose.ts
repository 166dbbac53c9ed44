/**
 * Does a name stand in a sentence: two words before it, two behind? Then somebody writes about it. Code that is to be
 * evaluated has no words around it: it would not be read.
 */
export function isBetweenWords(lower: string, start: number, end: number): boolean {
  return (
    /(?:^|[\s(])[a-z']{1,15},? [a-z']{1,15} ["'`(]?$/.test(lower.slice(Math.max(0, start - 40), start)) &&
    /^[)\]"'`]{0,2}[,.;:?!]? [a-z']{1,15},? [a-z']{1,15}/.test(lower.slice(end, end + 48))
  );
}
