import type { CanonicalRequest } from "../http/request.ts";
import { FIELD_SLOTS, FORWARD, HEAD, NAME_END, NAME_START, VALUE_END, VALUE_START } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { type ErrorPages, errorBody } from "./error-page.ts";
import { statusText } from "./own.ts";
import { ownHead } from "./reply.ts";

/** What clients get in place of an upstream's answer: what the answer was about, and nothing of what it said. */
export interface Interception {
  readonly head: ResponseHead;
  readonly body: Buffer;
}

/**
 * The error page for an answer of an upstream: as if the gateway had refused with its status. What tells the client how to
 * go on stays: when to come back, how to authenticate, what is allowed, its cookies, and whether scripts may see the answer.
 */
export function intercept(
  answer: ResponseHead,
  pages: ErrorPages | undefined,
  request: CanonicalRequest,
): Interception {
  const { status } = answer;
  const page = errorBody(pages, { status }, request);
  const body = Buffer.from(page?.body ?? statusText(status), "latin1");
  const type = page?.type ?? "text/plain; charset=utf-8";
  const own = `Content-Type: ${type}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n`;
  const head = ownHead(status, own + keptLines(answer), body.length, request.method === HEAD);
  return { head, body };
}

const kept: ReadonlySet<string> = new Set(["retry-after", "www-authenticate", "allow", "set-cookie"]);
/** Well within what `ownHead` takes. */
const KEPT_LINES_MAX = 64;
const KEPT_BYTES_MAX = 24_576;

function keptLines({ source, fields, fieldCount }: ResponseHead): string {
  let lines = "";
  let count = 0;
  for (let slot = 0; slot < fieldCount * FIELD_SLOTS && count < KEPT_LINES_MAX; slot += FIELD_SLOTS) {
    if (fields[slot + FORWARD] === 0) continue;
    const name = source.latin1Slice(fields[slot + NAME_START]!, fields[slot + NAME_END]!);
    const folded = name.toLowerCase();
    if (!kept.has(folded) && !folded.startsWith("access-control-")) continue;
    const line = `${name}: ${source.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!)}\r\n`;
    if (lines.length + line.length > KEPT_BYTES_MAX) break;
    lines += line;
    count++;
  }
  return lines;
}
