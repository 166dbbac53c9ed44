import { closeSync, constants, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { REVOKED_MAX, TOKEN_ID_MAX } from "../identity/revoked-tokens.ts";
import { isObject } from "../identity/strict-json.ts";
import type { Clock } from "../std/clock.ts";

/** A token that was taken back before its time. */
export interface Revocation {
  readonly jti: string;
  /** When it would have ended, seconds since the epoch: nobody has to remember it after that. */
  readonly exp: number;
}

/** Tokens are accepted this long after their end at most (`leeway_secs`). */
const LEEWAY_SECS = 300;
/** The year 9999. */
const EXP_MAX = 253_402_300_799;
/** Lines of the file that say nothing any more, before it is written anew. */
const STALE_LINES_MAX = 10_000;

export interface Revocations {
  readonly list: () => readonly Revocation[];
  /**
   * A token that is on the list already stays until the later end. "over": it has ended, so its end is a slip. "full":
   * there is no room. "not_written": it is in force, and would be forgotten by a restart.
   */
  add(entry: Revocation): "added" | "over" | "full" | "not_written";
  remove(jti: string): "removed" | "unknown" | "not_written";
  /** Forgets what has expired. */
  prune(): void;
  /** Takes up what a predecessor wrote since it was opened (`zion upgrade`). */
  catchUp(): void;
  /** Calls `onChange` with tokens that are refused from now on, and those that are not any more. */
  listen(onChange: RevocationListener): void;
}

export type RevocationListener = (added: readonly string[], dropped: readonly string[]) => void;

/**
 * The revoked tokens, in the primary. The file in `stateDir` is a log of JSON lines, each synced before it is answered
 * for; without a directory a restart forgets them. A problem when the file cannot be read whole: a list that is half
 * there would let tokens in that somebody took back.
 */
export function openRevocations(
  stateDir: string | undefined,
  clock: Clock,
): Revocations | { readonly problem: string } {
  const path = stateDir === undefined ? undefined : join(stateDir, "revoked_tokens.jsonl");
  const read = path === undefined ? emptyLog() : readLog(path);
  if (typeof read === "string") return { problem: read };
  const { entries } = read;
  /** Infinity: what a crash cut off must not become part of the next line. */
  let staleLines = read.isTorn ? Infinity : read.lines - entries.size;
  let fd: number | undefined;
  let onChange: RevocationListener = () => {};

  const isOver = (exp: number) => clock.wallMs() / 1000 > exp + LEEWAY_SECS;

  const write = (line: Revocation): boolean => {
    if (path === undefined) return true;
    try {
      if (staleLines > STALE_LINES_MAX) {
        if (fd !== undefined) closeSync(fd);
        fd = undefined;
        fd = rewrite(path, entries);
        staleLines = 0;
      }
      fd ??= openSync(path, APPEND, 0o600);
      writeLines(fd, [line]);
      return true;
    } catch {
      // A full disk may have taken half of it.
      staleLines = Infinity;
      return false;
    }
  };

  const prune = () => {
    const over = [...entries].filter(([, exp]) => isOver(exp)).map(([jti]) => jti);
    for (const jti of over) entries.delete(jti);
    staleLines += over.length;
    if (over.length > 0) onChange([], over);
  };
  prune();

  return {
    list: () => [...entries].map(([jti, exp]) => ({ jti, exp })),
    add({ jti, exp }) {
      prune();
      if (isOver(exp)) return "over";
      const known = entries.get(jti);
      if (known === undefined && entries.size >= REVOKED_MAX) return "full";
      const last = Math.max(exp, known ?? 0);
      const isWritten = write({ jti, exp: last });
      if (known !== undefined) staleLines++;
      entries.set(jti, last);
      onChange([jti], []);
      return isWritten ? "added" : "not_written";
    },
    remove(jti) {
      if (!entries.has(jti)) return "unknown";
      if (!write({ jti, exp: 0 })) return "not_written";
      entries.delete(jti);
      staleLines += 2;
      onChange([], [jti]);
      return "removed";
    },
    prune,
    catchUp() {
      const again = path === undefined ? "" : readLog(path);
      // A file that cannot be read any more leaves what is known in force.
      if (typeof again === "string") return;
      const late = again.entries;
      const added = [...late.keys()].filter((jti) => !entries.has(jti));
      const dropped = [...entries.keys()].filter((jti) => !late.has(jti));
      for (const jti of dropped) entries.delete(jti);
      for (const [jti, exp] of late) entries.set(jti, exp);
      if (added.length + dropped.length > 0) onChange(added, dropped);
    },
    listen(listener) {
      onChange = listener;
    },
  };
}

/** `{"jti": …, "exp": …}` as an object, or what is wrong with it. */
export function readRevocation(value: unknown): Revocation | string {
  if (!isObject(value)) return "expected an object";
  const { jti, exp } = value;
  if (typeof jti !== "string" || jti === "" || jti.length > TOKEN_ID_MAX)
    return `\`jti\` is a string of 1 to ${TOKEN_ID_MAX} characters`;
  if (typeof exp !== "number" || !(exp >= 0 && exp <= EXP_MAX))
    return "`exp` is the end of the token, seconds since the epoch";
  return { jti, exp };
}

interface Log {
  readonly entries: Map<string, number>;
  readonly lines: number;
  /** A crash cut its last line off. */
  readonly isTorn: boolean;
}

/** Later lines win; `exp` 0 takes one back. What is wrong, in words, when the file cannot be read. */
function readLog(path: string): Log | string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return emptyLog();
    return `${path}: ${(cause as NodeJS.ErrnoException).code ?? "cannot be read"}`;
  }
  const entries = new Map<string, number>();
  const lines = text.split("\n");
  // Behind the last line end stands nothing, or what was cut off: nobody was told that it is in force.
  const isTorn = lines.pop() !== "";
  for (const [index, line] of lines.entries()) {
    const entry = readLine(line);
    if (entry === undefined) return `${path}: line ${index + 1} is damaged`;
    if (entry.exp === 0) entries.delete(entry.jti);
    else entries.set(entry.jti, entry.exp);
  }
  return { entries, lines: lines.length, isTorn };
}

function emptyLog(): Log {
  return { entries: new Map(), lines: 0, isTorn: false };
}

function readLine(line: string): Revocation | undefined {
  try {
    const entry = readRevocation(JSON.parse(line));
    return typeof entry === "string" ? undefined : entry;
  } catch {
    return undefined;
  }
}

/** Replaces the file by one without stale lines; returns it open for more. */
function rewrite(path: string, entries: ReadonlyMap<string, number>): number {
  const fresh = `${path}.new`;
  const fd = openSync(fresh, REPLACE, 0o600);
  try {
    writeLines(
      fd,
      [...entries].map(([jti, exp]) => ({ jti, exp })),
    );
    renameSync(fresh, path);
    return fd;
  } catch (cause) {
    closeSync(fd);
    throw cause;
  }
}

function writeLines(fd: number, lines: readonly Revocation[]): void {
  const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""), "utf8");
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** On the disk when a write returns: the permission model switches `fsync` off. */
const SYNCED = constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC;
const APPEND = SYNCED | constants.O_APPEND;
const REPLACE = SYNCED | constants.O_TRUNC;
