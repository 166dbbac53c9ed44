import type { CanonicalRequest } from "../http/request.ts";
import { holdsAddress, type RangeTable } from "../identity/range-table.ts";
import { type Reason, reasons } from "../reason.ts";
import { type ClientLists, isExempt } from "./client-lists.ts";
import type { OffenceWatch } from "./offence-watch.ts";

/** What a worker knows of bans. Met by state.ts `State.bans`. */
export interface BanDesk {
  /** As the primary pushed it last; undefined = nobody. */
  banned: RangeTable | undefined;
  /** Undefined without `[ban]`. */
  watch: OffenceWatch | undefined;
}

/** Refuses clients that the primary has banned, unless they are exempt: an operator's word stands above what was counted. */
export function checkBan(
  request: CanonicalRequest,
  { banned }: BanDesk,
  lists: ClientLists | undefined,
  isSlow: boolean,
): Reason | undefined {
  if (banned === undefined || !holdsAddress(banned, request.clientIp)) return undefined;
  if (isExempt(request, lists)) return undefined;
  request.tarpit = isSlow;
  return reasons.banned;
}
