import { inspectableCharset } from "./charset.ts";
import { Piece } from "./piece.ts";
import { Place, type PlaceNamer, type ValueSink, XML_ATTRIBUTE, XML_NAME, XML_TEXT } from "./place.ts";
import {
  byteClass,
  CONTROL,
  INK,
  NAME_CHAR,
  NAME_START,
  STOPS_TEXT,
  STOPS_VALUE,
  WHITE,
} from "./xml-byte.ts";
import { referenceCode } from "./xml-reference.ts";

/** Why an XML body is refused. All of them are the client's fault. */
export type XmlReason =
  | "xml_syntax" // not well-formed in one of the ways that are checked, control characters, text outside the root
  | "xml_cut" // ends before its root does
  | "xml_doctype" // a document type declaration: entities, external files (XXE, entity bombs)
  | "xml_entity" // a reference that is neither to a character nor to one of XML's five entities
  | "xml_encoding" // UTF-16, or declared as anything that is not read like ASCII
  | "xml_depth"
  | "xml_attributes" // too many in one element, or one twice
  | "xml_name" // a name longer than `nameBytesMax`
  | "xml_elements"; // too many in all

export interface XmlLimits {
  readonly depthMax: number;
  readonly attributesMax: number;
  readonly nameBytesMax: number;
  readonly elementsMax: number;
  /** Text and attribute values are reported in pieces of at most so many bytes, each beginning with an overlap. */
  readonly pieceBytes: number;
  readonly overlapBytes: number;
}

export const defaultXmlLimits: XmlLimits = {
  depthMax: 100,
  attributesMax: 128,
  nameBytesMax: 256,
  elementsMax: 1_000_000,
  pieceBytes: 8192,
  overlapBytes: 1024,
};

/**
 * Reads XML 1.0 byte by byte as it arrives: tags must nest and match, attributes are quoted and occur once, there is
 * one root, no DOCTYPE, and no entity is ever expanded (names, character classes above ASCII and namespaces are not
 * checked). Any cutting into chunks gives the same values and the same verdict. Nothing recurses.
 *
 * Reported, in document order: element names and processing instructions (XML_NAME), attribute values, and text with
 * references resolved. Text is what the application will see: it goes on through comments and CDATA sections up to
 * the next tag. Comments are reported as text of their own. What makes a parser fetch something (`xi:include`,
 * `xs:import`, `xsl:include`, `schemaLocation`) is reported once more as XML_NAME `<xi:include href="…"`.
 *
 * Usage: `write` for each chunk, then `end`; the first reason returned is final. `reset` before the next body.
 */
export class XmlReader implements PlaceNamer {
  readonly #sink: ValueSink;
  readonly #limits: XmlLimits;
  readonly #place: Place = new Place(this);
  #state = BOM;
  #reason: XmlReason | undefined = undefined;
  /** Body offset of byte 0 of the current chunk's array. */
  #base = 0;
  #consumed = 0;
  /** Bytes seen of a fixed word: the byte order mark, `--`, `CDATA[`, `]]`, `?`. */
  #seen = 0;
  /** Where an XML declaration may stand: 0, or 3 after a byte order mark. */
  #declarationAt = 0;
  #markupStart = 0;

  // Open elements, outermost first: their names one after the other.
  #depth = 0;
  #names: Buffer = Buffer.allocUnsafeSlow(NAMES_BYTES_AT_FIRST);
  readonly #nameStarts: Int32Array;
  #namesEnd = 0;
  #isRootClosed = false;
  #elements = 0;

  // The start tag being read.
  #nameStart = 0;
  #isLink = false;
  #attributes = 0;
  #attribute = "";
  /** Names of the attributes before it. */
  readonly #attributeNames: Set<string> = new Set();
  #quote = 0;

  // The end tag being read: bytes that were the same as the open element's name.
  #endAt = 0;

  // The reference being read, and the state it stands in.
  #reference = "";
  #around = TEXT;

  readonly #text: Piece;
  #isTextBlank = true;
  #isTextOpen = false;
  /** Attribute values, comments, processing instructions. */
  readonly #markup: Piece;
  #markupKind = XML_ATTRIBUTE;

  constructor(sink: ValueSink, limits: XmlLimits = defaultXmlLimits) {
    this.#sink = sink;
    this.#limits = limits;
    this.#nameStarts = new Int32Array(limits.depthMax + 1);
    const { pieceBytes, overlapBytes } = limits;
    this.#text = new Piece(pieceBytes, overlapBytes, (goesOn) => {
      if (!this.#isTextBlank) this.#reportPiece(XML_TEXT, this.#text, goesOn);
    });
    this.#markup = new Piece(pieceBytes, overlapBytes, (goesOn) =>
      this.#reportPiece(this.#markupKind, this.#markup, goesOn),
    );
  }

  /** Bytes read so far; after a refusal, where the reader stood. */
  get consumed(): number {
    return this.#consumed;
  }

  reset(): void {
    this.#state = BOM;
    this.#reason = undefined;
    this.#consumed = 0;
    this.#seen = 0;
    this.#declarationAt = 0;
    this.#depth = 0;
    this.#namesEnd = 0;
    this.#isRootClosed = false;
    this.#elements = 0;
    this.#isTextOpen = false;
    if (this.#names.length > NAMES_BYTES_AT_FIRST) this.#names = Buffer.allocUnsafeSlow(NAMES_BYTES_AT_FIRST);
    this.#attribute = "";
    this.#attributeNames.clear();
    this.#text.begin(0);
    this.#markup.begin(0);
  }

  /** `Envelope/Body/item`, `…/item/@id`; comments are `#comment`. */
  placeName(kind: number): string {
    if (kind === XML_TEXT && this.#state === COMMENT) return "#comment";
    // The name being read is no part of its own path.
    const namesEnd = this.#state === NAME ? this.#nameStart : this.#namesEnd;
    let path = "";
    for (let level = 0; level < this.#depth && path.length < PATH_CHARS_MAX; level++) {
      const end = level + 1 < this.#depth ? this.#nameStarts[level + 1]! : namesEnd;
      path += (level === 0 ? "" : "/") + this.#names.toString("utf8", this.#nameStarts[level]!, end);
    }
    return kind === XML_ATTRIBUTE ? `${path}/@${this.#attribute}` : path;
  }

  write(bytes: Uint8Array, start: number, end: number): XmlReason | undefined {
    if (this.#reason !== undefined) return this.#reason;
    this.#base = this.#consumed - start;
    let at = start;
    while (at < end && this.#reason === undefined) {
      const byte = bytes[at]!;
      if (this.#state === BOM && this.#isMark(byte)) at++;
      else if ((byteClass[byte]! & CONTROL) !== 0)
        this.#refuse(byte === 0 && this.#base + at < UTF16_LOOK_BYTES ? "xml_encoding" : "xml_syntax");
      else if (this.#state === TEXT || this.#state === VALUE) at = this.#readRun(bytes, at, end);
      else this.#step(byte, this.#base + at++);
    }
    this.#consumed = this.#base + at;
    return this.#reason;
  }

  end(): XmlReason | undefined {
    if (this.#reason === undefined && (!this.#isRootClosed || this.#state !== TEXT)) this.#refuse("xml_cut");
    return this.#reason;
  }

  /** A UTF-8 byte order mark is passed over; the first byte that is none begins the document. */
  #isMark(byte: number): boolean {
    if (byte !== UTF8_MARK[this.#seen]) {
      if (this.#seen > 0 || byte >= 0xfe) this.#refuse("xml_encoding");
      this.#state = TEXT;
      return false;
    }
    if (++this.#seen === UTF8_MARK.length) {
      this.#declarationAt = UTF8_MARK.length;
      this.#state = TEXT;
    }
    return true;
  }

  /** Text or an attribute value, up to the byte that ends the run. */
  #readRun(bytes: Uint8Array, start: number, end: number): number {
    const stop = this.#state === TEXT ? STOPS_TEXT : STOPS_VALUE;
    let at = start;
    let seen = 0;
    while (at < end) {
      const what = byteClass[bytes[at]!]!;
      if ((what & stop) !== 0) break;
      seen |= what;
      at++;
    }
    const source = this.#base + at;
    if (this.#state === TEXT) {
      if (at > start) this.#addText(bytes, start, at, (seen & INK) !== 0);
      if (at === end) return at;
      const byte = bytes[at]!;
      if (byte === LESS) {
        this.#markupStart = source;
        this.#state = MARKUP;
      } else if (byte === AMPERSAND) this.#startReference();
      else return at; // a control character
      return at + 1;
    }
    this.#markup.add(bytes, start, at, source);
    if (at === end) return at;
    const byte = bytes[at]!;
    if (byte === this.#quote) this.#endAttribute();
    else if (byte === AMPERSAND) this.#startReference();
    else if (byte === LESS) this.#refuse("xml_syntax");
    else if (byte === QUOTE || byte === APOSTROPHE) this.#markup.addByte(byte, source + 1);
    else return at;
    return at + 1;
  }

  /** Every state but text and values, one byte at a time. `at` is its offset in the body. */
  #step(byte: number, at: number): void {
    const what = byteClass[byte]!;
    switch (this.#state) {
      case MARKUP:
        this.#startMarkup(byte, what, at);
        return;
      case NAME:
        if ((what & NAME_CHAR) !== 0) this.#addNameByte(byte);
        else if (this.#endName(at)) this.#stepTag(byte, what, at);
        return;
      case TAG:
        this.#stepTag(byte, what, at);
        return;
      case EMPTY_TAG:
        if (byte !== GREATER) this.#refuse("xml_syntax");
        else this.#closeElement();
        return;
      case ATTRIBUTE:
        if ((what & NAME_CHAR) !== 0) {
          this.#markup.addByte(byte, at + 1);
          if (this.#markup.end > this.#limits.nameBytesMax) this.#refuse("xml_name");
        } else if (this.#endAttributeName()) this.#stepEquals(byte, what);
        return;
      case EQUALS_SIGN:
        this.#stepEquals(byte, what);
        return;
      case BEFORE_VALUE:
        if ((what & WHITE) !== 0) return;
        if (byte !== QUOTE && byte !== APOSTROPHE) this.#refuse("xml_syntax");
        this.#quote = byte;
        this.#markupKind = XML_ATTRIBUTE;
        this.#markup.begin(at + 1);
        this.#state = VALUE;
        return;
      case AFTER_VALUE:
        if ((what & WHITE) === 0 && byte !== SLASH && byte !== GREATER) this.#refuse("xml_syntax");
        else this.#stepTag(byte, what, at);
        return;
      case END_NAME:
        this.#stepEndName(byte, what);
        return;
      case END_SPACE:
        if (byte === GREATER) this.#closeElement();
        else if ((what & WHITE) === 0) this.#refuse("xml_syntax");
        return;
      case REFERENCE:
        this.#stepReference(byte, at);
        return;
      case BANG:
        this.#stepBang(byte, at);
        return;
      case COMMENT_START:
        if (byte !== DASH) this.#refuse("xml_syntax");
        this.#markupKind = XML_TEXT;
        this.#markup.begin(at + 1);
        this.#seen = 0;
        this.#state = COMMENT;
        return;
      case COMMENT:
        this.#stepComment(byte, at);
        return;
      case CDATA_START:
        if (byte !== CDATA_WORD[this.#seen++]) this.#refuse("xml_syntax");
        else if (this.#seen === CDATA_WORD.length) {
          this.#seen = 0;
          this.#state = CDATA;
        }
        return;
      case CDATA:
        this.#stepCdata(byte, what, at);
        return;
      default:
        this.#stepInstruction(byte, at);
    }
  }

  #startMarkup(byte: number, what: number, at: number): void {
    if ((what & NAME_START) !== 0) {
      this.#endText();
      this.#nameStart = this.#namesEnd;
      if (this.#isRootClosed) this.#refuse("xml_syntax");
      else if (this.#depth === this.#limits.depthMax) this.#refuse("xml_depth");
      else if (++this.#elements > this.#limits.elementsMax) this.#refuse("xml_elements");
      this.#addNameByte(byte);
      this.#state = NAME;
    } else if (byte === SLASH) {
      this.#endText();
      if (this.#depth === 0) this.#refuse("xml_syntax");
      this.#endAt = this.#depth === 0 ? 0 : this.#nameStarts[this.#depth - 1]!;
      this.#state = END_NAME;
    } else if (byte === BANG_SIGN) this.#state = BANG;
    else if (byte === QUESTION) {
      this.#markupKind = XML_NAME;
      this.#markup.begin(at);
      this.#markup.addByte(byte, at + 1);
      this.#seen = 0;
      this.#state = INSTRUCTION;
    } else this.#refuse("xml_syntax");
  }

  #addNameByte(byte: number): void {
    if (this.#namesEnd - this.#nameStart === this.#limits.nameBytesMax) this.#refuse("xml_name");
    if (this.#namesEnd === this.#names.length) {
      const grown = Buffer.allocUnsafeSlow(this.#names.length * 2); // at most depthMax * nameBytesMax, twice
      this.#names.copy(grown);
      this.#names = grown;
    }
    this.#names[this.#namesEnd++] = byte;
  }

  #endName(at: number): boolean {
    this.#place.kind = XML_NAME;
    this.#place.repeated = 0;
    this.#place.goesOn = false;
    this.#place.start = this.#markupStart + 1;
    this.#place.end = at;
    this.#nameStarts[this.#depth] = this.#nameStart;
    this.#sink.value(this.#names, this.#nameStart, this.#namesEnd, this.#place);
    this.#depth++;
    this.#isLink = linkElements.has(localName(this.#names.latin1Slice(this.#nameStart, this.#namesEnd)));
    this.#attributes = 0;
    this.#state = TAG;
    return this.#reason === undefined;
  }

  #stepTag(byte: number, what: number, at: number): void {
    if ((what & WHITE) !== 0) this.#state = TAG;
    else if (byte === GREATER) this.#state = TEXT;
    else if (byte === SLASH) this.#state = EMPTY_TAG;
    // A name can only follow white space: what follows a name's or a value's end was checked before.
    else if ((what & NAME_START) !== 0 && this.#state === TAG) {
      if (++this.#attributes > this.#limits.attributesMax) this.#refuse("xml_attributes");
      this.#markup.begin(at);
      this.#markup.addByte(byte, at + 1);
      this.#state = ATTRIBUTE;
    } else this.#refuse("xml_syntax");
  }

  #endAttributeName(): boolean {
    const before = this.#attribute;
    this.#attribute = this.#markup.bytes.latin1Slice(0, this.#markup.end);
    if (this.#attributes > 1) {
      // Most elements have one or none: the set is filled when a second one comes.
      if (this.#attributes === 2) this.#attributeNames.clear();
      this.#attributeNames.add(before);
      if (this.#attributeNames.has(this.#attribute)) this.#refuse("xml_attributes");
    }
    this.#state = EQUALS_SIGN;
    return this.#reason === undefined;
  }

  #stepEquals(byte: number, what: number): void {
    if (byte === EQUALS) this.#state = BEFORE_VALUE;
    else if ((what & WHITE) === 0) this.#refuse("xml_syntax");
  }

  #endAttribute(): void {
    const value = this.#markup;
    if (value.end > 0 && (this.#isLink || linkAttributes.has(localName(this.#attribute)))) {
      const element = this.#names.latin1Slice(this.#nameStart, this.#namesEnd);
      const link = Buffer.from(
        `<${element} ${this.#attribute}="${value.bytes.latin1Slice(0, Math.min(value.end, LINK_BYTES_MAX))}"`,
        "latin1",
      );
      this.#place.kind = XML_NAME;
      this.#place.repeated = 0;
      this.#place.goesOn = false;
      this.#place.start = value.sourceStart;
      this.#place.end = value.sourceEnd;
      this.#sink.value(link, 0, link.length, this.#place);
    }
    value.finish();
    this.#state = AFTER_VALUE;
  }

  #stepEndName(byte: number, what: number): void {
    if ((what & NAME_CHAR) !== 0) {
      if (this.#endAt === this.#namesEnd || byte !== this.#names[this.#endAt++]) this.#refuse("xml_syntax");
    } else if (this.#endAt !== this.#namesEnd) this.#refuse("xml_syntax");
    else if (byte === GREATER) this.#closeElement();
    else if ((what & WHITE) !== 0) this.#state = END_SPACE;
    else this.#refuse("xml_syntax");
  }

  #closeElement(): void {
    this.#depth--;
    this.#namesEnd = this.#nameStarts[this.#depth]!;
    if (this.#depth === 0) this.#isRootClosed = true;
    this.#state = TEXT;
  }

  #startReference(): void {
    this.#around = this.#state;
    this.#reference = "";
    this.#state = REFERENCE;
  }

  #stepReference(byte: number, at: number): void {
    if (byte !== SEMICOLON) {
      const isPart = byte === HASH || (byteClass[byte]! & NAME_CHAR) !== 0;
      if (!isPart || this.#reference.length === REFERENCE_CHARS_MAX) this.#refuse("xml_entity");
      else this.#reference += String.fromCharCode(byte);
      return;
    }
    const code = referenceCode(this.#reference);
    this.#state = this.#around;
    if (code < 0) this.#refuse("xml_entity");
    else if (this.#around === VALUE) this.#markup.addCodePoint(code, at + 1);
    else if (this.#depth === 0) this.#refuse("xml_syntax");
    else {
      this.#openText(at - this.#reference.length - 1);
      if (code > 0x20) this.#isTextBlank = false;
      this.#text.addCodePoint(code, at + 1);
    }
  }

  #stepBang(byte: number, at: number): void {
    if (byte === DASH) this.#state = COMMENT_START;
    else if (byte === SQUARE_OPEN && this.#depth > 0) {
      this.#openText(at + 1 + CDATA_WORD.length);
      this.#seen = 0;
      this.#state = CDATA_START;
    } else this.#refuse(byte === UPPER_D || byte === LOWER_D ? "xml_doctype" : "xml_syntax");
  }

  #stepComment(byte: number, at: number): void {
    if (this.#seen === 2) {
      if (byte !== GREATER) {
        this.#refuse("xml_syntax"); // `--` in a comment
        return;
      }
      this.#markup.finish();
      this.#state = TEXT;
    } else if (byte === DASH) this.#seen++;
    else {
      if (this.#seen === 1) this.#markup.addByte(DASH, at);
      this.#seen = 0;
      this.#markup.addByte(byte, at + 1);
    }
  }

  #stepCdata(byte: number, what: number, at: number): void {
    if (byte === GREATER && this.#seen === 2) {
      this.#state = TEXT;
      return;
    }
    if (byte === SQUARE_CLOSE && this.#seen < 2) {
      this.#seen++;
      return;
    }
    // With two brackets held, a third one lets the first of them go.
    const held = byte === SQUARE_CLOSE ? 1 : this.#seen;
    for (let count = 0; count < held; count++) this.#text.addByte(SQUARE_CLOSE, at);
    if (byte !== SQUARE_CLOSE) {
      this.#seen = 0;
      this.#text.addByte(byte, at + 1);
    }
    if (held > 0 || (what & INK) !== 0) this.#isTextBlank = false;
  }

  #stepInstruction(byte: number, at: number): void {
    if (byte === GREATER && this.#seen === 1) {
      this.#endInstruction();
      return;
    }
    if (this.#seen === 1) this.#markup.addByte(QUESTION, at);
    this.#seen = byte === QUESTION ? 1 : 0;
    if (byte !== QUESTION) this.#markup.addByte(byte, at + 1);
  }

  #endInstruction(): void {
    const { bytes, end } = this.#markup;
    const text = bytes.latin1Slice(1, Math.min(end, DECLARATION_BYTES_MAX));
    this.#state = TEXT;
    if (!/^[A-Za-z_:\x80-\xff]/.test(text)) this.#refuse("xml_syntax");
    else if (!/^xml(?:[\t\n\r ]|$)/i.test(text)) this.#markup.finish();
    else if (this.#markupStart !== this.#declarationAt || end > DECLARATION_BYTES_MAX)
      this.#refuse("xml_syntax");
    else {
      const declared = declaration.exec(text);
      const encoding = declared?.[1] ?? declared?.[2];
      if (declared === null) this.#refuse("xml_syntax");
      else if (encoding !== undefined && inspectableCharset(encoding) === undefined)
        this.#refuse("xml_encoding");
    }
  }

  #openText(source: number): void {
    if (this.#isTextOpen) return;
    this.#isTextOpen = true;
    this.#isTextBlank = true;
    this.#text.begin(source);
  }

  #addText(bytes: Uint8Array, start: number, end: number, hasInk: boolean): void {
    if (this.#depth === 0) {
      if (hasInk) this.#refuse("xml_syntax");
      return;
    }
    this.#openText(this.#base + start);
    if (hasInk) this.#isTextBlank = false;
    this.#text.add(bytes, start, end, this.#base + end);
  }

  #endText(): void {
    if (!this.#isTextOpen) return;
    this.#text.finish();
    this.#isTextOpen = false;
  }

  #reportPiece(kind: number, piece: Piece, goesOn: boolean): void {
    this.#place.repeated = piece.repeated;
    this.#place.goesOn = goesOn;
    this.#place.kind = kind;
    this.#place.start = piece.sourceStart;
    this.#place.end = piece.sourceEnd;
    this.#sink.value(piece.bytes, 0, piece.end, this.#place);
  }

  #refuse(reason: XmlReason): void {
    this.#reason ??= reason;
  }
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}

/** Of XInclude, XML Schema and XSLT: what names another document. */
const linkElements: ReadonlySet<string> = new Set(["include", "import", "redefine", "override"]);
const linkAttributes: ReadonlySet<string> = new Set(["schemaLocation", "noNamespaceSchemaLocation"]);

/** XML 1.0 §2.8, white space simplified; groups 1 and 2 are the encoding. Each class run is delimited: linear. */
const declaration =
  /^xml[\t\n\r ]+version[\t\n\r ]*=[\t\n\r ]*(?:"1\.[01]"|'1\.[01]')(?:[\t\n\r ]+encoding[\t\n\r ]*=[\t\n\r ]*(?:"([A-Za-z0-9._-]+)"|'([A-Za-z0-9._-]+)'))?(?:[\t\n\r ]+standalone[\t\n\r ]*=[\t\n\r ]*(?:"(?:yes|no)"|'(?:yes|no)'))?[\t\n\r ]*$/;

const NAMES_BYTES_AT_FIRST = 1024;
/** A NUL this early is one half of a UTF-16 or UTF-32 character. */
const UTF16_LOOK_BYTES = 2;
const PATH_CHARS_MAX = 300;
/** `#x0010ffff`; more leading zeros would let a short text take any number of bytes. */
const REFERENCE_CHARS_MAX = 10;
const LINK_BYTES_MAX = 2048;
const DECLARATION_BYTES_MAX = 256;
const UTF8_MARK: readonly number[] = [0xef, 0xbb, 0xbf];
const CDATA_WORD: Uint8Array = Buffer.from("CDATA[");

const BOM = 0;
const TEXT = 1;
const MARKUP = 2;
const NAME = 3;
const TAG = 4;
const EMPTY_TAG = 5;
const ATTRIBUTE = 6;
const EQUALS_SIGN = 7;
const BEFORE_VALUE = 8;
const VALUE = 9;
const AFTER_VALUE = 10;
const END_NAME = 11;
const END_SPACE = 12;
const REFERENCE = 13;
const BANG = 14;
const COMMENT_START = 15;
const COMMENT = 16;
const CDATA_START = 17;
const CDATA = 18;
const INSTRUCTION = 19;

const BANG_SIGN = 0x21;
const QUOTE = 0x22;
const HASH = 0x23;
const AMPERSAND = 0x26;
const APOSTROPHE = 0x27;
const DASH = 0x2d;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const QUESTION = 0x3f;
const UPPER_D = 0x44;
const SQUARE_OPEN = 0x5b;
const SQUARE_CLOSE = 0x5d;
const LOWER_D = 0x64;
