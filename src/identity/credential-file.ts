/** What is wrong with a file of API keys or users, and where. Quotes nothing of it. */
export interface CredentialProblem {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

/** Entries of one file. */
export const CREDENTIALS_MAX = 100_000;
/** Bytes of one file. */
export const CREDENTIAL_BYTES_MAX = 33_554_432;

/** An entry that one name, id or key stands for. */
export interface NamedEntry {
  /** Must not occur twice. */
  readonly name: string;
}

/**
 * Reads a file of one entry a line; `#` begins a comment line. One line that cannot be read refuses the whole file: an
 * entry that is left out is a client that is locked out.
 */
export function readCredentialFile<T extends NamedEntry>(
  text: string,
  readEntry: (line: string) => T | string,
): readonly T[] | CredentialProblem {
  const entries: T[] = [];
  const names = new Set<string>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const entry = readEntry(line);
    if (typeof entry === "string") return { line: index + 1, problem: entry };
    if (names.has(entry.name)) return { line: index + 1, problem: "its name stands in the file twice" };
    if (entries.length === CREDENTIALS_MAX)
      return { line: index + 1, problem: `more than ${CREDENTIALS_MAX.toLocaleString("en-US")} entries` };
    names.add(entry.name);
    entries.push(entry);
  }
  return entries;
}

/** Names of users and ids of keys go into fields and logs. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9@._+-]{0,127}$/;
