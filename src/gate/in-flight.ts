import type { CanonicalRequest } from "../http/request.ts";
import type { InFlight } from "../limit/in-flight.ts";
import type { KeyHash } from "../limit/key-hash.ts";
import { type Reason, reasons } from "../reason.ts";
import { hashAddress } from "./limit-key.ts";

/** What caps of exchanges under way need in a worker. Met by limit/limits.ts `Limits`. */
export interface InFlightDesk {
  readonly hash: KeyHash;
  readonly inFlight: InFlight;
}

/** Exchanges of one route that are under way in this worker. Kept across reloads. */
export interface RouteLoad {
  inFlight: number;
}

/** Takes a place of `max_in_flight_per_ip`, by the client's IPv4 address or IPv6 /64; `leaveInFlight` gives it back. */
export function checkAddressInFlight(
  request: CanonicalRequest,
  max: number,
  desk: InFlightDesk,
): Reason | undefined {
  if (max === 0) return undefined;
  const { hash } = desk;
  hash.begin(0);
  hashAddress(request, SUBNET_64, hash);
  // 53 of the 64 bits: what a number holds exactly.
  const key = (hash.hi & 0x1fffff) * 0x1_0000_0000 + hash.lo;
  if (!desk.inFlight.enter(key, max)) {
    request.answerLines += "Retry-After: 1\r\n";
    return reasons.inFlightAddress;
  }
  request.inFlightKey = key;
  return undefined;
}

/** Takes a place of the route's `max_in_flight`; `leaveInFlight` gives it back. */
export function checkRouteInFlight(
  request: CanonicalRequest,
  route: { readonly inFlightMax: number; readonly counters: { readonly load: RouteLoad } },
): Reason | undefined {
  const { load } = route.counters;
  if (load.inFlight >= route.inFlightMax) return reasons.inFlightRoute;
  load.inFlight++;
  request.inFlightLoad = load;
  return undefined;
}

/** At the end of every exchange, whatever it took. */
export function leaveInFlight(request: CanonicalRequest, desk: InFlightDesk): void {
  if (request.inFlightKey >= 0) desk.inFlight.leave(request.inFlightKey);
  if (request.inFlightLoad !== undefined) request.inFlightLoad.inFlight--;
  request.inFlightKey = -1;
  request.inFlightLoad = undefined;
}

const SUBNET_64 = Int32Array.of(-1, -1, 0, 0);
