import { createHash } from "node:crypto";
import { createReadStream, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readProblem, readRegularFile } from "../config/files.ts";
import { exitCodes } from "./exit-code.ts";
import { readReleaseKey, readReleaseSignature } from "./minisign.ts";
import type { Output } from "./output.ts";

export const sumsFile = "SHA256SUMS";
export const signatureFile = `${sumsFile}.minisig`;

/**
 * `zion verify-release`: whether a directory holds a release as it was signed: every file that was, unchanged, and no
 * other. Resolves with the exit code.
 */
export async function verifyReleaseCommand(
  directory: string,
  { key: keyFile }: { readonly key: string },
  output: Output,
): Promise<number> {
  const refuse = (problem: string, code: number = exitCodes.no): number => {
    output.err.write(`zion verify-release: ${problem}\n`);
    return code;
  };
  let texts: readonly [Uint8Array, string, string];
  let path = keyFile;
  try {
    const key = textOf(path);
    path = join(directory, signatureFile);
    const signature = textOf(path);
    path = join(directory, sumsFile);
    texts = [readRegularFile(path), signature, key];
  } catch (error) {
    return refuse(`cannot read ${path}: ${readProblem(error)}`, exitCodes.unavailable);
  }
  const [sums, signature, keyText] = texts;
  const key = readReleaseKey(keyText);
  if (typeof key === "string") return refuse(`${keyFile}: ${key}`, exitCodes.unavailable);
  // Before anything it says is believed.
  const signed = readReleaseSignature(sums, signature, key);
  if ("problem" in signed) return refuse(`${signatureFile}: ${signed.problem}`);
  const wanted = readSums(Buffer.from(sums).toString("latin1"));
  if (typeof wanted === "string") return refuse(`${sumsFile}: ${wanted}`);

  let code: number = exitCodes.ok;
  for (const [name, hash] of wanted) {
    const problem = await faultOf(join(directory, name), hash);
    if (problem === undefined) output.out.write(`${name}: ok\n`);
    else code = refuse(`${name}: ${problem}`);
  }
  for (const name of readdirSync(directory).sort())
    if (!wanted.has(name) && name !== sumsFile && name !== signatureFile)
      code = refuse(`${name}: it is not part of the release`);
  if (code === exitCodes.ok) output.out.write(`${wanted.size} files as signed: ${signed.comment}\n`);
  return code;
}

/** Names and hashes as `sha256sum` prints them; a text says what is wrong. A name is never a path. */
export function readSums(text: string): ReadonlyMap<string, string> | string {
  const sums = new Map<string, string>();
  if (!text.endsWith("\n")) return "its end is missing";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, hash, name] = /^([0-9a-f]{64}) {2}([A-Za-z0-9][\w.+~-]*)$/.exec(line) ?? [];
    if (hash === undefined || name === undefined) return "a line is not HASH, two spaces, NAME";
    if (sums.has(name)) return `${name} stands there twice`;
    sums.set(name, hash);
  }
  return sums;
}

/** Undefined: it is what was signed. */
async function faultOf(path: string, hash: string): Promise<string | undefined> {
  try {
    if (!lstatSync(path).isFile()) return "it is not a regular file";
    const found = createHash("sha256");
    for await (const part of createReadStream(path)) found.update(part as Buffer);
    return found.digest("hex") === hash ? undefined : "it was changed";
  } catch (error) {
    return readProblem(error);
  }
}

function textOf(path: string): string {
  return Buffer.from(readRegularFile(path)).toString("utf8");
}
