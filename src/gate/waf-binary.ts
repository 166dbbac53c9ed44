import type { Place, ValueSink } from "../body/place.ts";

/**
 * Whether bytes are no text: more than one in 20 is a control character. Random and compressed bytes have one in nine,
 * text has none. Short values are never binary.
 */
export function isBinary(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < BINARY_BYTES_MIN) return false;
  let controls = 0;
  for (let at = start; at < end; at++) if (isControl[bytes[at]!] === 1) controls++;
  return controls * 20 > end - start;
}

/**
 * Reports the texts in binary bytes, as `strings` prints them, also in UTF-16 (of either byte order): what a server can
 * use of an attack in them. The rest costs nothing: two random bytes are a trigger of some detector all the time, and
 * would spend the work budget. A few control characters between words do not end a text: databases read them as spaces
 * (SQL Server all of 0x01 to 0x1f, MySQL vertical tabs, form feeds and 0xa0), and padding after a comment makes any
 * value look binary.
 */
export function reportTexts(
  bytes: Uint8Array,
  start: number,
  end: number,
  place: Place,
  sink: ValueSink,
): void {
  if (place.repeated === 0 && beginsObject(bytes, start, end))
    sink.value(bytes, start, Math.min(end, start + OBJECT_BYTES), place);
  let from = start;
  let to = start;
  let printable = 0;
  for (let at = start; at <= end; at++) {
    const kind = at < end ? textKind[bytes[at]!]! : NO_TEXT;
    if (kind === TEXT) {
      if (printable++ === 0) from = at;
      to = at + 1;
      continue;
    }
    if (kind === GAP && printable > 0 && at - to < GAP_MAX) continue;
    if (printable >= TEXT_BYTES_MIN) {
      const isEarly = from === start || end - start <= SMALL_BYTES;
      const gaps = to - from - printable;
      const wanted = (gaps > 0 ? SPACED_BYTES_MIN : TEXT_BYTES_MIN) + (isEarly ? 0 : LATE_BYTES);
      if (printable >= wanted && (isEarly || printable >= gaps * PRINTABLE_FOR_GAP))
        sink.value(bytes, from, to, place);
      else if (gaps === 0 && holdsCode(bytes, from, to)) sink.value(bytes, from, to, place);
    }
    printable = 0;
  }
  reportWideTexts(bytes, start, end, place, sink);
}

/**
 * Of a file: only what a server that takes it for a script would run. Its other texts are names, messages and tables: 168 of 1,038
 * files of a Debian were refused for them, 69 of 70 JARs and 32 of 80 fonts among these.
 */
export function reportCode(
  bytes: Uint8Array,
  start: number,
  end: number,
  place: Place,
  sink: ValueSink,
): void {
  let from = start;
  /** Where what was given ends. */
  let given = start;
  for (let at = start; at <= end; at++) {
    if (at < end && textKind[bytes[at]!] === TEXT) {
      // PHP reads on over a NUL in a comment: `<?php /*\0*/ system/*\0*/(…)`.
      if (at >= given && beginsPhp(bytes, at, end)) {
        given = Math.min(end, at + PHP_BYTES);
        sink.value(bytes, at, given, place);
      }
      continue;
    }
    if (at > given && at - from >= TEXT_BYTES_MIN && holdsCode(bytes, from, at))
      sink.value(bytes, from, at, place);
    from = at + 1;
  }
}

/** `<?php` or `<?=`; random bytes have one in 16 MB. */
function beginsPhp(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== 0x3c || at + 5 > end || bytes[at + 1] !== 0x3f) return false;
  if (bytes[at + 2] === 0x3d) return true;
  return (
    (bytes[at + 2]! | 0x20) === 0x70 && (bytes[at + 3]! | 0x20) === 0x68 && (bytes[at + 4]! | 0x20) === 0x70
  );
}

/** Of a script within a file, so much is looked at from its beginning on. */
const PHP_BYTES = 1024;

/**
 * Whether bytes begin as a file of a kind that no application reads values from: programs, archives, fonts, pictures, sound,
 * databases. Each of these beginnings has bytes that are no text; hardly one begins a message of protobuf, MessagePack or CBOR.
 */
export function beginsFile(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < FILE_BYTES_MIN) return false;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + start, FILE_BYTES_MIN).latin1Slice();
  return FILE_BEGIN.test(view);
}

const FILE_BYTES_MIN = 16;
const FILE_BEGIN = new RegExp(
  `^(?:${[
    "\\x7fELF[\\x01\\x02]",
    "MZ[^]\\x00",
    "PK\\x03\\x04",
    "PK\\x05\\x06",
    "\\xca\\xfe\\xba\\xbe", // Java's classes, programs of macOS
    "[\\xce\\xcf]\\xfa\\xed\\xfe",
    "[^]\\r\\r\\n[\\x00-\\x03]\\x00\\x00\\x00", // Python's bytecode
    "\\x00asm",
    "\\x00\\x01\\x00\\x00\\x00", // TrueType
    "OTTO\\x00",
    "ttcf\\x00",
    "wOF[F2][^]{4}\\x00",
    "\\x89PNG\\r\\n",
    "\\xff\\xd8\\xff",
    "GIF8[79]a[^][\\x00-\\x08]",
    "RIFF[^]{3}[\\x00-\\x08](?:WEBP|WAVE|AVI )",
    "\\x00[^]{3}ftyp",
    "OggS\\x00",
    "ID3[\\x02-\\x04]\\x00",
    "fLaC\\x00",
    "\\x1a\\x45\\xdf\\xa3", // Matroska
    "7z\\xbc\\xaf\\x27\\x1c",
    "Rar!\\x1a\\x07",
    "\\xfd7zXZ\\x00",
    "\\x04\\x22\\x4d\\x18", // LZ4
    "\\xed\\xab\\xee\\xdb", // RPM
    "PACK\\x00\\x00\\x00",
    "HG20\\x00",
    "SVN[\\x00-\\x02]",
    "SQLite format 3\\x00",
    "\\xde\\x12\\x04\\x95|\\x95\\x04\\x12\\xde", // message catalogues
  ].join("|")})`,
);

/** `<?` or `<%`: where PHP, ASP or JSP begins, for which a picture is a file like another. */
function holdsCode(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end - 1; at++)
    if (bytes[at] === 0x3c && (bytes[at + 1] === 0x3f || bytes[at + 1] === 0x25)) return true;
  return false;
}

/** Whether bytes begin like a serialised object of Java, or a pickle of version 2 to 5: what is in it is no text. */
function beginsObject(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 8) return false;
  const second = bytes[start + 1]!;
  if (bytes[start] === 0x80) return second >= 2 && second <= 5;
  return bytes[start] === 0xac && second === 0xed && bytes[start + 2] === 0 && bytes[start + 3] === 5;
}

/** Text whose every other byte is NUL, without the NULs. A receiver that goes by a byte order mark reads just that. */
function reportWideTexts(bytes: Uint8Array, start: number, end: number, place: Place, sink: ValueSink): void {
  for (let at = start; at < end; at++) {
    if (textKind[bytes[at]!] !== TEXT) continue;
    const from = at;
    while (at + 2 < end && bytes[at + 1] === 0 && textKind[bytes[at + 2]!] === TEXT) at += 2;
    const length = (at - from) / 2 + 1;
    if (length < TEXT_BYTES_MIN) continue;
    const text = Buffer.allocUnsafe(length);
    for (let index = 0; index < length; index++) text[index] = bytes[from + index * 2]!;
    sink.value(text, 0, length, place);
  }
}

/** Whether a body begins like gzip, zlib or zstd: scripts send such without saying so. */
export function isCompressed(bytes: Uint8Array, end: number): boolean {
  if (end < 4) return false;
  const first = bytes[0]!;
  const second = bytes[1]!;
  if (first === 0x1f) return second === 0x8b && bytes[2] === 8;
  if (first === 0x78) return second === 0x01 || second === 0x5e || second === 0x9c || second === 0xda;
  return first === 0x28 && second === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;
}

const BINARY_BYTES_MIN = 64;
/** Of an object; so few that they are not taken for binary. */
const OBJECT_BYTES = 120;
/** Random bytes have such a run once in 200 KB: a cut text ends where no writer ended it. */
const TEXT_BYTES_MIN = 12;
/** Printable characters of a text with gaps: so long that random bytes have one once in 1 MB. */
const SPACED_BYTES_MIN = 16;
/**
 * Words have some letters; in fonts every other byte is a control character: 22 of 37 were refused. Of late texts only: whoever
 * writes an attack puts up to four gaps between its words.
 */
const PRINTABLE_FOR_GAP = 3;
/**
 * So much longer is a text that does not begin a value of more than 4 KiB. In one of 700 of the shorter ones there is a `;w`
 * or `#`, a command or a comment to some detector: 27 of 3,000 random bodies of 1 MB were refused, and a push of 7 MB to a git
 * server. With this none is.
 */
const LATE_BYTES = 8;
const SMALL_BYTES = 4096;

/** 1 for control characters but tab, line feed and carriage return. */
const isControl: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0x7f || (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) ? 1 : 0,
);
/** Control characters in a row within a text. */
const GAP_MAX = 4;

const NO_TEXT = 0;
const TEXT = 1;
const GAP = 2;

/** TEXT: printable ASCII, tab, line feed and carriage return. GAP: what some reader takes for a space. */
const textKind: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte < 0x7f && isControl[byte] === 0) return TEXT;
  return (byte > 0 && byte < 0x20) || byte === 0xa0 ? GAP : NO_TEXT;
});
