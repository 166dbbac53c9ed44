import { readdirSync } from "node:fs";
import path from "node:path";
import type { RuleFile } from "../waf/parse-rules.ts";
import { readRegularFile } from "./files.ts";

/** The rules that are shipped: beside `src` in a checkout, beside `dist` in the package. */
export const shippedRules = path.resolve(import.meta.dirname, "../../rules");

/** The rule files (`*.toml`) of a directory, by name. Throws when they cannot be read. */
export function readRuleFiles(directory: string): readonly RuleFile[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".toml"))
    .sort()
    .map((name) => readRuleFile(path.join(directory, name)));
}

/** Throws when it cannot be read. */
export function readRuleFile(file: string): RuleFile {
  return { file, text: Buffer.from(readRegularFile(file)).toString("utf8") };
}
