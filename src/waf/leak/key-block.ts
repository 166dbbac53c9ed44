/**
 * Where the secret of a PEM private key begins whose `-----BEGIN` stands at `at`; -1 = there is none, or not enough of it
 * is here to say so (`isLast`: no more will come). Line ends may be escaped, as in JSON.
 */
export function keyStart(text: string, at: number): number {
  BEGIN.lastIndex = at;
  const begin = BEGIN.exec(text);
  if (begin === null) return -1;
  const start = at + begin[0].length;
  BODY.lastIndex = start;
  return BODY.test(text) ? start : -1;
}

const BEGIN = /-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED) )?PRIVATE KEY-----/y;
/** Forty characters of it: documents show fewer, or dots. */
const BODY = /(?:\s|\\[nr]){1,4}(?:(?:Proc-Type|DEK-Info): [^\n]{1,100}\n\s{0,4}){0,2}[A-Za-z0-9+/]{40}/y;

/** Bytes from the marker on that decide. */
export const KEY_BYTES_MIN = 384;
