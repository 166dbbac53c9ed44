import { inspectableCharset } from "./charset.ts";
import { tokenEnd } from "./token.ts";

/** Why a part's header block is refused. */
export type PartHeadReason =
  | "multipart_header" // not `Name: value` lines, folded, control characters, too many, or a known one twice
  | "multipart_disposition" // not form-data with one name, or one that two readers would read differently
  | "multipart_type" // not a media type
  | "multipart_charset" // text that is not UTF-8 or a charset like ASCII: it would be inspected as something else
  | "multipart_encoding" // base64 or quoted-printable: browsers never send it, some servers undo it
  | "multipart_nested"; // a multipart in the part

/** Characters `[start, end)` of the header block. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface PartHeader extends Span {
  /** Lower-case; for an unusual parameter of Content-Disposition the parameter's name. */
  readonly name: string;
}

/** What a part says about itself. */
export interface PartHead {
  readonly name: Span;
  readonly filename: Span | undefined;
  /** `filename*` as it stands, and its value decoded (RFC 5987), one char per byte. */
  readonly filenameExtended: Span | undefined;
  readonly filenameDecoded: string;
  /** The whole Content-Type value. */
  readonly type: Span | undefined;
  /** `type/subtype` in lower case, "" without a Content-Type. */
  readonly mediaType: string;
  /** Everything else: uncommon fields and parameters. */
  readonly others: readonly PartHeader[];
}

/**
 * Reads the header block of one part (RFC 7578 §4, RFC 2046 §5.1): lines that each end in CRLF, given as latin-1 text,
 * one char per byte. Whatever has two readings in use is refused: folded lines, a name given twice, `\"` (an escaped
 * quote, or the end of the value), values in single quotes (PHP takes them for quotes), `name*`, white space around
 * `=`. Linear in the text.
 */
export function readPartHead(block: string, headersMax: number): PartHead | PartHeadReason {
  let disposition: Disposition | undefined;
  let type: Span | undefined;
  let mediaType = "";
  let hasEncoding = false;
  const others: PartHeader[] = [];
  let count = 0;
  for (let at = 0; at < block.length; ) {
    const lineEnd = block.indexOf("\r\n", at);
    const colon = afterToken(block, at, lineEnd);
    if (lineEnd < 0 || colon === at || block[colon] !== ":" || ++count > headersMax)
      return "multipart_header";
    const name = block.slice(at, colon).toLowerCase();
    const value = trimmed(block, colon + 1, lineEnd);
    if (!isFieldText(block, value)) return "multipart_header";
    at = lineEnd + 2;
    switch (name) {
      case "content-disposition": {
        if (disposition !== undefined) return "multipart_header";
        disposition = readDisposition(block, value, others);
        if (disposition === undefined) return "multipart_disposition";
        break;
      }
      case "content-type": {
        if (type !== undefined) return "multipart_header";
        type = value;
        const read = readType(block, value);
        if (read.startsWith("multipart_")) return read as PartHeadReason;
        mediaType = read;
        break;
      }
      case "content-transfer-encoding": {
        if (hasEncoding) return "multipart_header";
        hasEncoding = true;
        if (!plainEncodings.has(block.slice(value.start, value.end).toLowerCase()))
          return "multipart_encoding";
        break;
      }
      case "content-length": // okhttp writes it
        if (!isDigits(block, value)) return "multipart_header";
        break;
      case "content-encoding":
        return "multipart_encoding";
      default:
        others.push({ name, start: value.start, end: value.end });
    }
  }
  if (disposition?.name === undefined) return "multipart_disposition";
  const { name, filename, filenameExtended, filenameDecoded } = disposition;
  return { name, filename, filenameExtended, filenameDecoded, type, mediaType, others };
}

const plainEncodings: ReadonlySet<string> = new Set(["7bit", "8bit", "binary"]);

interface Disposition {
  name: Span | undefined;
  filename: Span | undefined;
  filenameExtended: Span | undefined;
  filenameDecoded: string;
}

function readDisposition(block: string, value: Span, others: PartHeader[]): Disposition | undefined {
  const found: Disposition = {
    name: undefined,
    filename: undefined,
    filenameExtended: undefined,
    filenameDecoded: "",
  };
  const kindEnd = afterToken(block, value.start, value.end);
  if (block.slice(value.start, kindEnd).toLowerCase() !== "form-data") return undefined;
  const isRight = readParameters(block, kindEnd, value.end, (name, span, isQuoted) => {
    switch (name) {
      case "name":
        if (found.name !== undefined) return false;
        found.name = span;
        return true;
      case "filename":
        if (found.filename !== undefined) return false;
        found.filename = span;
        return true;
      case "filename*": {
        const decoded = isQuoted ? undefined : decodeExtended(block.slice(span.start, span.end));
        if (found.filenameExtended !== undefined || decoded === undefined) return false;
        found.filenameExtended = span;
        found.filenameDecoded = decoded;
        return true;
      }
      default:
        if (name.includes("*")) return false; // `name*`, `filename*0`: RFC 2231, read by some
        others.push({ name, start: span.start, end: span.end });
        return true;
    }
  });
  return isRight ? found : undefined;
}

/** The media type in lower case, or the reason it is refused. */
function readType(block: string, value: Span): string {
  const slash = afterToken(block, value.start, value.end);
  const end = afterToken(block, slash + 1, value.end);
  if (slash === value.start || block[slash] !== "/" || end <= slash + 1) return "multipart_type";
  const mediaType = block.slice(value.start, end).toLowerCase();
  if (mediaType.startsWith("multipart/")) return "multipart_nested";
  let charset: string | undefined;
  let isTwice = false;
  const isRight = readParameters(block, end, value.end, (name, span) => {
    if (name !== "charset") return !name.startsWith("charset*");
    isTwice ||= charset !== undefined;
    charset = block.slice(span.start, span.end);
    return true;
  });
  if (!isRight) return "multipart_type";
  return isTwice || (charset !== undefined && inspectableCharset(charset) === undefined)
    ? "multipart_charset"
    : mediaType;
}

/**
 * `*( OWS ";" OWS name "=" ( token / quoted ) )`, one bare `;` at the end tolerated. In a quoted value a backslash is
 * an ordinary character, as browsers write it (`C:\x`), but not before a quote. False when it is anything else, or
 * `take` says so.
 */
function readParameters(
  block: string,
  start: number,
  end: number,
  take: (name: string, value: Span, isQuoted: boolean) => boolean,
): boolean {
  let at = afterBlank(block, start, end);
  while (at < end) {
    if (block[at] !== ";") return false;
    at = afterBlank(block, at + 1, end);
    if (at === end) return true;
    const equals = afterToken(block, at, end);
    if (equals === at || equals === end || block[equals] !== "=") return false;
    const name = block.slice(at, equals).toLowerCase();
    const isQuoted = block[equals + 1] === '"';
    const valueStart = equals + (isQuoted ? 2 : 1);
    let valueEnd: number;
    if (isQuoted) {
      valueEnd = block.indexOf('"', valueStart);
      if (valueEnd < 0 || valueEnd >= end || block[valueEnd - 1] === "\\") return false;
      at = valueEnd + 1;
    } else {
      valueEnd = afterToken(block, valueStart, end);
      if (valueEnd === valueStart || block[valueStart] === "'") return false;
      at = valueEnd;
    }
    if (!take(name, { start: valueStart, end: valueEnd }, isQuoted)) return false;
    at = afterBlank(block, at, end);
  }
  return true;
}

/** `UTF-8'en'caf%C3%A9.txt` → the bytes of its last part; undefined when it is not an ext-value (RFC 8187 §3.2). */
function decodeExtended(text: string): string | undefined {
  const first = text.indexOf("'");
  const second = text.indexOf("'", first + 1);
  if (first < 0 || second < 0 || text.indexOf("'", second + 1) >= 0) return undefined;
  if (inspectableCharset(text.slice(0, first)) === undefined) return undefined;
  let out = "";
  for (let at = second + 1; at < text.length; at++) {
    if (text[at] !== "%") {
      out += text[at];
      continue;
    }
    const hex = text.slice(at + 1, at + 3);
    if (hex.length !== 2 || !isHex(hex.charCodeAt(0)) || !isHex(hex.charCodeAt(1))) return undefined;
    const code = Number.parseInt(hex, 16);
    if (code < 0x20 || code === 0x7f) return undefined; // a file name with NUL or a line end
    out += String.fromCharCode(code);
    at += 2;
  }
  return out;
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
}

/** The token must end before `end` does: what it stops at is no token character. */
function afterToken(block: string, at: number, end: number): number {
  return Math.min(tokenEnd(block, at), Math.max(at, end));
}

function afterBlank(block: string, at: number, end: number): number {
  while (at < end && isBlank(block.charCodeAt(at))) at++;
  return at;
}

function trimmed(block: string, start: number, end: number): Span {
  start = afterBlank(block, start, end);
  while (end > start && isBlank(block.charCodeAt(end - 1))) end--;
  return { start, end };
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** No control characters but tab: no NUL in a file name, no bare CR or LF. */
function isFieldText(block: string, span: Span): boolean {
  for (let at = span.start; at < span.end; at++) {
    const code = block.charCodeAt(at);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return false;
  }
  return true;
}

function isDigits(block: string, span: Span): boolean {
  for (let at = span.start; at < span.end; at++) {
    const code = block.charCodeAt(at);
    if (code < 48 || code > 57) return false;
  }
  return span.end > span.start;
}
