import { readFileSync } from "node:fs";
import path from "node:path";
import { apartTraffic, benignTraffic } from "./benign/traffic.ts";
import type { EvalCase } from "./case.ts";

/** Corpora in the order of the table. All but the generator's are files of the shared folder. */
export const corpusNames = [
  "crs-attacks",
  "crs-near-misses",
  "gotestwaf",
  "payload-lists",
  "benign-browsing",
  "json-suite",
  "desync",
  "generator",
  "generator-apart",
] as const;

/** Whether a corpus needs no file. */
export function isOwn(name: CorpusName): boolean {
  return name === "generator" || name === "generator-apart";
}

export type CorpusName = (typeof corpusNames)[number];

export interface Corpus {
  readonly name: CorpusName;
  readonly cases: readonly EvalCase[];
  /** Cases of the file that are not run, and why. */
  readonly leftOut: readonly { readonly id: string; readonly why: string }[];
}

/** Reads a corpus; `shared` may be undefined for the generator's only. Throws when the file cannot be read. */
export function readCorpus(name: CorpusName, shared: string | undefined): Corpus {
  if (name === "generator") return { name, cases: benignTraffic(), leftOut: [] };
  if (name === "generator-apart") return { name, cases: apartTraffic(), leftOut: [] };
  if (shared === undefined) throw new Error(`${name}: no shared folder`);
  const text = readFileSync(path.join(shared, "corpora", `${name}.jsonl`), "utf8");
  const lines = text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line]));
  if (name !== "json-suite") return { name, cases: lines.map(fromLine), leftOut: [] };
  const leftOut = lines.flatMap(({ id, body_b64 }) => {
    const why = whyLeftOut(id, body_b64 ?? "");
    return why === undefined ? [] : [{ id, why }];
  });
  const gone = new Set(leftOut.map(({ id }) => id));
  return { name, cases: lines.filter(({ id }) => !gone.has(id)).map(fromJsonLine), leftOut };
}

/**
 * `count` cases spread evenly over each category, the same on every run. All of them when there are not more. Every
 * category keeps at least one.
 */
export function sample(cases: readonly EvalCase[], count: number): EvalCase[] {
  const step = Math.max(1, cases.length / count);
  const seen = new Map<string, number>();
  return cases.filter(({ category, expect }) => {
    const key = `${category} ${expect}`;
    const index = seen.get(key) ?? 0;
    seen.set(key, index + 1);
    return Math.floor(index / step) !== Math.floor((index - 1) / step);
  });
}

interface Line {
  readonly id: string;
  readonly expect: "block" | "pass" | "accept" | "reject" | "either";
  readonly category?: string;
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body_b64?: string;
  readonly raw_b64?: string;
  readonly clean_ok?: boolean;
}

function fromLine(line: Line): EvalCase {
  return {
    id: line.id,
    category: line.category ?? "",
    expect: line.expect === "block" ? "block" : "pass",
    method: line.method ?? "GET",
    target: line.target ?? "/",
    headers: line.headers ?? [],
    body: Buffer.from(line.body_b64 ?? "", "base64"),
    ...(line.raw_b64 === undefined ? {} : { raw: Buffer.from(line.raw_b64, "base64") }),
    cleanIsRight: line.clean_ok === true,
  };
}

const expectations = {
  accept: "pass",
  reject: "block",
  either: "either",
  block: "block",
  pass: "pass",
} as const;

function fromJsonLine({ id, expect, body_b64 }: Line): EvalCase {
  return {
    id,
    category: `json/must-${expect}`.replace("must-either", "either"),
    expect: expectations[expect],
    method: "POST",
    target: "/json",
    headers: [["Content-Type", "application/json"]],
    body: Buffer.from(body_b64 ?? "", "base64"),
  };
}

function whyLeftOut(id: string, body: string): string | undefined {
  if (/^y_object_duplicated_key/.test(id))
    return "servers differ in which value of a repeated key they take: refused";
  if (/^y_object_escaped_null_in_key/.test(id)) return "NUL in a key: refused";
  if (body === "") return "no bytes are no body";
  return undefined;
}
