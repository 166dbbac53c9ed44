import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";

const root = path.resolve(import.meta.dirname, "../..");

/** The folder of corpora and tools outside the repository: `$ZION_SHARED` or `../shared`; undefined when absent. */
export function sharedFolder(): string | undefined {
  const folder = process.env["ZION_SHARED"] ?? path.resolve(root, "../shared");
  return existsSync(path.join(folder, "corpora")) ? folder : undefined;
}

/**
 * A test's way to need something that may be absent: skips it with a message, or fails under CI=true, where nothing
 * may be skipped. Returns whether the test goes on.
 */
export function needs(t: TestContext, what: string, present: boolean): boolean {
  if (present) return true;
  if (process.env["CI"] === "true") throw new Error(`${what} is absent, and CI=true allows no skipped test`);
  t.skip(`${what} is absent`);
  return false;
}

/** The shared folder, or a skip. */
export function needsShared(t: TestContext): string | undefined {
  const folder = sharedFolder();
  return needs(t, "../shared (or $ZION_SHARED)", folder !== undefined) ? folder : undefined;
}

/** Whether a command exists on the PATH. */
export function hasCommand(name: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", name]).status === 0;
}

export interface CorpusCase {
  readonly id: string;
  readonly category: string;
  readonly expect: "block" | "pass";
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body_b64: string;
}

/** The cases of a corpus, in order. */
export function readCorpus(folder: string, name: string): CorpusCase[] {
  return readFileSync(path.join(folder, "corpora", name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as CorpusCase);
}

/** Tests whose full form takes long or much memory run it under CI or with ZION_FULL=1, and a short form otherwise. */
export const fullForm: boolean = process.env["ZION_FULL"] === "1" || process.env["CI"] === "true";

/** What takes too long for CI as well: its runs have 15 minutes in all. */
export const longForm: boolean = process.env["ZION_FULL"] === "1";
