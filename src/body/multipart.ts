import { inspectableCharset } from "./charset.ts";
import { type PartHead, type PartHeadReason, readPartHead, type Span } from "./part-head.ts";
import { RepeatedParts } from "./part-repeat.ts";
import { Piece } from "./piece.ts";
import {
  BODY_BYTES,
  PART_FILENAME,
  PART_HEADER,
  PART_NAME,
  PART_TEXT,
  PART_TYPE,
  Place,
  type PlaceNamer,
  type ValueSink,
} from "./place.ts";

/** Why a multipart body is refused. All of them are the client's fault. */
export type MultipartReason =
  | PartHeadReason
  | "multipart_boundary" // a delimiter that is not a whole line of its own, text before the first or after the last one
  | "multipart_cut" // no closing delimiter
  | "multipart_parts" // more parts than `partsMax`, or names made to collide
  | "multipart_content"; // a part's content is not what the part's type says

export interface MultipartLimits {
  readonly partsMax: number;
  /** Bytes of one part's header block, its empty line included. */
  readonly headBytesMax: number;
  readonly headersMax: number;
  /** Text is reported in pieces of at most so many bytes … */
  readonly pieceBytes: number;
  /** … and each piece begins with so many bytes of the one before, so that nothing hides where they meet. */
  readonly overlapBytes: number;
  /** Of a file, so many bytes are reported (as BODY_BYTES, in pieces as well). 0 = none. */
  readonly fileBytesMax: number;
}

export const defaultMultipartLimits: MultipartLimits = {
  // Django takes 1,000 fields, Rack 4,096 parts: a form with a file sends all of its fields as parts.
  partsMax: 4096,
  headBytesMax: 4096,
  headersMax: 8,
  pieceBytes: 8192,
  overlapBytes: 1024,
  fileBytesMax: 65_536,
};

/** Reads a part's content in the part's own type (JSON, XML, …), fed like any body reader. */
export interface PartReader {
  /** A reason means that the content is not what it says. */
  write(bytes: Uint8Array, start: number, end: number): string | undefined;
  end(): string | undefined;
}

/** What decides how a part is read. */
export interface PartFacts {
  readonly name: string;
  /** `type/subtype` in lower case, "" when the part does not say. */
  readonly mediaType: string;
  /** Has a `filename`. */
  readonly isFile: boolean;
}

/**
 * Strict reader of multipart/form-data (RFC 7578, RFC 2046 §5.1), fed with any split of the bytes: the same values
 * and verdict for every split. It reports names, file names, types, unusual header values and contents; the contents of fields
 * whose name comes twice also joined with `,`.
 *
 * Servers find the delimiter in different ways (PHP after a bare LF, others anywhere, some with anything behind it).
 * Here `--boundary` may occur only as a delimiter that all of them see: at the start or after CRLF, followed by CRLF
 * or `--`.
 *
 * Usage: `write` for each chunk, then `end`; the first reason returned is final. One reader per body.
 */
export class MultipartReader implements PlaceNamer {
  readonly #sink: ValueSink;
  readonly #limits: MultipartLimits;
  readonly #readerOf: (part: PartFacts) => PartReader | undefined;
  readonly #place: Place = new Place(this);
  readonly #delimiter: Buffer;
  /** For each prefix of the delimiter: its longest proper suffix that is a prefix too (Knuth-Morris-Pratt). */
  readonly #fallback: Uint8Array;
  #state = PREAMBLE;
  #reason: MultipartReason | undefined = undefined;
  /** Body offset of byte 0 of the current chunk's array. */
  #base = 0;
  #consumed = 0;
  #parts = 0;

  /** Bytes of the delimiter that the last bytes of content are; they are not content yet. */
  #matched = 0;
  /** The two content bytes before them; the start of the body counts as CRLF. */
  #beforeLast = CR;
  #last = LF;

  #head: Buffer | null = null;
  #headEnd = 0;
  #headStart = 0;
  #headText = "";
  #name = "";

  #contentKind = PART_TEXT;
  #reader: PartReader | undefined = undefined;
  #isCharsetField = false;
  /** Content bytes to keep, then the rest of a file is passed over. */
  #wanted = 0;
  /** Content that was not reported yet, with the overlap before it. */
  #piece: Buffer = Buffer.allocUnsafeSlow(PIECE_BYTES_AT_FIRST);
  #pieceEnd = 0;
  #repeated = 0;
  /** Body offset of the piece's first byte. */
  #pieceStart = 0;
  #contentBytes = 0;

  readonly #repeatedParts: RepeatedParts;
  /** What is read now is a field without a reader of its own. */
  #isJoined = false;

  /**
   * `boundary`: of a ContentType, which says that it is one. `readerOf` may give a reader for a part's content;
   * without one it is reported as text, or as bytes when it is a file. `repeatedParts`: cleared, to be used again.
   */
  constructor(
    boundary: string,
    sink: ValueSink,
    limits: MultipartLimits = defaultMultipartLimits,
    readerOf: (part: PartFacts) => PartReader | undefined = () => undefined,
    repeatedParts: RepeatedParts = new RepeatedParts(0),
  ) {
    this.#repeatedParts = repeatedParts;
    this.#sink = sink;
    this.#limits = limits;
    this.#readerOf = readerOf;
    this.#delimiter = Buffer.from(`--${boundary}`, "latin1");
    this.#fallback = fallbackOf(this.#delimiter);
  }

  /** Bytes read so far; after a refusal, where the reader stood. */
  get consumed(): number {
    return this.#consumed;
  }

  placeName(kind: number): string {
    return kind === PART_NAME ? "" : this.#name;
  }

  write(bytes: Uint8Array, start: number, end: number): MultipartReason | undefined {
    if (this.#reason !== undefined) return this.#reason;
    this.#base = this.#consumed - start;
    let at = start;
    while (at < end && this.#reason === undefined) {
      switch (this.#state) {
        case PREAMBLE:
        case CONTENT:
          at = this.#readContent(bytes, at, end);
          break;
        case HEAD:
          at = this.#readHead(bytes, at, end);
          break;
        case EPILOGUE:
          if (!isWhite(bytes[at]!)) this.#refuse("multipart_boundary");
          else at++;
          break;
        default:
          if (!this.#readDelimiterEnd(bytes[at]!)) this.#refuse("multipart_boundary");
          else at++;
      }
    }
    this.#consumed = this.#base + at;
    return this.#reason;
  }

  end(): MultipartReason | undefined {
    if (this.#reason === undefined && this.#state !== EPILOGUE) this.#refuse("multipart_cut");
    if (this.#reason === undefined) this.#reportRepeated();
    return this.#reason;
  }

  /** What follows `--boundary`: CRLF and a part, or `--` and the end. Not even white space before the CRLF. */
  #readDelimiterEnd(byte: number): boolean {
    switch (this.#state) {
      case AFTER_DELIMITER:
        this.#state = byte === CR ? DELIMITER_CR : DELIMITER_DASH;
        return byte === CR || byte === DASH;
      case DELIMITER_CR:
        this.#state = HEAD;
        this.#headEnd = 0;
        if (byte === LF && ++this.#parts > this.#limits.partsMax) this.#refuse("multipart_parts");
        return byte === LF;
      default:
        this.#state = EPILOGUE;
        return byte === DASH;
    }
  }

  #readHead(bytes: Uint8Array, start: number, end: number): number {
    const { headBytesMax, headersMax } = this.#limits;
    this.#head ??= Buffer.allocUnsafeSlow(headBytesMax);
    const head = this.#head;
    if (this.#headEnd === 0) this.#headStart = this.#base + start;
    for (let at = start; at < end; at++) {
      if (this.#headEnd === headBytesMax) return this.#refuseAt(at, "multipart_header");
      const byte = bytes[at]!;
      const length = this.#headEnd;
      // Checked here as well, not only line by line: a bare CR or LF must be seen before the empty line is sought.
      if ((byte === LF) !== (length > 0 && head[length - 1] === CR))
        return this.#refuseAt(at, "multipart_header");
      head[this.#headEnd++] = byte;
      if (byte !== LF || (length > 1 && head[length - 2] !== LF)) continue;
      if (length === 1) return this.#refuseAt(at, "multipart_disposition"); // no header at all
      this.#headText = head.latin1Slice(0, length - 1);
      if (head.subarray(0, length).includes(this.#delimiter)) return this.#refuseAt(at, "multipart_boundary");
      const part = readPartHead(this.#headText, headersMax);
      if (typeof part === "string") return this.#refuseAt(at, part);
      this.#startPart(part, this.#base + at + 1);
      return at + 1;
    }
    return end;
  }

  #startPart(part: PartHead, contentStart: number): void {
    this.#name = this.#headText.slice(part.name.start, part.name.end);
    this.#reportSpan(PART_NAME, part.name);
    if (part.filename !== undefined) this.#reportSpan(PART_FILENAME, part.filename);
    if (part.filenameExtended !== undefined)
      this.#report(PART_FILENAME, part.filenameDecoded, part.filenameExtended);
    if (part.type !== undefined) this.#reportSpan(PART_TYPE, part.type);
    const name = this.#name;
    for (const other of part.others) {
      this.#name = other.name;
      this.#reportSpan(PART_HEADER, other);
    }
    this.#name = name;
    // Without a name it is a file to some servers (PHP) and a field to others (busboy): read whole, as a field.
    const { filename } = part;
    const isFile =
      filename === undefined ? part.filenameExtended !== undefined : filename.end > filename.start;
    this.#reader = this.#readerOf({ name, mediaType: part.mediaType, isFile });
    this.#contentKind = isFile ? BODY_BYTES : PART_TEXT;
    this.#isCharsetField = name === "_charset_";
    // PHP does not read `filename*` (RFC 7578 §4.2 forbids it): with that alone it is a field to it, read whole as well.
    const isPassedOver = isFile && filename !== undefined && this.#reader === undefined;
    this.#wanted = isPassedOver ? this.#limits.fileBytesMax : Number.POSITIVE_INFINITY;
    this.#pieceStart = contentStart;
    this.#pieceEnd = 0;
    this.#repeated = 0;
    this.#contentBytes = 0;
    this.#isJoined = !isFile && this.#reader === undefined;
    if (this.#isJoined) this.#repeatedParts.begin(this.#head!, part.name.start, part.name.end, contentStart);
    this.#state = CONTENT;
    // The empty line's CRLF ends the header block: it is not the one that a delimiter begins with.
    this.#beforeLast = 0;
    this.#last = 0;
  }

  /** Reports a header's value as it stands, and as readers see it that undo backslashes or trim (CVE-2026-33691). */
  #reportSpan(kind: number, span: Span): void {
    const text = this.#headText.slice(span.start, span.end);
    this.#report(kind, text, span);
    if (text.includes("\\")) this.#report(kind, withoutBackslashes(text), span);
    if (text.startsWith(" ") || text.endsWith(" ")) this.#report(kind, withoutSpaces(text), span);
  }

  #report(kind: number, text: string, span: Span): void {
    if (text === "") return;
    const bytes = Buffer.from(text, "latin1");
    this.#place.kind = kind;
    this.#place.start = this.#headStart + span.start;
    this.#place.end = this.#headStart + span.end;
    this.#place.repeated = 0;
    this.#place.goesOn = false;
    this.#sink.value(bytes, 0, bytes.length, this.#place);
  }

  /** Passes content on until the delimiter was seen whole; returns where it stands then. */
  #readContent(bytes: Uint8Array, start: number, end: number): number {
    const delimiter = this.#delimiter;
    let at = start;
    if (this.#matched > 0) at = this.#matchOn(bytes, at, end);
    if (this.#matched === 0 && at < end) {
      const found = bufferOf(bytes).subarray(0, end).indexOf(delimiter, at);
      // Without one, a delimiter can still begin in the last bytes; the rest is content.
      const contentEnd = found >= 0 ? found : Math.max(at, end - delimiter.length + 1);
      this.#keep(bytes, at, contentEnd);
      at = this.#matchOn(bytes, contentEnd, end);
    }
    if (this.#matched < delimiter.length || this.#reason !== undefined) return at;
    this.#matched = 0;
    if (this.#beforeLast !== CR || this.#last !== LF) return this.#refuseAt(at, "multipart_boundary");
    if (this.#state === CONTENT) this.#endPart();
    this.#state = AFTER_DELIMITER;
    return at;
  }

  /** Goes on byte by byte until the delimiter is whole, or (from a cut one) surely did not begin here. */
  #matchOn(bytes: Uint8Array, start: number, end: number): number {
    const delimiter = this.#delimiter;
    let at = start;
    let matched = this.#matched;
    const isContinued = matched > 0;
    while (at < end && matched < delimiter.length) {
      const byte = bytes[at]!;
      if (byte === delimiter[matched]) {
        matched++;
        at++;
        continue;
      }
      if (matched === 0) {
        this.#keep(bytes, at, at + 1);
        at++;
        continue;
      }
      const shorter = this.#fallback[matched - 1]!;
      this.#keep(delimiter, 0, matched - shorter);
      matched = shorter;
      if (matched === 0 && isContinued) break;
    }
    this.#matched = matched;
    return at;
  }

  /** These bytes are content (or preamble): no part of a delimiter. */
  #keep(bytes: Uint8Array, start: number, end: number): void {
    if (start >= end) return;
    this.#beforeLast = end - start > 1 ? bytes[end - 2]! : this.#last;
    this.#last = bytes[end - 1]!;
    if (this.#state === PREAMBLE) {
      for (let at = start; at < end; at++) if (!isWhite(bytes[at]!)) this.#refuse("multipart_boundary");
      return;
    }
    let at = start;
    while (at < end && this.#reason === undefined) {
      const left = this.#wanted + 2 - this.#contentBytes; // two more: the CRLF that is not content
      const room = this.#limits.pieceBytes + 2 - this.#pieceEnd;
      if (left <= 0) return;
      if (room === 0) {
        this.#reportPiece(this.#pieceEnd - 2, true);
        continue;
      }
      const count = Math.min(end - at, room, left);
      this.#grow(this.#pieceEnd + count);
      this.#piece.set(bytes.subarray(at, at + count), this.#pieceEnd);
      this.#pieceEnd += count;
      this.#contentBytes += count;
      at += count;
    }
  }

  #endPart(): void {
    // A file that was passed over from some byte on kept two more bytes, which are content there.
    this.#reportPiece(this.#pieceEnd - 2, false);
    if (this.#reader?.end() !== undefined) this.#refuse("multipart_content");
    this.#reader = undefined;
    if (!this.#repeatedParts.isFull) return;
    this.#reportRepeated();
    this.#repeatedParts.nextWindow();
  }

  #reportRepeated(): void {
    if (!this.#repeatedParts.isRepeated) return;
    const { pieceBytes, overlapBytes } = this.#limits;
    const joined = new Piece(pieceBytes, overlapBytes, (goesOn) => {
      this.#place.kind = PART_TEXT;
      this.#place.start = joined.sourceStart;
      this.#place.end = joined.sourceEnd;
      this.#place.repeated = joined.repeated;
      this.#place.goesOn = goesOn;
      this.#sink.value(joined.bytes, 0, joined.end, this.#place);
    });
    this.#repeatedParts.report(joined, (name) => {
      this.#name = name;
    });
  }

  /** Reports the piece up to `end`; what stands there then is the overlap and what follows `end`. */
  #reportPiece(end: number, goesOn: boolean): void {
    const piece = this.#piece;
    let kept = 0;
    if (this.#reader !== undefined) {
      if (end > 0 && this.#reader.write(piece, 0, end) !== undefined) this.#refuse("multipart_content");
    } else if (end > 0) {
      if (this.#isCharsetField && inspectableCharset(piece.latin1Slice(0, end)) === undefined)
        this.#refuse("multipart_charset");
      this.#place.kind = this.#contentKind;
      this.#place.start = this.#pieceStart;
      this.#place.end = this.#pieceStart + end;
      this.#place.repeated = this.#repeated;
      this.#place.goesOn = goesOn;
      this.#sink.value(piece, 0, end, this.#place);
      if (this.#isJoined && !this.#repeatedParts.add(piece, 0, end, this.#repeated, goesOn))
        this.#refuse("multipart_parts");
      kept = Math.min(this.#limits.overlapBytes, end);
    }
    piece.copyWithin(0, end - kept, this.#pieceEnd);
    this.#pieceStart += end - kept;
    this.#pieceEnd -= end - kept;
    this.#repeated = kept;
  }

  #grow(bytes: number): void {
    if (bytes <= this.#piece.length) return;
    const grown = Buffer.allocUnsafeSlow(
      Math.min(this.#limits.pieceBytes + 2, Math.max(bytes, this.#piece.length * 2)),
    );
    this.#piece.copy(grown, 0, 0, this.#pieceEnd);
    this.#piece = grown;
  }

  #refuseAt(at: number, reason: MultipartReason): number {
    this.#refuse(reason);
    return at;
  }

  #refuse(reason: MultipartReason): void {
    this.#reason ??= reason;
  }
}

const PIECE_BYTES_AT_FIRST = 2048;
const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;

const PREAMBLE = 0;
const AFTER_DELIMITER = 1;
const DELIMITER_CR = 2;
const DELIMITER_DASH = 3;
const HEAD = 4;
const CONTENT = 5;
const EPILOGUE = 6;

function isWhite(byte: number): boolean {
  return byte === CR || byte === LF || byte === 0x20 || byte === 0x09;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function withoutBackslashes(text: string): string {
  let out = "";
  for (let at = 0; at < text.length; at++) if (text[at] !== "\\" || ++at < text.length) out += text[at];
  return out;
}

function withoutSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === " ") start++;
  while (end > start && text[end - 1] === " ") end--;
  return text.slice(start, end);
}

function fallbackOf(pattern: Uint8Array): Uint8Array {
  const fallback = new Uint8Array(pattern.length);
  let length = 0;
  for (let at = 1; at < pattern.length; at++) {
    while (length > 0 && pattern[at] !== pattern[length]) length = fallback[length - 1]!;
    if (pattern[at] === pattern[length]) length++;
    fallback[at] = length;
  }
  return fallback;
}
