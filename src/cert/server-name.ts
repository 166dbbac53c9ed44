/**
 * `name` in the one form that certificates are looked up by: lower case, no trailing dot, letters, digits, `-` and `_`
 * in labels of 1 to 63, 253 characters at most. Undefined for everything else, so hostile names (NUL, `*.a`,
 * full-width dots, the Kelvin sign that lower-cases to `k`) match no certificate of their own. IPv4 literals pass as
 * names. Allocates only when something must be folded. RFC 6066 §3, RFC 9110 §4.3.4.
 */
export function foldServerName(name: string): string | undefined {
  const last = name.length - 1;
  const end = last > 0 && name.charCodeAt(last) === DOT ? last : name.length;
  if (end === 0 || end > nameLengthMax) return undefined;
  let labelStart = 0;
  let hasUpper = false;
  for (let i = 0; i < end; i++) {
    const code = name.charCodeAt(i);
    if (code === DOT) {
      if (i === labelStart || i - labelStart > labelLengthMax) return undefined;
      labelStart = i + 1;
    } else if (code >= UPPER_A && code <= UPPER_Z) {
      hasUpper = true;
    } else if (!isLabelByte(code)) {
      return undefined;
    }
  }
  if (end === labelStart || end - labelStart > labelLengthMax) return undefined;
  const bare = end === name.length ? name : name.slice(0, end);
  return hasUpper ? bare.toLowerCase() : bare;
}

const nameLengthMax = 253;
const labelLengthMax = 63;
const DOT = 0x2e;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;

/** `a`-`z`, `0`-`9`, `-`, `_`. */
function isLabelByte(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f;
}
