import { F } from "../http/field.ts";
import { fieldLines } from "../http/field-lines.ts";
import {
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import { RESPONSE_FIELDS_MAX, RESPONSE_HEAD_BYTES_MAX, type ResponseHead } from "../http/response-head.ts";

/**
 * The head of a stored answer: its lines as one run of bytes, `Name: value\r\n` each, with their spans ready, so that a hit
 * is printed without being read again.
 */
export interface HeadImage {
  readonly status: number;
  /** The reason, then CRLF, then the lines. */
  readonly bytes: Buffer;
  readonly reasonEnd: number;
  readonly fields: Int32Array;
  readonly fieldCount: number;
}

/**
 * What a cache says in its own words, and what was said to one client: no 200 with Set-Cookie is stored, but a 304 may bring
 * one, to a head that all clients get.
 */
const NOT_KEPT: ReadonlySet<number> = new Set([F.age, F.setCookie]);
/** What a 304 does not change (RFC 9111 §3.2): it would be about a body that is not there. */
const BODY_FIELDS: ReadonlySet<number> = new Set([F.contentEncoding, F.contentType, F.contentRange]);

/**
 * `dateLine` with CRLF is written into an answer that has no date: the time it came is what ages are counted from.
 * Undefined: it is larger than what heads may be.
 */
export function takeImage(head: ResponseHead, dateLine: Uint8Array): HeadImage | undefined {
  const writer = new ImageWriter();
  writer.begin(head);
  for (let index = 0; index < head.fieldCount; index++)
    if (isKept(head, index)) writer.copy(head.source, head.fields, index);
  if (!head.hasDate) writer.line(dateLine, F.date);
  return writer.end(head.status);
}

/** The stored head after a 304: what it names is replaced, the rest stays (RFC 9111 §3.2, §4.3.4). Undefined: too large. */
export function refreshImage(
  stored: HeadImage,
  head: ResponseHead,
  dateLine: Uint8Array,
): HeadImage | undefined {
  const isNew = (index: number) =>
    isKept(head, index) && !BODY_FIELDS.has(head.fields[index * FIELD_SLOTS + FIELD_ID]!);
  const named = new Set<string>(head.hasDate ? [] : ["date"]);
  for (let index = 0; index < head.fieldCount; index++)
    if (isNew(index)) named.add(nameAt(head.source, head.fields, index));
  const writer = new ImageWriter();
  writer.begin({ source: stored.bytes, reasonStart: 0, reasonEnd: stored.reasonEnd });
  for (let index = 0; index < stored.fieldCount; index++)
    if (!named.has(nameAt(stored.bytes, stored.fields, index)))
      writer.copy(stored.bytes, stored.fields, index);
  for (let index = 0; index < head.fieldCount; index++)
    if (isNew(index)) writer.copy(head.source, head.fields, index);
  if (!head.hasDate) writer.line(dateLine, F.date);
  return writer.end(stored.status);
}

/** Makes `head` the stored one. `status` may be another one, whose reason is then left empty. */
export function fillHead(head: ResponseHead, image: HeadImage, status = image.status): void {
  head.source = image.bytes;
  head.status = status;
  head.version = 11;
  head.reasonStart = 0;
  head.reasonEnd = status === image.status ? image.reasonEnd : 0;
  head.fieldCount = image.fieldCount;
  head.fields.set(image.fields);
  head.keepAlive = true;
  head.hasDate = true;
  head.isStream = false;
  head.addedLines = "";
  head.fault = "";
}

/** All lines of this id joined; "" = there is none. */
export function fieldOf({ bytes, fields, fieldCount }: HeadImage, id: number): string {
  return fieldLines(bytes, fields, fieldCount, id);
}

/** The same of a head that is being read. Also fields that no client gets. */
export function headField({ source, fields, fieldCount }: ResponseHead, id: number): string {
  return fieldLines(source, fields, fieldCount, id);
}

function isKept({ fields }: ResponseHead, index: number): boolean {
  const slot = index * FIELD_SLOTS;
  return fields[slot + FORWARD] !== 0 && !NOT_KEPT.has(fields[slot + FIELD_ID]!);
}

function nameAt(source: Buffer, fields: Int32Array, index: number): string {
  const slot = index * FIELD_SLOTS;
  return source.latin1Slice(fields[slot + NAME_START]!, fields[slot + NAME_END]!).toLowerCase();
}

class ImageWriter {
  readonly #parts: Uint8Array[] = [];
  readonly #fields: number[] = [];
  #length = 0;
  #reasonEnd = 0;

  begin(head: { readonly source: Buffer; readonly reasonStart: number; readonly reasonEnd: number }): void {
    this.#add(head.source.subarray(head.reasonStart, head.reasonEnd));
    this.#reasonEnd = this.#length;
    this.#add(CRLF);
  }

  copy(source: Buffer, fields: Int32Array, index: number): void {
    const slot = index * FIELD_SLOTS;
    const name = source.subarray(fields[slot + NAME_START]!, fields[slot + NAME_END]!);
    const value = source.subarray(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
    this.#field(name, value, fields[slot + FIELD_ID]!);
  }

  line(line: Uint8Array, id: number): void {
    const colon = line.indexOf(COLON);
    this.#field(line.subarray(0, colon), line.subarray(colon + 2, line.length - 2), id);
  }

  end(status: number): HeadImage | undefined {
    const fieldCount = this.#fields.length / FIELD_SLOTS;
    if (fieldCount > RESPONSE_FIELDS_MAX || this.#length > RESPONSE_HEAD_BYTES_MAX) return undefined;
    return {
      status,
      bytes: Buffer.concat(this.#parts, this.#length),
      reasonEnd: this.#reasonEnd,
      fields: Int32Array.from(this.#fields),
      fieldCount,
    };
  }

  #field(name: Uint8Array, value: Uint8Array, id: number): void {
    const nameStart = this.#length;
    const valueStart = nameStart + name.length + 2;
    this.#add(name);
    this.#add(SEPARATOR);
    this.#add(value);
    this.#fields.push(nameStart, nameStart + name.length, valueStart, valueStart + value.length, id, 1);
    this.#add(CRLF);
  }

  #add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }
}

const CRLF = Buffer.from("\r\n", "latin1");
const SEPARATOR = Buffer.from(": ", "latin1");
const COLON = 58;
