import { findNamedField } from "../http/named-field.ts";
import {
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import type { Trailers } from "../http/trailer.ts";
import type { Identity } from "../identity/identity.ts";
import type { GateContext } from "./context.ts";

/**
 * Takes fields away that only the gateway may set, on every route: the names of `claim_headers` and `answer_fields`.
 * Those that it always sets itself are gone since the head was read.
 */
export function scrubIdentity(request: CanonicalRequest, { identityFields }: GateContext): undefined {
  for (const name of identityFields) {
    let index = findNamedField(request, name, 0);
    for (; index >= 0; index = findNamedField(request, name, index + 1)) {
      const slot = index * FIELD_SLOTS;
      if (request.fields[slot + FORWARD] === 1) request.scrubbed++;
      request.fields[slot + FORWARD] = 0;
    }
  }
}

/** The same for trailers: some servers merge them into the head. */
export function scrubTrailers(
  trailers: Trailers,
  { identityFields }: Pick<GateContext, "identityFields">,
): Trailers {
  if (identityFields.length === 0) return trailers;
  // Name and value in turn: both go by the name.
  return trailers.filter((_text, index) => !identityFields.includes(trailers[index - (index % 2)]!));
}

/** Tells the upstream who it is, or what else only the gateway may say. */
export function addIdentityLines(request: CanonicalRequest, { lines }: Pick<Identity, "lines">): void {
  for (const { id, nameBytes, line } of lines) {
    request.reserve(line.length);
    const start = request.arenaEnd;
    request.arena.set(line, start);
    request.arenaEnd = start + line.length;
    const slot = request.fieldCount * FIELD_SLOTS;
    const fields =
      slot + FIELD_SLOTS > request.fields.length
        ? request.growFields(request.fieldCount + FIELDS_MORE)
        : request.fields;
    fields[slot + NAME_START] = start;
    fields[slot + NAME_END] = start + nameBytes;
    fields[slot + VALUE_START] = start + nameBytes + 2;
    fields[slot + VALUE_END] = start + line.length - 2;
    fields[slot + FIELD_ID] = id;
    fields[slot + FORWARD] = 1;
    request.fieldCount++;
  }
}

const FIELDS_MORE = 16;
