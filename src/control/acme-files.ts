import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { acmeFileName, acmePairPath, splitPair } from "../config/acme-pair.ts";

/** The key of an account; `nextKey` while it is not known whether a rollover succeeded. PEM. */
export interface SavedAccount {
  readonly key: string;
  readonly nextKey?: string;
}

/** An order on its way: with it nothing is lost when the gateway dies between the CA's answer and our write. */
export interface SavedOrder {
  readonly domains: readonly string[];
  readonly keyType: string;
  readonly accountId: string;
  readonly keyPem: string;
  /** Absent: the CA has not answered yet. */
  readonly url?: string;
  /** Wall-clock ms. */
  readonly sinceMs: number;
}

/** What `[tls.acme]` keeps in its directory; every file mode 0600, replaced as a whole, on the disk when a call returns. */
export interface AcmeFiles {
  account(id: string): SavedAccount | undefined;
  saveAccount(id: string, account: SavedAccount): void;
  order(name: string): SavedOrder | undefined;
  saveOrder(name: string, order: SavedOrder): void;
  dropOrder(name: string): void;
  /** Undefined: none was issued, or what is there cannot be used. */
  certificate(name: string): string | undefined;
  /** Key and chain in one file: there is no moment at which they are of two certificates. */
  saveCertificate(name: string, keyPem: string, chainPem: string): void;
  journal(): unknown;
  saveJournal(journal: object): void;
}

/** Makes what is missing. Its methods throw when the disk does; a file that is none of ours throws too. */
export function openAcmeFiles(directory: string): AcmeFiles {
  for (const part of ["accounts", "orders", "certificates"])
    mkdirSync(join(directory, part), { recursive: true, mode: 0o700 });
  const accountPath = (id: string) => join(directory, "accounts", `${id}.json`);
  const orderPath = (name: string) => join(directory, "orders", `${acmeFileName(name)}.json`);
  const journalPath = join(directory, "journal.json");
  return {
    account: (id) => read(accountPath(id)) as SavedAccount | undefined,
    saveAccount: (id, account) => replace(accountPath(id), JSON.stringify(account)),
    order: (name) => read(orderPath(name)) as SavedOrder | undefined,
    saveOrder: (name, order) => replace(orderPath(name), JSON.stringify(order)),
    dropOrder: (name) => remove(orderPath(name)),
    certificate: (name) => {
      const text = readText(acmePairPath(directory, name));
      return text === undefined ? undefined : splitPair(text)?.certPem;
    },
    saveCertificate: (name, keyPem, chainPem) =>
      replace(acmePairPath(directory, name), `${keyPem}${chainPem}`),
    journal: () => read(journalPath),
    saveJournal: (journal) => replace(journalPath, JSON.stringify(journal)),
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

function read(path: string): unknown {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // As below.
  }
  throw new Error(`${path} is damaged`);
}

/** O_DSYNC, because the permission model switches `fsync` off. */
const FRESH =
  constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_DSYNC | constants.O_NOFOLLOW;

function replace(path: string, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  const fd = openSync(`${path}.new`, FRESH, 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  } finally {
    closeSync(fd);
  }
  renameSync(`${path}.new`, path);
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
  }
}
