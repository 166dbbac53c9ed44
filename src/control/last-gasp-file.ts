import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "../config/config.ts";
import { printLine } from "./last-gasp.ts";

/** Beyond it the older half goes: 64 records at least, of 4 KiB at most each. */
const bytesMax = 512 * 1024;

/** The file of last words, through the life of a primary. */
export interface LastGaspFile {
  readonly path: string;
  /** For children, who append to it. Undefined: it cannot be written. */
  readonly fd: number | undefined;
  /** What stood in it that no primary had reported. */
  readonly found: readonly FoundGasp[];
  append(record: object): void;
}

/** A record of an earlier run. */
export interface FoundGasp {
  readonly time: string;
  readonly process: string;
  readonly pid: number;
  readonly error: string;
  readonly location: string;
}

/** Where last words go; undefined = to standard error alone. */
export function lastGaspPath(config: Config, environment: NodeJS.ProcessEnv): string | undefined {
  if (config.amnesia) return undefined;
  const { stateDir } = config.server;
  return environment["ZION_LAST_GASP_PATH"] || (stateDir && join(stateDir, "last_panic.jsonl"));
}

/**
 * Opened once and early: at the last gasp there may be no descriptors left, and children may not open files there. What
 * is found in it counts as reported from here on. Throws when it cannot be opened, or is no file.
 */
export function openLastGaspFile(path: string, wallMs: number): LastGaspFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  // Not waiting for the reader of a pipe; not following what somebody else put there.
  const fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  if (!fstatSync(fd).isFile()) {
    closeSync(fd);
    throw new Error(`${path} is no file`);
  }
  const append = (record: object) => {
    try {
      trim(fd);
      writeSync(fd, printLine(record));
    } catch {
      // A full disk: the log has it.
    }
  };
  const found = unreported(readTail(fd, bytesMax));
  if (found.length > 0) {
    const time = new Date(wallMs).toISOString();
    append({
      time,
      level: "info",
      "event.name": "zion.panic.reported",
      pid: process.pid,
      count: found.length,
    });
  }
  return { path, fd, found, append };
}

/** Without a place for it. */
export const noLastGaspFile: LastGaspFile = {
  path: "",
  fd: undefined,
  found: [],
  append() {},
};

/**
 * Last words after which nobody came: a primary that outlives a process says so in the file, and a start says that it
 * has told of what it found. Lines that are none of ours, and torn ones, say nothing.
 */
function unreported(text: string): readonly FoundGasp[] {
  const open = new Map<number, FoundGasp>();
  for (const line of text.split("\n")) {
    const record = parse(line);
    const { "event.name": event, pid } = record;
    if (event === "zion.panic.reported") open.clear();
    if (typeof pid !== "number") continue;
    if (event === "zion.process.died") open.delete(pid);
    if (event === "zion.panic") open.set(pid, foundIn(record, pid));
  }
  return [...open.values()];
}

function foundIn(record: Readonly<Record<string, unknown>>, pid: number): FoundGasp {
  const text = (name: string) => String(record[name] ?? "").slice(0, 300);
  return {
    time: text("time"),
    process: text("process"),
    pid,
    error: text("error"),
    location: text("location"),
  };
}

function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** In place, because children hold the file open. */
function trim(fd: number): void {
  if (fstatSync(fd).size <= bytesMax) return;
  const tail = readTail(fd, bytesMax / 2);
  ftruncateSync(fd, 0);
  writeSync(fd, tail.slice(tail.indexOf("\n") + 1));
}

function readTail(fd: number, bytes: number): string {
  const { size } = fstatSync(fd);
  const buffer = Buffer.alloc(Math.min(size, bytes));
  const read = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
  return buffer.toString("utf8", 0, read);
}
