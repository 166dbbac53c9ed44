import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writePrivateFile } from "../std/private-file.ts";

/** A certificate and its key, by the files they were read from. */
export interface KeptPair {
  readonly certPath: string;
  readonly keyPath: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/**
 * Copies of the pairs that were in force last, in the state directory (0700, files 0600): for a start that finds a renewed
 * pair half written (docs/decisions/0022). Pairs that are in force no more are removed. Throws where it cannot be written.
 */
export function keepPairs(stateDir: string, pairs: readonly KeptPair[]): void {
  const directory = join(stateDir, "certificates");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const current = new Map(
    pairs.map(({ certPath, keyPath, certPem, keyPem }) => [
      fileOf(certPath, keyPath),
      JSON.stringify({ certPath, keyPath, certPem, keyPem } satisfies KeptPair),
    ]),
  );
  for (const [file, text] of current)
    if (readText(join(directory, file)) !== text) writePrivateFile(join(directory, file), text);
  for (const file of readdirSync(directory))
    if (!current.has(file)) rmSync(join(directory, file), { force: true });
}

/** What was in force last from these files; undefined = nothing that can be read. */
export function readKeptPair(stateDir: string, certPath: string, keyPath: string): KeptPair | undefined {
  const text = readText(join(stateDir, "certificates", fileOf(certPath, keyPath)));
  if (text === undefined) return undefined;
  try {
    // Written whole or not at all, by us.
    return JSON.parse(text) as KeptPair;
  } catch {
    return undefined;
  }
}

function fileOf(certPath: string, keyPath: string): string {
  return `${createHash("sha256").update(`${certPath}\0${keyPath}`).digest("hex").slice(0, 32)}.json`;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
