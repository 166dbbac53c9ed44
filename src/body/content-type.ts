import { inspectableCharset } from "./charset.ts";
import { type Family, familyOf } from "./media-type.ts";
import { tokenEnd } from "./token.ts";

/** Why a Content-Type is refused. */
export type ContentTypeReason =
  | "ct_syntax" // not `type/subtype *( ; name=value )` (RFC 9110 §8.3.1)
  | "ct_params" // more than PARAMS_MAX parameters, one of them twice, or an RFC 2231 form (`boundary*0=`)
  | "ct_charset" // a charset that hides text from a reader of bytes; see charset.ts
  | "ct_boundary"; // multipart without a boundary, or with one that readers disagree on

export interface ContentType {
  readonly family: Family;
  /** `type/subtype` in lower case; "" when there was no field. */
  readonly essence: string;
  /** In lower case, by its main name (`utf-8`); "" when not given. */
  readonly charset: string;
  /** Of multipart, without the leading `--`; "" otherwise. */
  readonly boundary: string;
}

export const PARAMS_MAX = 8;
/** RFC 2046 §5.1.1. */
export const BOUNDARY_CHARS_MAX = 70;

export const noContentType: ContentType = { family: "none", essence: "", charset: "", boundary: "" };

/**
 * Reads a Content-Type strictly: what two readers could take for two types, charsets or boundaries is refused.
 * `text` is the one field's value as latin-1; undefined when there is none.
 */
export function readContentType(text: string | undefined): ContentType | ContentTypeReason {
  if (text === undefined) return noContentType;
  return usual.get(text) ?? parse(text);
}

function parse(text: string): ContentType | ContentTypeReason {
  const from = skipSpace(text, 0);
  const slash = tokenEnd(text, from);
  if (slash === from || text.charCodeAt(slash) !== SLASH) return "ct_syntax";
  let at = tokenEnd(text, slash + 1);
  if (at === slash + 1) return "ct_syntax";
  const essence = text.slice(from, at).toLowerCase();
  const isMultipart = essence.startsWith("multipart/");

  let charset = "";
  let boundary = "";
  const names: string[] = [];
  for (;;) {
    at = skipSpace(text, at);
    if (at === text.length) break;
    if (text.charCodeAt(at) !== SEMICOLON) return "ct_syntax";
    at = skipSpace(text, at + 1);
    // An empty parameter is grammatical, and `…/x-www-form-urlencoded;` is common.
    if (at === text.length || text.charCodeAt(at) === SEMICOLON) continue;

    const nameEnd = tokenEnd(text, at);
    if (nameEnd === at || text.charCodeAt(nameEnd) !== EQUALS) return "ct_syntax";
    const name = text.slice(at, nameEnd).toLowerCase();
    if (name.includes("*") || names.length === PARAMS_MAX) return "ct_params";
    if (names.includes(name)) return name === "boundary" ? "ct_boundary" : "ct_params";
    names.push(name);

    const valueStart = nameEnd + 1;
    const isQuoted = text.charCodeAt(valueStart) === QUOTE;
    const isBoundary = isMultipart && name === "boundary";
    at = isQuoted
      ? quotedEnd(text, valueStart)
      : isBoundary
        ? bareBoundaryEnd(text, valueStart)
        : tokenEnd(text, valueStart);
    if (at <= valueStart) return isBoundary ? "ct_boundary" : "ct_syntax";
    const value = isQuoted ? text.slice(valueStart + 1, at - 1) : text.slice(valueStart, at);
    if (isBoundary) {
      if (!isBoundaryText(value)) return "ct_boundary";
      boundary = value;
    } else if (name === "charset") {
      const known = inspectableCharset(value);
      if (known === undefined) return "ct_charset";
      charset = known;
    }
  }
  if (isMultipart && boundary === "") return "ct_boundary";
  return { family: familyOf(essence), essence, charset, boundary };
}

/**
 * Whether this is a boundary to every reader: 1 to 70 of the RFC's characters, no space at the end. A backslash (some
 * readers resolve quoted pairs, some do not) is none of them.
 */
function isBoundaryText(value: string): boolean {
  if (value.length === 0 || value.length > BOUNDARY_CHARS_MAX) return false;
  for (let at = 0; at < value.length; at++) {
    if (boundaryChar[value.charCodeAt(at)] !== 1) return false;
  }
  return !value.endsWith(" ");
}

/**
 * An unquoted boundary is a token by the grammar, but clients send `=`, `:`, `/` and the like (`----=_Part_1`), which
 * servers take whole or refuse. Not so a comma, where PHP cuts, or a space.
 */
function bareBoundaryEnd(text: string, at: number): number {
  while (at < text.length && boundaryChar[text.charCodeAt(at)] === 1) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === SPACE) break;
    at++;
  }
  return at;
}

/** End of the quoted-string at `text[at]`, after its closing quote; -1 when it is none. */
function quotedEnd(text: string, at: number): number {
  for (at++; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code < 0x20 ? code !== TAB : code >= 0x7f) return -1;
    // A quoted pair: what it quotes must be a character that could stand alone.
    if (code === BACKSLASH && !(text.charCodeAt(++at) >= 0x20 && text.charCodeAt(at) < 0x7f)) return -1;
  }
  return -1;
}

function skipSpace(text: string, at: number): number {
  while (text.charCodeAt(at) === SPACE || text.charCodeAt(at) === TAB) at++;
  return at;
}

const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** 1 for the characters of a boundary (RFC 2046 §5.1.1). */
const boundaryChar = buildBoundaryChars();

/** The whole field values that most requests send: no parsing, no allocation. */
const usual: ReadonlyMap<string, ContentType> = new Map(
  [
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=UTF-8",
    "text/plain",
    "text/plain;charset=UTF-8",
  ].map((text) => [text, parse(text) as ContentType]),
);

function buildBoundaryChars(): Uint8Array {
  const table = new Uint8Array(256);
  const chars = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ";
  for (const char of chars) table[char.charCodeAt(0)] = 1;
  return table;
}
