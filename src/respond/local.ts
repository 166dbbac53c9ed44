import type { Downstream } from "../http/downstream.ts";
import { type CanonicalRequest, GET, HEAD } from "../http/request.ts";

/** What answering locally reads of the snapshot. */
interface LocalFacts {
  readonly redirectPort: number | undefined;
}

/** Met by record.ts `ExchangeRecord`. */
interface LocalRecord {
  status: number;
}

/**
 * Answers that need neither route nor upstream: `OPTIONS *` (RFC 9110 §9.3.7), and the plain listener's redirect to
 * https. Returns whether it answered.
 */
export function answerLocally(
  request: CanonicalRequest,
  facts: LocalFacts,
  downstream: Downstream,
  record: LocalRecord,
): boolean {
  if (request.arena[request.pathStart] === STAR) {
    record.status = 204;
    downstream.answerOwn(204, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n", "");
    return true;
  }
  if (request.secure || facts.redirectPort === undefined) return false;
  // Without a Host (HTTP/1.0) there is nowhere to send the client.
  if (request.hostEnd === request.hostStart) return false;
  const port = facts.redirectPort === 443 ? "" : `:${facts.redirectPort}`;
  const location = `https://${request.hostText()}${port}${request.text(request.pathStart, request.pathEnd)}${request.text(request.queryStart, request.queryEnd)}`;
  // 308 keeps the method of what is not a plain fetch.
  record.status = request.method === GET || request.method === HEAD ? 301 : 308;
  downstream.answerOwn(record.status, `Location: ${location}\r\n`, "");
  return true;
}

const STAR = 42;
