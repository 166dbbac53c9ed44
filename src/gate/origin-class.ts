import type { CanonicalRequest } from "../http/request.ts";
import type { IdentityLine } from "../identity/identity.ts";
import { holdsAddress, type RangeTable } from "../identity/range-table.ts";
import { type Reason, reasons } from "../reason.ts";
import { type ClientLists, isExempt } from "./client-lists.ts";
import { addIdentityLines } from "./identity-fields.ts";

/** From what kind of network a client comes: `[sovereign]`, compiled. */
export interface OriginClass {
  readonly name: string;
  readonly isDenied: boolean;
  /** `X-Zion-Origin-Class`, for the upstream. */
  readonly lines: readonly IdentityLine[];
  readonly counts: OriginCounts;
}

/** Kept by name across reloads. */
export interface OriginCounts {
  requests: number;
}

export interface OriginClasses {
  /** The first that holds an address decides its class. */
  readonly networks: readonly { readonly ranges: RangeTable; readonly origin: OriginClass }[];
  /** Whom none of them holds. */
  readonly unknown: OriginClass;
  /** Refusals go through the tarpit. */
  readonly isSlow: boolean;
  /** The class stands in the access log. */
  readonly isLogged: boolean;
}

/** Finds the class of the client, tells the upstream, and refuses classes that are not let in. */
export function checkOriginClass(
  request: CanonicalRequest,
  classes: OriginClasses | undefined,
  lists: ClientLists | undefined,
): Reason | undefined {
  if (classes === undefined) return undefined;
  const origin = findClass(request, classes);
  origin.counts.requests++;
  addIdentityLines(request, origin);
  if (classes.isLogged) request.originClass = origin.name;
  if (!origin.isDenied || isExempt(request, lists)) return undefined;
  request.refusalDetail = origin.name;
  request.tarpit = classes.isSlow;
  return reasons.originClass;
}

/** Behind a forwarding chain that cannot be read the address is the proxy's, which says nothing of the client. */
function findClass(request: CanonicalRequest, { networks, unknown }: OriginClasses): OriginClass {
  if (request.clientMalformed) return unknown;
  for (const { ranges, origin } of networks) if (holdsAddress(ranges, request.clientIp)) return origin;
  return unknown;
}
