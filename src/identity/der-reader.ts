/** Bytes that are no DER, or not the structure that was asked for. */
export class DerError extends Error {}

/** One value of a DER encoding (ITU-T X.690): its tag, its content, and all of it. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length: what is hashed and signed. */
  readonly whole: Buffer;
}

/**
 * Reads the values of a DER encoding one after another: definite lengths in their shortest form, tags of one byte. All
 * else is no DER, or not found in certificates and revocation lists, and throws DerError. Nothing is copied.
 */
export class DerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** Tag of the next value; -1 at the end. */
  get tag(): number {
    return this.#bytes[this.#at] ?? -1;
  }

  /** The next value. With `tag`, it must have that one. */
  next(tag?: number): DerValue {
    const start = this.#at;
    const found = this.tag;
    if (found === -1) throw new DerError("it ends too early");
    if (tag !== undefined && found !== tag)
      throw new DerError(`tag 0x${found.toString(16)} where 0x${tag.toString(16)} is due`);
    if ((found & 0x1f) === 0x1f) throw new DerError("a tag of several bytes");
    const [length, contentStart] = this.#length(start + 1);
    const end = contentStart + length;
    if (end > this.#bytes.length) throw new DerError("a value is longer than what holds it");
    this.#at = end;
    return {
      tag: found,
      content: this.#bytes.subarray(contentStart, end),
      whole: this.#bytes.subarray(start, end),
    };
  }

  /** A reader of what the next value holds. */
  open(tag: number): DerReader {
    return new DerReader(this.next(tag).content);
  }

  /** The next value if it has this tag. */
  optional(tag: number): DerValue | undefined {
    return this.tag === tag ? this.next() : undefined;
  }

  #length(at: number): readonly [length: number, contentStart: number] {
    const first = this.#bytes[at];
    if (first === undefined) throw new DerError("it ends too early");
    if (first < 0x80) return [first, at + 1];
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new DerError("a length that is none of DER");
    let length = 0;
    for (let i = 1; i <= count; i++) {
      const byte = this.#bytes[at + i];
      if (byte === undefined) throw new DerError("it ends too early");
      length = length * 256 + byte;
    }
    if (length < 0x80 || length < 256 ** (count - 1))
      throw new DerError("a length in a longer form than it needs");
    return [length, at + 1 + count];
  }
}

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_ID = 0x06;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const TRUE = 0x01;

/** Dotted decimal of an OBJECT IDENTIFIER's content. */
export function objectIdText(content: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw new DerError("an object identifier without an end");
    if ((byte & 0x80) !== 0) continue;
    if (arcs.length === 0)
      arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)));
    else arcs.push(arc);
    arc = 0;
  }
  if (arcs.length === 0 || (content.at(-1)! & 0x80) !== 0)
    throw new DerError("an object identifier without an end");
  return arcs.join(".");
}

/** An INTEGER's content as one text for equal numbers, however many leading bytes it was written with. */
export function integerText(content: Buffer): string {
  if (content.length === 0) throw new DerError("an integer without a byte");
  return BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString("hex")}`)).toString(16);
}

/** Milliseconds since the epoch of a UTCTime or GeneralizedTime in the form of RFC 5280 §4.1.2.5. */
export function timeMs({ tag, content }: DerValue): number {
  const text = content.toString("latin1");
  const isShort = tag === UTC_TIME;
  const match = (
    isShort ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
  ).exec(text);
  if ((!isShort && tag !== GENERALIZED_TIME) || match === null) throw new DerError("a time in another form");
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const fullYear = isShort ? (year < 50 ? 2000 + year : 1900 + year) : year;
  const ms = Date.UTC(fullYear, month - 1, day, hour, minute, second);
  if (new Date(ms).getUTCDate() !== day || month > 12) throw new DerError("a time that does not exist");
  return ms;
}
