import { randomBytes } from "node:crypto";
import { type Reason, reasons } from "../reason.ts";
import { HEAD_REFUSED, type HeadLimits, readHead } from "./head.ts";
import type { CanonicalRequest } from "./request.ts";

/** Cookie fields of one head. Browsers send a crumb per cookie (RFC 9113 §8.2.3): 46 were seen in real traffic. */
export const COOKIE_CRUMBS_MAX = 128;

/** Where heads are printed, one per worker. Grows to the largest head that the limits allow and no further. */
export interface HeadScratch {
  bytes: Buffer;
}

/**
 * Reads the head of an HTTP/2 request, `fields` being name and value in turn as they came, one character per byte. What
 * only HTTP/2 knows (RFC 9113 §8.2, §8.3) is checked here; then the head is printed as an HTTP/1.1 head and read by
 * `readHead`. So there is one strict reading for both protocols, and nothing that would be refused in HTTP/1.1 comes
 * in by HTTP/2. `request.secure` is set by the caller; the outcome is in `request.refusal`. `isOver` says that no body
 * follows.
 */
export function readHttp2Head(
  fields: readonly string[],
  isOver: boolean,
  request: CanonicalRequest,
  limits: HeadLimits,
  scratch: HeadScratch,
): void {
  const fault = readFields(fields, isOver, request, limits, scratch);
  if (fault !== undefined) {
    request.reset();
    request.refusal = fault;
  }
  request.version = 20;
}

function readFields(
  fields: readonly string[],
  isOver: boolean,
  request: CanonicalRequest,
  limits: HeadLimits,
  scratch: HeadScratch,
): Reason | undefined {
  let method = "";
  let path = "";
  let scheme = "";
  let protocol = "";
  let authority: string | undefined;
  let host: string | undefined;
  let seen = 0;
  let at = 0;
  for (; at + 1 < fields.length; at += 2) {
    const name = fields[at]!;
    if (name.charCodeAt(0) !== COLON) break;
    const value = fields[at + 1]!;
    const bit = pseudoBits.get(name);
    if (bit === undefined || (seen & bit) !== 0) return reasons.pseudoField;
    seen |= bit;
    if (bit === METHOD) method = value;
    else if (bit === PATH) path = value;
    else if (bit === SCHEME) scheme = value;
    else if (bit === PROTOCOL) protocol = value;
    else authority = value;
  }
  if ((seen & METHOD) === 0) return reasons.pseudoField;
  // It would dial for the client, and has no path to read (RFC 9113 §8.5); with `:protocol` it asks for a WebSocket.
  const isWebSocket = method === "CONNECT" && protocol === "websocket";
  if (method === "CONNECT" && !isWebSocket) return reasons.method;
  if ((seen & PROTOCOL) !== 0 && !isWebSocket) return reasons.pseudoField;
  if ((seen & (PATH | SCHEME)) !== (PATH | SCHEME)) return reasons.pseudoField;
  if (scheme !== (request.secure ? "https" : "http")) return reasons.scheme;
  // An absolute-form would be read as a second authority.
  if (path.charCodeAt(0) !== SLASH && path !== "*") return reasons.targetForm;
  if (path.length > limits.targetBytesMax) {
    request.targetBytes = path.length;
    return reasons.uriLength;
  }

  let lines = "";
  let lineCount = 0;
  let cookie = "";
  let crumbs = 0;
  let hasLength = false;
  // Counted before anything is put together: a reference of one byte can stand for a field of 4 KiB (HPACK bomb).
  let size = method.length + path.length + (authority?.length ?? 0) + HEAD_OVERHEAD_BYTES;
  for (; at + 1 < fields.length; at += 2) {
    const name = fields[at]!;
    const value = fields[at + 1]!;
    size += name.length + value.length + LINE_OVERHEAD_BYTES;
    if (size > limits.headBytesMax) return reasons.headerBytes;
    if (!isFieldName(name)) return name.startsWith(":") ? reasons.pseudoField : reasons.fieldName;
    switch (name) {
      case "cookie":
        if (++crumbs > COOKIE_CRUMBS_MAX) return reasons.cookieCrumbs;
        cookie = crumbs === 1 ? value : `${cookie}; ${value}`;
        continue;
      case "host":
        if (host !== undefined) return reasons.hostDup;
        host = value;
        continue;
      case "connection":
      case "keep-alive":
      case "proxy-connection":
      case "transfer-encoding":
      case "upgrade":
        return reasons.http2Field;
      case "te":
        if (value !== "trailers") return reasons.http2Field;
        break;
      case "content-length":
        hasLength = true;
        break;
    }
    lines += `${name}: ${value}\r\n`;
    lineCount++;
  }
  // Two names for one target: whoever routes by the other one would serve somebody else.
  if (authority === undefined) authority = host;
  else if (host !== undefined && host.toLowerCase() !== authority.toLowerCase())
    return reasons.authorityMismatch;
  if (authority === undefined || authority === "") return reasons.host;
  if (crumbs > 0) {
    lines += `cookie: ${cookie}\r\n`;
    lineCount++;
  }
  if (isWebSocket) {
    // RFC 8441 §5: as the handshake it stands for. Its key says that the upstream's answer is to this one, no more.
    lines += `${HANDSHAKE_LINES}sec-websocket-key: ${randomBytes(16).toString("base64")}\r\n`;
    lineCount += 3;
    method = "GET";
  } else if (!isOver && !hasLength) {
    // The framing of the next hop is ours to say: HTTP/2 ends a body with its stream.
    lines += "transfer-encoding: chunked\r\n";
    lineCount++;
  }
  const text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${lines}\r\n`;
  if (scratch.bytes.length < text.length) scratch.bytes = Buffer.allocUnsafeSlow(limits.headBytesMax);
  const end = scratch.bytes.latin1Write(text, 0);
  const next = readHead(scratch.bytes, 0, end, request, limits);
  if (next === HEAD_REFUSED) return request.refusal;
  // A value that held a line of its own would have made a line more, or ended the head early. The HTTP/2 layer drops
  // such values; that nothing was injected is shown here once more, whatever it does.
  if (next !== end || request.fieldCount !== lineCount + 1) return reasons.fieldValue;
  return undefined;
}

const METHOD = 1;
const PATH = 2;
const SCHEME = 4;
const AUTHORITY = 8;
const PROTOCOL = 16;
const pseudoBits: ReadonlyMap<string, number> = new Map([
  [":method", METHOD],
  [":path", PATH],
  [":scheme", SCHEME],
  [":authority", AUTHORITY],
  [":protocol", PROTOCOL],
]);

const HANDSHAKE_LINES = "connection: upgrade\r\nupgrade: websocket\r\n";

/** What printing adds to a field, and to the pseudo-fields. */
const LINE_OVERHEAD_BYTES = 4;
const HEAD_OVERHEAD_BYTES = 64;
const COLON = 58;
const SLASH = 47;

/** A lower-case token (RFC 9113 §8.2.1). A colon in a name would make another name of it in the printed line. */
function isFieldName(name: string): boolean {
  if (name.length === 0) return false;
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code > 255 || lowerTokenByte[code] === 0) return false;
  }
  return true;
}

const lowerTokenByte: Uint8Array = buildTokenBytes();

function buildTokenBytes(): Uint8Array {
  const bytes = new Uint8Array(256);
  for (const byte of Buffer.from("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", "latin1"))
    bytes[byte] = 1;
  return bytes;
}
