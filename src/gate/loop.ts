import { F } from "../http/field.ts";
import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS, VALUE_END, VALUE_START } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { GateContext } from "./context.ts";

/** Refuses a request that has passed this gateway before: its own random name stands in Via (RFC 9110 §7.6.3). */
export function checkLoop(request: CanonicalRequest, context: GateContext): Reason | undefined {
  const first = request.firstField[F.via]!;
  if (first < 0) return undefined;
  for (let index = first; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (request.fields[slot + FIELD_ID] !== F.via) continue;
    const value = request.arena.subarray(
      request.fields[slot + VALUE_START]!,
      request.fields[slot + VALUE_END]!,
    );
    if (value.includes(context.viaName, 0, "latin1")) return reasons.loop;
  }
  return undefined;
}
