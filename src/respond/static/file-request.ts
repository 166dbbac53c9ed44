import { type CanonicalRequest, GET, HEAD } from "../../http/request.ts";
import { editTarget, type TargetEdit } from "../../http/target-edit.ts";
import { type Reason, reasons } from "../../reason.ts";

/** Methods that files are there for, as bits `1 << method`. */
export const fileMethods = (1 << GET) | (1 << HEAD);

/** Rewrites the path as the route says. A reason: there is no file for this request. */
export function takeFileRequest(
  request: CanonicalRequest,
  target: TargetEdit | undefined,
): Reason | undefined {
  if ((fileMethods & (1 << request.method)) === 0) return reasons.methodRoute;
  return target === undefined ? undefined : editTarget(request, target, true);
}

/** The canonical path below the site's directory, `//` merged. */
export function pathOf(request: CanonicalRequest): string {
  const { sentTargetStart, sentTargetEnd } = request;
  if (sentTargetEnd === sentTargetStart) return request.routePathText();
  return request.text(sentTargetStart, sentTargetEnd).split("?", 1)[0]!;
}

/** The Location line that sends a client from `/docs` to `/docs/`: as a path, with the query that came. */
export function toDirectory(request: CanonicalRequest): string {
  const query = request.text(request.queryStart, request.queryEnd);
  return `Location: ${request.routePathText()}/${query}\r\n`;
}
