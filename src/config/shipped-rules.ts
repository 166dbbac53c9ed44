import { readdirSync } from "node:fs";
import path from "node:path";
import type { RuleFile } from "../waf/parse-rules.ts";
import { readRegularFile } from "./files.ts";

/** Beside `src` in a checkout, beside `dist` in the package. */
const directory = path.resolve(import.meta.dirname, "../../rules");

/** The rule files that come with the package, by name. Throws when they cannot be read. */
export function readShippedRules(): readonly RuleFile[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".toml"))
    .sort()
    .map((name) => path.join(directory, name))
    .map((file) => ({ file, text: Buffer.from(readRegularFile(file)).toString("utf8") }));
}
