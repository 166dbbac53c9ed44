import { createHash, type KeyObject } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { printReleaseSignature } from "../../src/cli/minisign.ts";
import { signatureFile, sumsFile } from "../../src/cli/verify-release.ts";

export function sha256Of(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** Writes the hashes of `names` as `sha256sum` prints them, in the order of the names, and the signature of that. */
export function signRelease(
  directory: string,
  names: readonly string[],
  comment: string,
  key: KeyObject | undefined,
): void {
  const sums = names
    .toSorted()
    .map((name) => `${sha256Of(join(directory, name))}  ${name}\n`)
    .join("");
  writeFileSync(join(directory, sumsFile), sums);
  if (key === undefined) return;
  writeFileSync(join(directory, signatureFile), printReleaseSignature(Buffer.from(sums), comment, key));
}
