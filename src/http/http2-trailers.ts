import { F } from "./field.ts";
import { FACT_ID, FACT_MALFORMED, FACT_PSEUDO } from "./field-facts.ts";
import type { FieldSink } from "./hpack-decoder.ts";
import { TRAILER_FIELDS_MAX, type Trailers, takeTrailer } from "./trailer.ts";

/** Reads the trailer section of an HTTP/2 request (RFC 9113 §8.1). One per section. */
export class Http2TrailerReader implements FieldSink {
  /** A pseudo-field, a field that HTTP/2 forbids, or a second opinion about the length. */
  isMalformed = false;
  readonly #trailers: string[] = [];
  #count = 0;
  #bytes = 0;

  onField(bytes: Buffer, start: number, nameLength: number, valueLength: number, facts: number): void {
    if ((facts & (FACT_MALFORMED | FACT_PSEUDO)) !== 0 || (facts & FACT_ID) === F.contentLength)
      this.isMalformed = true;
    this.#bytes += nameLength + valueLength;
    if (this.isMalformed || ++this.#count > TRAILER_FIELDS_MAX || this.#bytes > TRAILER_BYTES_MAX) return;
    const valueStart = start + nameLength + 2;
    takeTrailer(
      this.#trailers,
      bytes.latin1Slice(start, start + nameLength),
      bytes.latin1Slice(valueStart, valueStart + valueLength),
      true,
    );
  }

  get isTooLarge(): boolean {
    return this.#count > TRAILER_FIELDS_MAX || this.#bytes > TRAILER_BYTES_MAX;
  }

  /** What may travel on. */
  get trailers(): Trailers {
    return this.#trailers;
  }
}

/** As in HTTP/1; see chunked.ts. */
const TRAILER_BYTES_MAX = 8192;
