import { createSecretKey, type KeyObject } from "node:crypto";
import { fstatSync, readFileSync, statSync } from "node:fs";
import { ROOT_KEY_BYTES_MIN } from "../audit/mac-key.ts";
import { type Policy, readPolicy } from "../audit/policy.ts";
import { splitNotesAndRest } from "../audit/torn-note.ts";
import { readProblem } from "../config/files.ts";
import { askWitness } from "../control/ask-witness.ts";

/** A file that a command was given and cannot use. */
export class AuditSourceProblem extends Error {}

/** A root key: the bytes of a file, without the line end that editors add; "fd:3" = a descriptor that is open. */
export function readRootKey(source: string): KeyObject {
  const descriptor = /^fd:(\d+)$/.exec(source)?.[1];
  const bytes = attempt(source, () => {
    if (descriptor !== undefined) return readWhole(Number(descriptor));
    if (statSync(source).size > KEY_BYTES_MAX) throw new AuditSourceProblem(`${source}: too large for a key`);
    return readFileSync(source);
  });
  const end = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
  if (end < ROOT_KEY_BYTES_MIN)
    throw new AuditSourceProblem(
      `${source}: a key has at least ${ROOT_KEY_BYTES_MIN} bytes, this has ${end}`,
    );
  const key = createSecretKey(bytes.subarray(0, end));
  bytes.fill(0);
  return key;
}

export function readPolicyFile(file: string): Policy {
  const policy = readPolicy(attempt(file, () => readFileSync(file, "utf8")));
  if (typeof policy === "string") throw new AuditSourceProblem(`${file}: ${policy}`);
  return policy;
}

export function readNotes(file: string): string[] {
  return splitNotesAndRest(attempt(file, () => readFileSync(file, "utf8")));
}

/** What a `zion audit witness` has signed last, of every log that it watches over. */
export async function readWitness(url: string): Promise<string[]> {
  try {
    const address = `${url.replace(/\/+$/, "")}/checkpoints`;
    const { status, body } = await askWitness(address, { bytesMax: NOTES_BYTES_MAX, deadlineMs: 10_000 });
    if (status !== 200) throw new Error(`status ${status}`);
    return splitNotesAndRest(body);
  } catch (error) {
    throw new AuditSourceProblem(
      `the witness ${url}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function attempt<T>(source: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof AuditSourceProblem) throw error;
    throw new AuditSourceProblem(`${source}: ${readProblem(error)}`);
  }
}

function readWhole(descriptor: number): Buffer {
  if (fstatSync(descriptor).size > KEY_BYTES_MAX) throw new AuditSourceProblem("too large for a key");
  return readFileSync(descriptor);
}

const KEY_BYTES_MAX = 4096;
/** Notes of as many logs as a witness takes (audit/witness.ts). */
const NOTES_BYTES_MAX = 16 * 1_048_576;
