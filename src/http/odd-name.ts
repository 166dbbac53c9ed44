import { F, fieldFlags, fieldIdOf, GUARDED } from "./field.ts";

/**
 * Whether a field name with unusual token characters would become a guarded field (framing, forwarding, identity)
 * in a server that maps those characters to a hyphen, as CGI and WSGI do with `_`: `Transfer_Encoding`,
 * `X_Forwarded_For`, `X.Forwarded-For`. Rare path: only names with an odd character come here.
 */
export function imitatesGuardedField(source: Uint8Array, start: number, end: number): boolean {
  if (end - start > LONGEST_NAME) return false;
  let name = "";
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    const ordinary = (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
    name += ordinary ? String.fromCharCode(byte) : "-";
  }
  const id = fieldIdOf(name);
  return (
    id !== 0 &&
    ((fieldFlags[id]! & GUARDED) !== 0 || id === F.connection || id === F.expect || id === F.trailer)
  );
}

const LONGEST_NAME = 40;
