import { type Reason, reasons } from "../reason.ts";

/**
 * Whether the query `source[start, end)`, its `?` first, may be forwarded byte-exact. Percent signs are left alone:
 * servers and scripts disagree on them, and the WAF decodes its own view. `paramsMax` bounds the `&`-separated
 * parameters, empty ones included, because everything after us allocates one thing per parameter.
 */
export function checkQuery(
  source: Uint8Array,
  start: number,
  end: number,
  paramsMax: number,
): Reason | undefined {
  let params = 1;
  for (let at = start + 1; at < end; at++) {
    const kind = queryKind[source[at]!]!;
    if (kind === PLAIN) continue;
    if (kind === REFUSED) return source[at] === 0x23 ? reasons.fragment : reasons.targetChar;
    params++;
  }
  return params > paramsMax ? reasons.queryCount : undefined;
}

const PLAIN = 0;
const AMPERSAND = 1;
const REFUSED = 2;
const queryKind = buildQueryKinds();

/** Printable ASCII but for `"`, `<`, `>` and `#`: browsers leave the rest raw, also where RFC 3986 says otherwise. */
function buildQueryKinds(): Uint8Array {
  const kinds = new Uint8Array(256).fill(REFUSED);
  kinds.fill(PLAIN, 0x21, 0x7f);
  for (const byte of Buffer.from('"<>#', "latin1")) kinds[byte] = REFUSED;
  kinds[0x26] = AMPERSAND;
  return kinds;
}
