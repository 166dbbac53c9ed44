import { randomBytes } from "node:crypto";
import type { ByteSpan } from "./byte-range.ts";

/** Several spans of a whole as one body (RFC 9110 §14.6): texts of ours and spans, in turn. */
export interface MultipartRanges {
  /** The whole line, with CRLF. */
  readonly typeLine: string;
  readonly parts: readonly (Buffer | ByteSpan)[];
  readonly length: number;
}

/** `typeLine`: of the whole, with CRLF; "" = it has no type. `size`: of the whole, bytes. */
export function multipartRanges(spans: readonly ByteSpan[], typeLine: string, size: number): MultipartRanges {
  // New each time: whoever wrote what is in the body must not be able to write a part of his own into it.
  const boundary = randomBytes(18).toString("hex");
  const parts: (Buffer | ByteSpan)[] = [];
  let length = 0;
  const add = (text: string): void => {
    const bytes = Buffer.from(text, "latin1");
    parts.push(bytes);
    length += bytes.length;
  };
  for (const span of spans) {
    add(`\r\n--${boundary}\r\n${typeLine}${contentRange(span, size)}\r\n`);
    parts.push(span);
    length += span.end - span.start;
  }
  add(`\r\n--${boundary}--\r\n`);
  return { typeLine: `Content-Type: multipart/byteranges; boundary=${boundary}\r\n`, parts, length };
}

/** The line, with CRLF. */
export function contentRange({ start, end }: ByteSpan, size: number): string {
  return `Content-Range: bytes ${start}-${end - 1}/${size}\r\n`;
}
