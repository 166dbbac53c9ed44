import { z } from "zod";

/**
 * Builders for the keys of the config. A key is declared once, here with its type, range, default and doc; the schema,
 * the error texts and the generated reference all come from that declaration.
 */

/** What the generated reference and the error texts say about a key. */
export interface KeyDoc {
  /** "integer 1..60", "string", … */
  readonly type: string;
  /** The default as TOML, or undefined when there is none. */
  readonly preset: string | undefined;
  /** A value to show commented out when there is no default, as TOML. */
  readonly example: string | undefined;
  readonly doc: string;
}

/** The docs of a key, kept beside its schema object. */
export const keyDocs = z.registry<KeyDoc>();

interface Range {
  readonly min: number;
  readonly max: number;
  readonly doc: string;
  readonly example?: number;
}

/** An integer key with a default. */
export function int(range: Range & { readonly default: number }) {
  const schema = bounded(range).default(range.default);
  keyDocs.add(schema, rangeDoc(range, String(range.default)));
  return schema;
}

/** An integer key that may be absent. */
export function optionalInt(range: Range) {
  const schema = bounded(range).optional();
  keyDocs.add(schema, rangeDoc(range, undefined));
  return schema;
}

/** A number key with a default, fractions allowed. */
export function real(range: Range & { readonly default: number }) {
  const error = () => `expected a number from ${group(range.min)} to ${group(range.max)}`;
  const schema = z
    .number({ error })
    .min(range.min, { error })
    .max(range.max, { error })
    .default(range.default);
  keyDocs.add(schema, {
    ...rangeDoc(range, String(range.default)),
    type: `number ${range.min}..${range.max}`,
  });
  return schema;
}

export function flag(preset: boolean, doc: string) {
  const schema = z.boolean({ error: "expected true or false" }).default(preset);
  keyDocs.add(schema, { type: "boolean", preset: String(preset), example: undefined, doc });
  return schema;
}

/** A boolean whose absence means something of its own. */
export function optionalFlag(doc: string) {
  const schema = z.boolean({ error: "expected true or false" }).optional();
  keyDocs.add(schema, { type: "boolean", preset: undefined, example: "true", doc });
  return schema;
}

/** One of a few strings. */
export function choice<const T extends readonly [string, ...string[]]>(
  values: T,
  preset: NoInfer<T[number]>,
  doc: string,
) {
  const schema = z.enum(values).default(preset as never);
  keyDocs.add(schema, { type: values.map(toml).join(", "), preset: toml(preset), example: undefined, doc });
  return schema;
}

/** One of a few strings, whose absence means something of its own. */
export function optionalChoice<const T extends readonly [string, ...string[]]>(values: T, doc: string) {
  const schema = z.enum(values).optional();
  keyDocs.add(schema, {
    type: values.map(toml).join(", "),
    preset: undefined,
    example: toml(values[0]),
    doc,
  });
  return schema;
}

interface Text {
  /** Shown as the type; default "string". */
  readonly type?: string;
  readonly doc: string;
  readonly example?: string;
}

export function text(about: Text & { readonly default: string }) {
  const schema = line().default(about.default);
  keyDocs.add(schema, {
    type: about.type ?? "string",
    preset: toml(about.default),
    example: undefined,
    doc: about.doc,
  });
  return schema;
}

export function optionalText(about: Text) {
  const schema = line().optional();
  const example = about.example === undefined ? undefined : toml(about.example);
  keyDocs.add(schema, { type: about.type ?? "string", preset: undefined, example, doc: about.doc });
  return schema;
}

interface Texts {
  readonly type?: string;
  readonly doc: string;
  readonly example?: readonly string[];
}

export function texts(about: Texts & { readonly default: readonly string[] }) {
  const schema = lines().default([...about.default]);
  keyDocs.add(schema, {
    type: about.type ?? "array of strings",
    preset: toml(about.default),
    example: undefined,
    doc: about.doc,
  });
  return schema;
}

export function optionalTexts(about: Texts) {
  const schema = lines().optional();
  const example = about.example === undefined ? undefined : toml(about.example);
  keyDocs.add(schema, { type: about.type ?? "array of strings", preset: undefined, example, doc: about.doc });
  return schema;
}

/** A string or array of strings as TOML. */
export function toml(value: string | readonly string[]): string {
  return typeof value === "string"
    ? JSON.stringify(value)
    : `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
}

function bounded(range: Range) {
  const error = () => `expected an integer from ${group(range.min)} to ${group(range.max)}`;
  return z.int({ error }).min(range.min, { error }).max(range.max, { error });
}

function rangeDoc(range: Range, preset: string | undefined): KeyDoc {
  const example = range.example === undefined ? undefined : String(range.example);
  return { type: `integer ${range.min}..${range.max}`, preset, example, doc: range.doc };
}

/** No key needs more; keeps a stray megabyte out of logs and labels. */
const longestString = 4096;

function line() {
  const tooLong = () => `expected a string of at most ${longestString} characters`;
  return z.string({ error: "expected a string" }).max(longestString, { error: tooLong });
}

function lines() {
  return z.array(line(), { error: "expected an array of strings" });
}

function group(value: number): string {
  return value.toLocaleString("en-US");
}
