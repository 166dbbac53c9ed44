import { readVkey, type Verifier } from "./note.ts";

/**
 * Whom a verifier believes: kept away from the log, because a log that names its own keys proves nothing to somebody who
 * was not there.
 */
export interface Policy {
  /** Keys of the log, each for the sizes at which it signed. */
  readonly keys: readonly LogKey[];
  readonly witnesses: readonly Verifier[];
  /** Witnesses that must have seen a checkpoint for it to count as an anchor; 0 = an anchor file is enough. */
  readonly quorum: number;
}

export interface LogKey {
  readonly verifier: Verifier;
  readonly fromSize: number;
  /** Checkpoints above are not believed: retired, or stolen. */
  readonly toSize: number;
}

/** Reads a policy file (docs/audit.md has its form); a text says what is wrong. */
export function readPolicy(text: string): Policy | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  if (!isTable(value)) return "it is not an object";
  const unknown = Object.keys(value).find((key) => !["keys", "witnesses", "quorum"].includes(key));
  if (unknown !== undefined) return `it has an unknown key ${JSON.stringify(unknown)}`;
  const { keys, witnesses = [], quorum = 0 } = value as Readonly<Record<string, unknown>>;
  if (!Array.isArray(keys) || keys.length === 0) return "`keys` is not a list of at least one key";
  if (!Array.isArray(witnesses)) return "`witnesses` is not a list";
  if (!Number.isSafeInteger(quorum) || (quorum as number) < 0 || (quorum as number) > witnesses.length)
    return "`quorum` is not a number of witnesses";
  const logKeys: LogKey[] = [];
  for (const key of keys as readonly unknown[]) {
    if (!isTable(key)) return "a key is not an object";
    const { vkey, from_size: fromSize = 0, to_size: toSize = Number.MAX_SAFE_INTEGER } = key;
    const verifier = readVkey(String(vkey));
    if (typeof verifier === "string") return `the key ${JSON.stringify(vkey)}: ${verifier}`;
    if (!Number.isSafeInteger(fromSize) || !Number.isSafeInteger(toSize)) return "a size is not a number";
    logKeys.push({ verifier, fromSize: fromSize as number, toSize: toSize as number });
  }
  const witnessKeys: Verifier[] = [];
  for (const vkey of witnesses as readonly unknown[]) {
    const verifier = readVkey(String(vkey));
    if (typeof verifier === "string") return `the witness ${JSON.stringify(vkey)}: ${verifier}`;
    witnessKeys.push(verifier);
  }
  return { keys: logKeys, witnesses: witnessKeys, quorum: quorum as number };
}

/** The policy that says what a log says of itself. */
export function policyOf(vkeys: readonly string[]): Policy {
  const keys = vkeys
    .map(readVkey)
    .filter((verifier) => typeof verifier !== "string")
    .map((verifier) => ({ verifier, fromSize: 0, toSize: Number.MAX_SAFE_INTEGER }));
  return { keys, witnesses: [], quorum: 0 };
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
