import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS, FORWARD } from "./request.ts";

/** Makes `to` the same request as `from`, for a fetch that may outlive the exchange. Without what only gates look at. */
export function copyRequest(from: CanonicalRequest, to: CanonicalRequest): void {
  to.reset();
  to.reserve(from.arenaEnd);
  from.arena.copy(to.arena, 0, 0, from.arenaEnd);
  to.arenaEnd = from.arenaEnd;
  if (to.fields.length < from.fieldCount * FIELD_SLOTS) to.growFields(from.fieldCount);
  to.fields.set(from.fields.subarray(0, from.fieldCount * FIELD_SLOTS));
  to.firstField.set(from.firstField);
  for (const name of COPIED) (to as unknown as Record<string, unknown>)[name] = from[name];
}

/** Fields with this id stay here. */
export function withhold(request: CanonicalRequest, id: number): void {
  if (request.firstField[id]! < 0) return;
  for (let index = request.firstField[id]!; index < request.fieldCount; index++)
    if (request.fields[index * FIELD_SLOTS + FIELD_ID] === id)
      request.fields[index * FIELD_SLOTS + FORWARD] = 0;
}

/** Everything that says what goes upstream, and as whose. */
export const COPIED = [
  "method",
  "version",
  "secure",
  "pathStart",
  "pathEnd",
  "routePathStart",
  "routePathEnd",
  "hasEncodedSlash",
  "queryStart",
  "queryEnd",
  "sentTargetStart",
  "sentTargetEnd",
  "sentHostLine",
  "hostStart",
  "hostEnd",
  "port",
  "fieldCount",
  "bodyKind",
  "bodyLength",
  "idLinesStart",
  "idLinesEnd",
  "requestIdStart",
  "requestIdEnd",
  "traceStart",
  "traceEnd",
  "parentSpanStart",
  "sampled",
  "clientAddress",
  "clientIp",
] as const satisfies readonly (keyof CanonicalRequest)[];
