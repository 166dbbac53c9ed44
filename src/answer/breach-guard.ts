import { F } from "../http/field.ts";
import type { CanonicalRequest } from "../http/request.ts";

/**
 * Whether the length of a compressed answer could tell a foreign page something (BREACH, CVE-2013-3587): a page of an
 * attacker makes a browser ask with the user's credentials, has the answer repeat a guess beside a secret, and reads
 * off the encrypted length how well both compress together. It needs requests from foreign pages that carry credentials
 * which browsers add by themselves, so those are not compressed. Padding of random length would only add noise, which
 * more requests average out (Gluck, Harris, Prado 2013 §4).
 *
 * Sec-Fetch-Site says where a request comes from and no page can change it; sister domains may be somebody else's. Older
 * browsers and pages without TLS send a Referer at most, which a page can suppress: without a word nothing is known.
 */
export function couldLeak(request: CanonicalRequest): boolean {
  if (!hasAmbientCredentials(request)) return false;
  const site = request.fieldText(F.secFetchSite);
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const referer = request.fieldText(F.referer);
  return referer === undefined || hostOf(referer) !== ownHost(request);
}

/** A page cannot make a browser send a bearer token by itself. */
function hasAmbientCredentials(request: CanonicalRequest): boolean {
  if (request.firstField[F.cookie]! >= 0 || request.clientCertificate !== undefined) return true;
  const authorization = request.fieldText(F.authorization);
  return authorization !== undefined && !/^bearer /i.test(authorization);
}

/** With its port, where it has one; "" = not to be read. */
function hostOf(url: string): string {
  return /^https?:\/\/([^/?#@\\]+)/i.exec(url)?.[1]?.toLowerCase() ?? "";
}

function ownHost(request: CanonicalRequest): string {
  return request.port < 0 ? request.hostText() : `${request.hostText()}:${request.port}`;
}
