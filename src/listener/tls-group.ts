/** Key exchange groups that can be agreed on here, as the label of `zion_tls_groups_total`. */
export type TlsGroup = "X25519MLKEM768" | "X25519" | "prime256v1" | "other";

/**
 * The group of a finished handshake, out of OpenSSL's own encoding of its session: Node does not tell a server. The field
 * is `kex_group`, [19] of SSL_SESSION_ASN1 (OpenSSL 3, ssl_asn1.c); resumed sessions have that of their own handshake.
 * "other" where it is not found. Never throws. Wipes the bytes: the session's secret is in them.
 */
export function takeTlsGroup(session: Buffer | undefined): TlsGroup {
  if (session === undefined) return "other";
  const group = readTlsGroup(session);
  session.fill(0);
  return group;
}

function readTlsGroup(session: Buffer): TlsGroup {
  const outer = valueAt(session, 0);
  let at = outer.start;
  while (at < outer.end) {
    const { start, end } = valueAt(session, at);
    if (session[at] === KEX_GROUP) {
      const number = valueAt(session, start);
      return groups.get(session.subarray(number.start, number.end).toString("hex")) ?? "other";
    }
    if (end <= at) break;
    at = end;
  }
  return "other";
}

/** `[19]`, constructed. */
const KEX_GROUP = 0xb3;

/** By their code points (RFC 8446 §4.2.7, draft-ietf-tls-ecdhe-mlkem) as DER integers. */
const groups: ReadonlyMap<string, TlsGroup> = new Map([
  ["11ec", "X25519MLKEM768"],
  ["1d", "X25519"],
  ["17", "prime256v1"],
]);

/** Where the content of the DER value at `at` begins and ends; nothing where it is cut short. */
function valueAt(bytes: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = bytes[at + 1] ?? 0;
  if (first < 0x80) return { start: at + 2, end: Math.min(bytes.length, at + 2 + first) };
  const count = first & 0x7f;
  const start = at + 2 + count;
  if (count === 0 || count > 3 || start > bytes.length) return { start: bytes.length, end: bytes.length };
  return { start, end: Math.min(bytes.length, start + bytes.readUIntBE(at + 2, count)) };
}
