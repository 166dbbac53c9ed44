/** Why a JSON body is refused. All of them are the client's fault. */
export type JsonReason =
  | "json_syntax" // not RFC 8259: comments, trailing commas, NaN, raw controls, cut short, empty, NUL in a key
  | "json_depth" // more open containers than `depthMax`
  | "json_string" // a key or string longer than `stringBytesMax`
  | "json_number" // a number longer than `numberCharsMax`
  | "json_keys" // too many keys in one object or in all
  | "json_nodes" // too many values
  | "json_dup" // a key occurs twice in one object: servers disagree on which one counts
  | "json_utf8" // not UTF-8, a byte order mark, or an escaped lone surrogate
  | "json_trailing"; // something after the value: a second value, NDJSON (but where `sequences` is set), garbage

export interface JsonLimits {
  /** Open arrays and objects together. */
  readonly depthMax: number;
  /** Bytes of one key or string, escapes resolved. */
  readonly stringBytesMax: number;
  /** Characters of one number: servers parse long ones in quadratic time. */
  readonly numberCharsMax: number;
  /** Values in all: strings, numbers, literals, arrays and objects. */
  readonly nodesMax: number;
  readonly keysPerObjectMax: number;
  /** Keys in all. */
  readonly keysMax: number;
  /** Keys of all objects open at one time: what the reader must remember. At most 65,535. */
  readonly openKeysMax: number;
  readonly duplicateKeys: "refuse" | "allow";
  /** Values may follow each other, with or without white space between them. */
  readonly sequences: boolean;
  /** Keys and strings are reported in pieces of at most so many bytes, each beginning with an overlap. */
  readonly pieceBytes: number;
  readonly overlapBytes: number;
}

export const defaultJsonLimits: JsonLimits = {
  depthMax: 64,
  stringBytesMax: 1_048_576,
  numberCharsMax: 1024,
  nodesMax: 2_000_000,
  keysPerObjectMax: 10_000,
  keysMax: 1_000_000,
  openKeysMax: 10_240,
  duplicateKeys: "refuse",
  sequences: false,
  pieceBytes: 8192,
  overlapBytes: 1024,
};
