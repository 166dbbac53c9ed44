import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Inputs of a target that reached something new, one a line in base64, in order. */
export function readCorpus(name: string): Buffer[] {
  const file = fileOf(name);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Buffer.from(line, "base64"));
}

export function writeCorpus(name: string, inputs: readonly Buffer[]): void {
  const lines = [...new Set(inputs.map((input) => input.toString("base64")))].sort();
  writeFileSync(fileOf(name), `${lines.join("\n")}\n`);
}

function fileOf(name: string): string {
  return path.join(import.meta.dirname, "corpus", `${name}.txt`);
}
