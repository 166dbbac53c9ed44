import { decodeBase64 } from "./decode/base64.ts";
import { spaceOut, squeeze } from "./decode/comment.ts";
import { joinStrings } from "./decode/concat.ts";
import { type Decode, UNCHANGED } from "./decode/decoder.ts";
import { decodeEntities } from "./decode/entity.ts";
import { decodeCss, decodeScript } from "./decode/escape.ts";
import { foldToAscii } from "./decode/fold.ts";
import { flattenPath } from "./decode/path.ts";
import { decodeForm, decodePercent } from "./decode/percent.ts";
import { unquoteShell } from "./decode/shell.ts";
import { extractStrings } from "./decode/strings.ts";
import { decodeUtf7 } from "./decode/utf7.ts";
import {
  AMPERSAND,
  BACKSLASH,
  BREAK,
  type ByteFlags,
  CARET,
  COLON,
  CONTROL,
  DOLLAR,
  DOT,
  flagsOf,
  HIGH,
  OTHER,
  PERCENT,
  PLUS,
  QUOTE,
  SLASH,
  SPACE,
  STAR,
} from "./harmless.ts";

/** Readings of one value, the undecoded one first; more are not made. */
export const VIEWS_MAX = 10;
/** Layers of encoding that are undone; a value with more is a finding of its own. */
export const LAYERS_MAX = 4;
/** Longer values are read in pieces of this size. Bytes; bounds the buffers and the time of one step. */
export const WINDOW_BYTES = 8_192;

/** Marks of which one is in every text that has a layer to undo, or escapes of JavaScript. */
const DECODED = PERCENT | AMPERSAND | BACKSLASH | PLUS | HIGH;
/** And in every text of which a reading is derived. Most values have none of either. */
const DERIVED = DECODED | CONTROL | BREAK | SLASH | QUOTE | CARET | DOLLAR;

/** Of text that no receiver reads: urlencoded as it came, or binary data around its strings. */
export const NO_WORDS = -2;

interface Decoder {
  readonly name: string;
  readonly decode: Decode;
  /**
   * Detectors, by the first part of their names, to whom this reading says nothing that the one it was made from does
   * not. Default none. Asking all of them about every reading took half as long again for text with a bit of everything.
   */
  readonly notFor?: readonly string[];
}

/** They read neither file systems and shells nor style sheets. */
const OTHERS: readonly string[] = [
  ...["sql", "nosql", "ldap", "xpath", "lookup", "java", "node", "serialized", "template"],
  ...["ssi", "xml-attack"],
  ...["crlf", "crlf-text", "mail", "scanner"],
];
const MARKUP: readonly string[] = ["html", "javascript"];
const SYSTEM: readonly string[] = ["shell", "command", "path", "url", "php"];
/** Lines tell a script from an injected command, and these readings have none. */
const LINES: readonly string[] = ["shell", "command"];
/** Likewise programs of several lines. */
const PROGRAMS: readonly string[] = [...LINES, "php", "node", "path"];
/** Their languages do not join strings with `+`, `.` or `||`. */
const NO_PROGRAMS: readonly string[] = [
  ...["ldap", "xpath", "path", "url", "xml-attack", "ssi", "crlf", "crlf-text", "mail", "scanner"],
];

/** Chains of decoders are numbers in base 16, the last decoder lowest; 0 is "none". */
const decoders: readonly (Decoder | undefined)[] = [
  undefined,
  { name: "percent", decode: decodePercent },
  { name: "form", decode: decodeForm },
  { name: "entity", decode: decodeEntities },
  { name: "fold", decode: foldToAscii },
  { name: "utf7", decode: decodeUtf7 },
  { name: "script", decode: decodeScript },
  { name: "css", decode: decodeCss, notFor: [...OTHERS, ...SYSTEM] },
  { name: "space", decode: spaceOut, notFor: PROGRAMS },
  { name: "squeeze", decode: squeeze },
  { name: "path", decode: flattenPath, notFor: [...OTHERS, ...MARKUP, ...LINES] },
  // Without its backslashes the address of a file on a network is a host.
  { name: "shell", decode: unquoteShell, notFor: [...OTHERS, ...MARKUP, "url"] },
  { name: "concat", decode: joinStrings, notFor: NO_PROGRAMS },
  { name: "base64", decode: decodeBase64 },
  { name: "strings", decode: extractStrings },
  { name: "json", decode: decodeScript },
];
const P = {
  percent: 1,
  form: 2,
  entity: 3,
  fold: 4,
  utf7: 5,
  script: 6,
  css: 7,
  space: 8,
  squeeze: 9,
  path: 10,
} as const;
const SHELL = 11;
const CONCAT = 12;
const BASE64 = 13;
const STRINGS = 14;
const JSON_TEXT = 15;

/** Names for `zion rules` and the docs, in the order of their numbers. */
export const decoderNames: readonly string[] = decoders.flatMap((decoder) => decoder?.name ?? []);

/** The names of a chain, first applied first. */
export function chainNames(chain: number): readonly string[] {
  const names: string[] = [];
  for (let rest = chain; rest > 0; rest = Math.floor(rest / 16)) names.unshift(decoders[rest % 16]!.name);
  return names;
}

/** Chain of a string in the JSON text that is a reading with this chain. */
export function chainOfJson(chain: number): number {
  return link(chain, JSON_TEXT);
}

/** Whether the reading that decoder `id` makes is for the detector of this name. */
export function isReader(id: number, detector: string): boolean {
  return decoders[id]?.notFor?.includes(detector.split(".")[0]!) !== true;
}

export const DECODERS = decoders.length;

/** One reading. Written over for every value. */
export interface View {
  bytes: Uint8Array;
  start: number;
  end: number;
  flags: number;
  /** Which decoders made it, see `chainNames`. */
  chain: number;
  /** The view that has the same words, so that a scan would find nothing new; -1 = none; NO_WORDS = not to be read. */
  sameWords: number;
}

/** The readings of one value at a time. Owns its buffers; one per worker and level of base64. */
export class Views {
  readonly list: readonly View[];
  count = 0;
  /** More layers than LAYERS_MAX. */
  tooDeep = false;
  /** Bytes that decoders have read: part of the work units. */
  workBytes = 0;
  readonly #own: Uint8Array[];
  #scratch: Uint8Array = Buffer.alloc(WINDOW_BYTES);
  #spare: Uint8Array = Buffer.alloc(WINDOW_BYTES);
  readonly #table: ByteFlags;
  #layers = 0;
  #plain = 0;
  #script = -1;

  constructor(table: ByteFlags) {
    this.#table = table;
    this.#own = Array.from({ length: VIEWS_MAX }, () => Buffer.alloc(WINDOW_BYTES));
    this.list = this.#own.map((bytes: Uint8Array) => ({
      bytes,
      start: 0,
      end: 0,
      flags: 0,
      chain: 0,
      sameWords: -1,
    }));
  }

  /**
   * The value itself and what undoing its encodings makes of it. At most WINDOW_BYTES.
   *
   * `urlencoded`: every receiver undoes percent signs itself, so the value as it came is nobody's reading, and is not
   * scanned. Nothing is lost with it: a literal without `%` and `+` stands in the decoded text too, unless an escape
   * reaches into it and it never was one (test/waf/undecoded.test.ts). Literals with `%` mean what is encoded twice,
   * which is in the decoded text. Receivers that keep `+` (decodeURIComponent) read it as an operator, which `concat`
   * joins over the space, or as a digit of base64, which `base64` takes from the value as it came.
   */
  open(
    bytes: Uint8Array,
    start: number,
    end: number,
    flags: number,
    chain: number,
    urlencoded: boolean,
  ): void {
    this.tooDeep = false;
    this.workBytes = 0;
    this.#layers = 0;
    this.#script = -1;
    const raw = this.list[0]!;
    raw.bytes = bytes;
    raw.start = start;
    raw.end = end;
    raw.flags = flags;
    raw.chain = chain;
    raw.sameWords = -1;
    this.count = 1;
    this.#plain = 0;
    if ((flags & DECODED) === 0) return;
    this.#plain = this.#undo(0, urlencoded);
    // Every receiver of a form undoes its encoding: with it, nobody reads the text.
    if (urlencoded && this.#plain > 0) raw.sameWords = NO_WORDS;
    if ((this.list[this.#plain]!.flags & BACKSLASH) !== 0) this.#undoScript();
  }

  /** Binary data: its printable strings are the only reading besides itself, and the only one that is scanned. */
  openBinary(bytes: Uint8Array, start: number, end: number, flags: number): void {
    this.open(bytes, start, end, flags & OTHER, 0, false);
    const raw = this.list[0]!;
    this.#plain = this.#run(raw, STRINGS) ? this.#push(STRINGS) : 0;
    raw.sameWords = NO_WORDS;
  }

  /** Readings that take words apart or together: each may have words that no other has. */
  derive(): void {
    const plain = this.#plain;
    const { flags } = this.list[plain]!;
    if (plain === 0 && (flags & DERIVED) === 0) return;
    this.#deriveWords(plain, flags);
    if (this.#script >= 0) this.#deriveWords(this.#script, this.list[this.#script]!.flags);
    // Outside of forms a plus may be a space too: then only where no space says otherwise.
    if ((flags & PLUS) !== 0 && (flags & (SPACE | SLASH)) === 0) this.#add(plain, P.form);
    if ((flags & (SLASH | BACKSLASH)) !== 0) this.#add(plain, P.path);
    if ((flags & (QUOTE | BACKSLASH | CARET | DOLLAR)) !== 0) this.#add(plain, SHELL);
    if ((flags & BACKSLASH) !== 0) this.#add(plain, P.css);
  }

  /** Readings with plain spaces between the same words; needed only where a literal was found. */
  deriveSpaced(): void {
    this.#addSpaced(this.#plain);
    if (this.#script >= 0) this.#addSpaced(this.#script);
  }

  /** The value with all its transport encodings undone. */
  get plain(): View {
    return this.list[this.#plain]!;
  }

  /** Text that stands in the value as base64, as `bytes[0, length)`; 0 = none. Valid until the next call of anything here. */
  base64(): { readonly bytes: Uint8Array; readonly length: number; readonly chain: number } | undefined {
    const plain = this.list[this.#plain]!;
    const raw = this.list[0]!;
    // A plus that a form reader takes for a space is a digit of base64 that was not escaped.
    return this.#probe(plain) ?? (plain !== raw && (raw.flags & PLUS) !== 0 ? this.#probe(raw) : undefined);
  }

  #probe(view: View): { bytes: Uint8Array; length: number; chain: number } | undefined {
    if (view.end - view.start < 8) return undefined;
    const length = decodeBase64(view.bytes, view.start, view.end, this.#scratch);
    if (length === UNCHANGED) return undefined;
    return { bytes: this.#scratch, length, chain: link(view.chain, BASE64) };
  }

  #deriveWords(from: number, flags: number): void {
    if ((flags & CONTROL) !== 0 || has(flags, SLASH | STAR) || has(flags, BREAK | COLON))
      this.#add(from, P.squeeze);
    if ((flags & QUOTE) !== 0 && (flags & (PLUS | DOT | OTHER)) !== 0) this.#add(from, CONCAT);
  }

  /** Detectors and regexes read tabs, line ends and several spaces as one; comments and other controls they may not. */
  #addSpaced(from: number): void {
    const { flags } = this.list[from]!;
    if ((flags & CONTROL) === 0 && !has(flags, SLASH | STAR)) return;
    const index = this.#add(from, P.space);
    if (index >= 0) this.list[index]!.sameWords = from;
  }

  /** Undoes layers of transport encoding from view `from`; returns the index of the last reading. */
  #undo(from: number, urlencoded: boolean): number {
    let index = from;
    for (;;) {
      const chain = this.#layer(this.list[index]!, urlencoded && index === from);
      if (chain === 0) return index;
      if (this.#layers >= LAYERS_MAX) {
        this.tooDeep = true;
        return index;
      }
      this.#layers++;
      // The first layer is what most receivers read; of the deeper ones only the last is kept.
      if (index > from + 1) this.#replace(index, chain);
      else index = this.#push(chain);
    }
  }

  /** JavaScript escapes, and what is encoded under them. */
  #undoScript(): void {
    const index = this.#add(this.#plain, P.script);
    if (index < 0) return;
    while (this.#layers < LAYERS_MAX) {
      const view = this.list[index]!;
      let chain = this.#layer(view, false);
      if (chain === 0) {
        if ((view.flags & BACKSLASH) === 0 || !this.#run(view, P.script)) break;
        chain = link(view.chain, P.script);
      }
      this.#layers++;
      this.#replace(index, chain);
    }
    this.#script = index;
  }

  /** The last result: in `#scratch`, with these bounds and flags. */
  #length = 0;
  #flags = 0;

  /** Applies what one layer can hold; the result is in `#scratch`. Returns its chain, 0 when nothing changed. */
  #layer(view: View, form: boolean): number {
    let chain = view.chain;
    this.#flags = view.flags;
    let bytes = view.bytes;
    let start = view.start;
    let end = view.end;
    // What the receiver itself decodes is a reading of its own, before anything else is undone.
    const steps = form ? 2 : 4;
    for (let step = 0; step < steps; step++) {
      const id = this.#stepOf(step, form);
      if (id === 0) continue;
      this.workBytes += end - start;
      const length = decoders[id]!.decode(bytes, start, end, this.#spare);
      if (length === UNCHANGED) continue;
      const kept = this.#spare;
      this.#spare = this.#scratch;
      this.#scratch = kept;
      this.#length = length;
      this.#flags = flagsOf(this.#table, kept, 0, length);
      bytes = kept;
      start = 0;
      end = length;
      chain = link(chain, id);
    }
    return chain === view.chain ? 0 : chain;
  }

  #stepOf(step: number, form: boolean): number {
    const flags = this.#flags;
    if (step === 0) return (flags & PLUS) !== 0 && !form ? P.utf7 : 0;
    if (step === 1) return form && (flags & PLUS) !== 0 ? P.form : (flags & PERCENT) !== 0 ? P.percent : 0;
    if (step === 2) return (flags & AMPERSAND) !== 0 ? P.entity : 0;
    return (flags & HIGH) !== 0 ? P.fold : 0;
  }

  /** Runs one decoder into `#scratch`. */
  #run(view: View, id: number): boolean {
    this.workBytes += view.end - view.start;
    const length = decoders[id]!.decode(view.bytes, view.start, view.end, this.#scratch);
    if (length === UNCHANGED) return false;
    this.#length = length;
    this.#flags = flagsOf(this.#table, this.#scratch, 0, length);
    return true;
  }

  /** Adds the reading of view `from` by one decoder; -1 when it changes nothing, says what another says, or is one too many. */
  #add(from: number, id: number): number {
    if (this.count >= VIEWS_MAX) return -1;
    const view = this.list[from]!;
    return this.#run(view, id) && !this.#known() ? this.#push(link(view.chain, id)) : -1;
  }

  #push(chain: number): number {
    if (this.count >= VIEWS_MAX) return this.count - 1;
    this.list[this.count]!.bytes = this.#own[this.count]!;
    this.#replace(this.count, chain);
    return this.count++;
  }

  /** The scratch buffer becomes the view's, the view's the scratch. */
  #replace(index: number, chain: number): void {
    const view = this.list[index]!;
    const free = this.#own[index]!;
    this.#own[index] = this.#scratch;
    view.bytes = this.#scratch;
    this.#scratch = free;
    view.start = 0;
    view.end = this.#length;
    view.flags = this.#flags;
    view.chain = chain;
    view.sameWords = -1;
  }

  #known(): boolean {
    for (let index = 0; index < this.count; index++) {
      const { bytes, start, end } = this.list[index]!;
      if (end - start === this.#length && sameBytes(bytes, start, this.#scratch, this.#length)) return true;
    }
    return false;
  }
}

function has(flags: number, all: number): boolean {
  return (flags & all) === all;
}

/** Appends a decoder to a chain; twelve are kept, which is within the 2^53 of a number. */
function link(chain: number, id: number): number {
  return (chain % 16 ** 12) * 16 + id;
}

function sameBytes(a: Uint8Array, start: number, b: Uint8Array, length: number): boolean {
  for (let at = 0; at < length; at++) if (a[start + at] !== b[at]) return false;
  return true;
}
