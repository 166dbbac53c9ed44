import { type ByteSpan, readRanges } from "../http/byte-range.ts";
import { checkConditions, isRangeMeant } from "../http/conditional.ts";
import { F } from "../http/field.ts";
import { contentRange, multipartRanges } from "../http/multipart-ranges.ts";
import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS, FORWARD, HEAD } from "../http/request.ts";
import {
  RESPONSE_CHUNKED,
  RESPONSE_LENGTH,
  RESPONSE_NONE,
  type ResponseHead,
} from "../http/response-head.ts";
import { fieldOf, fillHead, type HeadImage } from "./head-image.ts";
import type { StoredAnswer } from "./stored-answer.ts";
import type { BodyPart } from "./stored-source.ts";

/**
 * Makes `head` what this client gets of a stored answer, and returns the parts of the body that go with it: all of it, the
 * ranges it asked for (RFC 9110 §14), or nothing where it has the same already (§13) or asked for the head.
 */
export function prepareDelivery(
  request: CanonicalRequest,
  answer: StoredAnswer,
  head: ResponseHead,
  nowSecs: number,
): readonly BodyPart[] {
  const { length, life } = answer;
  const image = answer.head;
  if (image.status === 200 && hasConditions(request)) {
    // `If-Match` and `If-Unmodified-Since` went past the cache.
    if (checkConditions(request, life.version, nowSecs) === "not_modified") {
      fillHead(head, image, 304);
      drop(head, ABOUT_BODY);
      head.bodyKind = RESPONSE_NONE;
      head.bodyLength = -1;
      return NOTHING;
    }
    if (length >= 0 && isRangeMeant(request, life.version, nowSecs)) {
      const spans = readRanges(request.fieldText(F.range)!, length);
      if (spans === "none") {
        fillHead(head, image, 416);
        drop(head, ABOUT_BODY);
        head.bodyKind = RESPONSE_LENGTH;
        head.bodyLength = 0;
        head.addedLines = `Content-Range: bytes */${length}\r\n`;
        return NOTHING;
      }
      if (spans !== "whole") return prepareRanges(spans, image, length, head);
    }
  }
  fillHead(head, image);
  const isBodyless = request.method === HEAD || image.status === 204;
  head.bodyKind = isBodyless ? RESPONSE_NONE : length >= 0 ? RESPONSE_LENGTH : RESPONSE_CHUNKED;
  head.bodyLength = image.status === 204 ? -1 : length;
  return isBodyless ? NOTHING : WHOLE;
}

function prepareRanges(
  spans: readonly ByteSpan[],
  image: HeadImage,
  length: number,
  head: ResponseHead,
): readonly BodyPart[] {
  fillHead(head, image, 206);
  head.bodyKind = RESPONSE_LENGTH;
  const [first] = spans;
  if (spans.length === 1) {
    head.bodyLength = first!.end - first!.start;
    head.addedLines = contentRange(first!, length);
    return spans;
  }
  const type = fieldOf(image, F.contentType);
  const ranges = multipartRanges(spans, type === "" ? "" : `Content-Type: ${type}\r\n`, length);
  head.bodyLength = ranges.length;
  drop(head, [F.contentType]);
  head.addedLines = ranges.typeLine;
  return ranges.parts.map((part) => (part instanceof Uint8Array ? { bytes: part } : part));
}

function hasConditions({ firstField }: CanonicalRequest): boolean {
  return firstField[F.ifNoneMatch]! >= 0 || firstField[F.ifModifiedSince]! >= 0 || firstField[F.range]! >= 0;
}

function drop(head: ResponseHead, ids: readonly number[]): void {
  for (let slot = 0; slot < head.fieldCount * FIELD_SLOTS; slot += FIELD_SLOTS)
    if (ids.includes(head.fields[slot + FIELD_ID]!)) head.fields[slot + FORWARD] = 0;
}

/** Of a body that is not sent (RFC 9110 §15.4.5). */
const ABOUT_BODY = [F.contentType, F.contentEncoding, F.contentLanguage, F.contentRange];
const NOTHING: readonly BodyPart[] = [];
const WHOLE: readonly BodyPart[] = [{ start: 0, end: Infinity }];
