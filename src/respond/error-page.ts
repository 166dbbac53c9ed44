import { STATUS_CODES } from "node:http";
import { F } from "../http/field.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { Reason } from "../reason.ts";

/** Bodies of refusals, as an operator wrote them. */
export interface ErrorPages {
  /** By status; -1 = every other one. */
  readonly byStatus: ReadonlyMap<number, ErrorPage>;
}

/** Texts in latin-1 form of their UTF-8 bytes, with `{status}`, `{reason}` and `{request_id}` in them. */
export interface ErrorPage {
  readonly html: string | undefined;
  readonly json: string | undefined;
}

/** A body of ours and its type. */
export interface OwnBody {
  readonly type: string;
  /** Latin-1 form of its bytes. */
  readonly body: string;
}

/**
 * What a client that is refused gets to see, by its Accept; undefined = the few fixed words. None of the facts is the
 * client's own: a page cannot be made to say something.
 */
export function errorBody(
  pages: ErrorPages | undefined,
  { status }: Pick<Reason, "status">,
  request: CanonicalRequest,
): OwnBody | undefined {
  if (pages === undefined || request.refusal !== undefined) return undefined;
  const page = pages.byStatus.get(status) ?? pages.byStatus.get(ANY_STATUS);
  if (page === undefined) return undefined;
  const accept = request.fieldText(F.accept)?.toLowerCase() ?? "";
  const html = accept.indexOf("text/html");
  const json = accept.search(/application\/(?:[\w.-]+\+)?json/);
  const isJson = json >= 0 && (html < 0 || json < html);
  if (isJson && page.json !== undefined) return fill(page.json, "application/json", status, request);
  // Browsers say `*/*` for pictures too: only who asks for HTML gets HTML.
  if (html >= 0 && page.html !== undefined)
    return fill(page.html, "text/html; charset=utf-8", status, request);
  return undefined;
}

export const ANY_STATUS = -1;

function fill(text: string, type: string, status: number, request: CanonicalRequest): OwnBody {
  const body = text.replace(/\{(status|reason|request_id)\}/g, (_, fact: string) => {
    if (fact === "status") return String(status);
    if (fact === "reason") return STATUS_CODES[status] ?? "";
    // A token of a closed set of characters: nothing in it is markup or ends a string.
    return request.text(request.requestIdStart, request.requestIdEnd);
  });
  return { type, body };
}
