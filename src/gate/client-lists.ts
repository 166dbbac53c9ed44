import { F } from "../http/field.ts";
import type { CanonicalRequest } from "../http/request.ts";
import { holdsAddress, type RangeTable } from "../identity/range-table.ts";
import { type Reason, reasons } from "../reason.ts";

/** `[list.NAME]`, compiled. A client is on it by its address or by its User-Agent. */
export interface ClientList {
  readonly name: string;
  readonly ranges: RangeTable;
  /** Lower-case parts of a User-Agent. */
  readonly userAgents: readonly string[];
  /** Its refusals go through the tarpit. */
  readonly isSlow: boolean;
  readonly counts: ListCounts;
}

/** Kept by name across reloads. */
export interface ListCounts {
  matches: number;
}

/** The lists of a listener or a route, by what they do. */
export interface ClientLists {
  /** Whoever is on one of them is not asked for the others. */
  readonly exempt: readonly ClientList[];
  readonly deny: readonly ClientList[];
  /** Where there are some, whoever is on none of them is refused. */
  readonly allow: readonly ClientList[];
}

/** Judges the client by the lists; undefined = there are none. */
export function checkLists(request: CanonicalRequest, lists: ClientLists | undefined): Reason | undefined {
  if (lists === undefined) return undefined;
  if (findList(request, lists.exempt, false) !== undefined) return undefined;
  const denied = findList(request, lists.deny, true);
  if (denied !== undefined) {
    request.refusalDetail = denied.name;
    request.tarpit = denied.isSlow;
    return reasons.listDenied;
  }
  if (lists.allow.length === 0 || findList(request, lists.allow, false) !== undefined) return undefined;
  request.refusalDetail = lists.allow[0]!.name;
  return reasons.listNotAllowed;
}

/** Whether an operator said that this client is not to be kept out. */
export function isExempt(request: CanonicalRequest, lists: ClientLists | undefined): boolean {
  return lists?.exempt.some((list) => isOn(request, list, false)) === true;
}

/** The first list that the client is on, which counts it. */
function findList(
  request: CanonicalRequest,
  lists: readonly ClientList[],
  isDeny: boolean,
): ClientList | undefined {
  for (let index = 0; index < lists.length; index++) {
    const list = lists[index]!;
    if (!isOn(request, list, isDeny)) continue;
    list.counts.matches++;
    return list;
  }
  return undefined;
}

/**
 * By address or User-Agent. Behind a forwarding chain that cannot be read the address is the proxy's: it may keep a client
 * out, it lets nobody in.
 */
function isOn(request: CanonicalRequest, list: ClientList, isDeny: boolean): boolean {
  return (
    ((isDeny || !request.clientMalformed) && holdsAddress(list.ranges, request.clientIp)) ||
    (list.userAgents.length > 0 && hasUserAgent(request, list.userAgents))
  );
}

/** Only lists with `user_agents` pay for the text. */
function hasUserAgent(request: CanonicalRequest, parts: readonly string[]): boolean {
  const text = request.fieldText(F.userAgent)?.toLowerCase();
  return text !== undefined && parts.some((part) => text.includes(part));
}
