import { type Reason, reasons } from "../reason.ts";
import { ASCII, F, fieldFlags, SCRUB, SINGLETON } from "./field.ts";
import type { CanonicalRequest } from "./request.ts";

/**
 * What a field that means something to the gateway (`id`, not 0) may be, whichever protocol brought it as field number
 * `index`: whether it may hold bytes outside ASCII (`isEightBit`), and whether it may come again. Notes it in the
 * request.
 */
export function admitKnownField(
  request: CanonicalRequest,
  id: number,
  index: number,
  isEightBit: boolean,
): Reason | undefined {
  const flags = fieldFlags[id]!;
  if (isEightBit && (flags & ASCII) !== 0) return id === F.host ? reasons.hostSyntax : reasons.fieldEightBit;
  if ((flags & SCRUB) !== 0) request.scrubbed++;
  if (request.firstField[id] === -1) request.firstField[id] = index;
  else if ((flags & SINGLETON) !== 0) return reasons.singletonDup;
  else if (id === F.host) return reasons.hostDup;
  else if (id === F.contentLength) return reasons.contentLength;
  else if (id === F.transferEncoding) return reasons.transferEncodingSyntax;
  return undefined;
}
