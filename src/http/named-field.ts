import { nameByte } from "./field.ts";
import { type CanonicalRequest, FIELD_SLOTS, NAME_END, NAME_START } from "./request.ts";

/** Index of the first field of this name, which is in lower case, at or behind the index `from`; -1 = there is none. */
export function findNamedField(request: CanonicalRequest, name: string, from: number): number {
  const { arena, fields } = request;
  for (let index = from; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const start = fields[slot + NAME_START]!;
    if (fields[slot + NAME_END]! - start === name.length && isName(arena, start, name)) return index;
  }
  return -1;
}

function isName(arena: Buffer, start: number, name: string): boolean {
  for (let at = 0; at < name.length; at++)
    // The lowest seven bits are the folded byte; the highest marks odd ones.
    if ((nameByte[arena[start + at]!]! & 0x7f) !== name.charCodeAt(at)) return false;
  return true;
}
