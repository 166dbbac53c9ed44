/** Schemes that make a URL a program: what an attacker puts into href, src, action, data, style and the like. */

/** Span and kind of a script scheme at the start of a URL. */
export interface ScriptScheme {
  readonly scheme: "javascript" | "vbscript" | "livescript" | "mocha" | "data";
  /** After the colon. */
  readonly end: number;
  /** Whether white space, control characters, entities or backslashes stood between the letters. */
  readonly obfuscated: boolean;
}

const SCHEMES = ["javascript", "vbscript", "livescript", "mocha", "data"] as const;

/**
 * Reads a script scheme at `from` as browsers do: leading controls and spaces are dropped, tab, LF and CR inside are
 * ignored (WHATWG URL 4.4). Entities for them, other controls and backslashes are skipped too: a later decoder drops
 * them. `spaces` allows blanks between the letters, which some filters remove.
 */
export function readScriptScheme(
  lower: string,
  from: number,
  to: number,
  spaces: boolean,
): ScriptScheme | undefined {
  let start = from;
  while (start < to && (isSkipped(lower.charCodeAt(start)) || lower.charCodeAt(start) === 0x20)) start += 1;
  for (const scheme of SCHEMES) {
    if (lower.charCodeAt(start) !== scheme.charCodeAt(0)) continue;
    const read = matchScheme(lower, start, to, scheme, spaces);
    if (read !== undefined) return read;
  }
  return undefined;
}

function matchScheme(
  lower: string,
  start: number,
  to: number,
  scheme: ScriptScheme["scheme"],
  spaces: boolean,
): ScriptScheme | undefined {
  let index = start;
  let obfuscated = false;
  for (let letter = 0; letter <= scheme.length; letter += 1) {
    const wanted = letter < scheme.length ? scheme.charCodeAt(letter) : 0x3a;
    let skipped = 0;
    while (index < to && lower.charCodeAt(index) !== wanted && skipped < 48) {
      const length = skipLength(lower, index, to, spaces);
      if (length === 0) break;
      index += length;
      skipped += length;
      obfuscated = true;
    }
    if (index >= to || lower.charCodeAt(index) !== wanted) {
      if (letter !== scheme.length || index >= to) return undefined;
      const colon = colonEntity(lower, index);
      if (colon === 0) return undefined;
      return { scheme, end: index + colon, obfuscated: true };
    }
    index += 1;
  }
  return { scheme, end: index, obfuscated };
}

/** Length of something that decoders drop inside a scheme, 0 if none starts here. */
function skipLength(lower: string, at: number, to: number, spaces: boolean): number {
  const code = lower.charCodeAt(at);
  if (isSkipped(code) || code === 0x5c || (spaces && code === 0x20)) return 1;
  if (code === 0x2f && lower.startsWith("/**/", at)) return 4; // CSS comments in url(ja/**/vascript:)
  if (code !== 0x26) return 0;
  if (lower.startsWith("&tab;", at)) return 5;
  if (lower.startsWith("&newline;", at)) return 9;
  if (lower.charCodeAt(at + 1) !== 0x23) return 0;
  let index = at + 2;
  if (lower.charCodeAt(index) === 0x78) index += 1;
  const digits = index;
  while (index < to && index - digits < 10 && isHex(lower.charCodeAt(index))) index += 1;
  if (index === digits) return 0;
  return (lower.charCodeAt(index) === 0x3b ? index + 1 : index) - at;
}

function colonEntity(lower: string, at: number): number {
  if (lower.startsWith("&colon;", at)) return 7;
  if (lower.startsWith("&#58;", at)) return 5;
  return lower.startsWith("&#x3a;", at) ? 6 : 0;
}

/** Controls, and C1 bytes of UTF-8 white space (U+2000 to U+202F, U+3000, U+00A0, U+FEFF) that old browsers dropped. */
function isSkipped(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0xaf) ||
    code === 0xe2 ||
    code === 0xe3 ||
    code === 0xc2 ||
    code === 0xef ||
    code === 0xbb ||
    code === 0xbf
  );
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);
}

/**
 * Whether the rest of a `data:` URL is a document or a program: an HTML, XML or script type, or none and a tag. An SVG
 * image counts where it is a document (`images`); in `img` and in style sheets its scripts do not run, and what it
 * holds is read anyway.
 */
export function isActiveData(lower: string, from: number, to: number, images: boolean): boolean {
  let index = from;
  while (index < to && lower.charCodeAt(index) <= 0x20) index += 1;
  const typeEnd = Math.min(to, index + 64);
  const head = lower.slice(index, typeEnd);
  if (head.startsWith("image/svg")) return images;
  if (ACTIVE_TYPE.test(head)) return true;
  const comma = head.indexOf(",");
  if (comma < 0) return false;
  const type = head.slice(0, comma).trim();
  if (type !== "" && !type.startsWith(";") && type !== "text/plain") return false;
  const next = head.slice(comma + 1).trimStart();
  return next.startsWith("<") && next.length > 1;
}

const ACTIVE_TYPE =
  /^(?:text\/(?:html|xml|xsl|javascript|ecmascript|jscript|vbscript|x-scriptlet|css)|application\/(?:xhtml\+xml|xml|javascript|x-javascript|ecmascript|x-shockwave-flash)|[a-z.-]{1,20}\/[a-z.-]{1,30}\+xml)/;
