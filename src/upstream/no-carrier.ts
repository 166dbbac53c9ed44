import { reasons } from "../reason.ts";
import type { Fault } from "./answer-sink.ts";

/**
 * Why an endpoint has nothing to send a request by: no address of its host is known; its HTTP/2 sessions are full; the
 * connections that are being made do not come about.
 */
export type NoCarrier = "no_address" | "streams" | "connecting";

export function faultWithoutCarrier(why: NoCarrier): Fault {
  const reason = why === "no_address" ? reasons.upstreamUnavailable : reasons.upstreamBusy;
  return { reason, nothingSent: true, detail: why };
}
