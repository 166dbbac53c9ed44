import { addField } from "./field-edit.ts";
import { findNamedField } from "./named-field.ts";
import { type CanonicalRequest, FIELD_SLOTS, FORWARD, VALUE_END, VALUE_START } from "./request.ts";

/**
 * Takes every cookie of this name out of what goes upstream. The fields stay as they came, for the logs; what is left of
 * one goes as a line of its own.
 */
export function removeCookie(request: CanonicalRequest, name: string): void {
  let index = findNamedField(request, "cookie", 0);
  for (; index >= 0; index = findNamedField(request, "cookie", index + 1)) {
    // Adding a field may replace the array.
    const { fields } = request;
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FORWARD] === 0) continue;
    const pairs = request.text(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!).split(";");
    const kept = pairs.filter((pair) => nameOf(pair) !== name);
    if (kept.length === pairs.length) continue;
    fields[slot + FORWARD] = 0;
    const rest = kept.join(";").trim();
    if (rest !== "") addField(request, "Cookie", rest);
  }
}

function nameOf(pair: string): string {
  const equals = pair.indexOf("=");
  return (equals < 0 ? pair : pair.slice(0, equals)).trim();
}
