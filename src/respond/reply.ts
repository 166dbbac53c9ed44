import { STATUS_CODES } from "node:http";
import { type CanonicalRequest, HEAD } from "../http/request.ts";
import { ResponseHead, readResponseHead } from "../http/response-head.ts";
import { printTemplate, type Template, type TemplateScope } from "../http/template.ts";
import { type Reason, reasons } from "../reason.ts";

/** What a route answers without an upstream: a redirect, or always the same. */
export interface Reply {
  readonly status: number;
  /** Undefined = no redirect. */
  readonly location: Template | undefined;
  /** "" = without a body. */
  readonly contentType: string;
  readonly body: Buffer;
}

/** The head of the answer, as if an upstream had sent it, or why there is none that could be sent. */
export function replyHead(
  reply: Reply,
  request: CanonicalRequest,
  scope: TemplateScope,
): ResponseHead | Reason {
  const { status, location, contentType, body } = reply;
  let lines = "";
  if (location !== undefined) {
    // One slash in front: `/{uri}` would make `//evil.example`, which names a host.
    const uri = escapeUri(printTemplate(location, request, scope)).replace(/^\/{2,}/, "/");
    if (uri.length > LOCATION_BYTES_MAX) return reasons.uriLength;
    // HTTP/1.0 without Host: browsers read the host of `https:///evil.example` out of its path.
    if (/^https?:\/\/(?:[/?#:]|$)/i.test(uri)) return reasons.host;
    lines += `Location: ${uri}\r\n`;
  }
  if (body.length > 0) lines += `Content-Type: ${contentType}\r\n`;
  return ownHead(status, lines, body.length, request.method === HEAD);
}

/** Well within what `readResponseHead` takes. */
const LOCATION_BYTES_MAX = 24_576;

/** A head of our own in the form of those of upstreams, so that one printer serves both. `lines`: whole ones. */
export function ownHead(status: number, lines: string, bodyBytes: number, isHead: boolean): ResponseHead {
  const head = new ResponseHead();
  const length = status === 204 || status === 304 ? "" : `Content-Length: ${bodyBytes}\r\n`;
  const text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines}${length}\r\n`;
  if (readResponseHead(Buffer.from(text, "latin1"), 0, text.length, isHead, head) <= 0)
    throw new Error(`a head of our own cannot be read: ${head.fault}`);
  return head;
}

/** What no URI may hold: a backslash is a slash to browsers, and `/\evil.example` another host. */
function escapeUri(uri: string): string {
  return uri.replace(/[^\x21\x23-\x5b\x5d\x5f\x61-\x7a\x7e]/g, percent);
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
