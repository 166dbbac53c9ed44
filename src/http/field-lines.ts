import { FIELD_ID, FIELD_SLOTS, VALUE_END, VALUE_START } from "./request.ts";

/**
 * All lines of a field as one list (RFC 9110 §5.3), of a request or of an answer, whether or not they are passed on;
 * "" = there is none. `id`: of `F`.
 */
export function fieldLines(source: Buffer, fields: Int32Array, fieldCount: number, id: number): string {
  let text: string | undefined;
  for (let slot = 0; slot < fieldCount * FIELD_SLOTS; slot += FIELD_SLOTS) {
    if (fields[slot + FIELD_ID] !== id) continue;
    const value = source.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
    text = text === undefined ? value : `${text}, ${value}`;
  }
  return text ?? "";
}

export function hasField(fields: Int32Array, fieldCount: number, id: number): boolean {
  for (let slot = 0; slot < fieldCount * FIELD_SLOTS; slot += FIELD_SLOTS)
    if (fields[slot + FIELD_ID] === id) return true;
  return false;
}
