import { writeSync } from "node:fs";
import { systemClock } from "../std/clock.ts";

/** Exit code of a process that met a bug of its own (operators.md §1.1). */
export const faultExitCode = 70;

/** C1, line separators, bidirectional controls: none may forge or hide a line in a log viewer. JSON escapes C0. */
const unsafe = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const maxLineBytes = 4096;

export interface LastGaspOptions {
  /** "primary", "worker 3", … */
  readonly role: string;
  /** Open file of `state_dir`/last_panic.jsonl, written beside standard error; asked for at the last moment. */
  readonly fileDescriptor: () => number | undefined;
}

/**
 * From here on a bug ends this process: one line of JSON, at most 4 KiB, synchronously, then exit code 70. An exception
 * nobody caught leaves unknown state behind, so nothing is ever resumed (reliability.md N4, C43).
 */
export function installLastGasp(options: LastGaspOptions): void {
  process.on("uncaughtException", (cause, origin) => {
    const line = lastGaspLine(options.role, origin, cause, systemClock.wallMs());
    writeQuietly(2, line);
    const file = options.fileDescriptor();
    if (file !== undefined) writeQuietly(file, line);
    process.exit(faultExitCode);
  });
}

/** One line with its newline, pure ASCII control-free JSON. */
export function lastGaspLine(role: string, origin: string, cause: unknown, wallMs: number): string {
  const stack = cause instanceof Error ? (cause.stack ?? String(cause)) : safeString(cause);
  const record = {
    time: new Date(wallMs).toISOString(),
    level: "fatal",
    "event.name": "zion.panic",
    process: role,
    pid: process.pid,
    origin,
    msg: "",
  };
  // Escaping makes text longer, so the longest message that fits is searched for, by halves.
  for (let keep = maxLineBytes; keep >= 1; keep = keep >> 1) {
    const line = `${escapeUnsafe(JSON.stringify({ ...record, msg: stack.slice(0, keep) }))}\n`;
    if (Buffer.byteLength(line) <= maxLineBytes) return line;
  }
  return `${JSON.stringify(record)}\n`;
}

function escapeUnsafe(json: string): string {
  return json.replace(unsafe, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function safeString(cause: unknown): string {
  try {
    return String(cause);
  } catch {
    return "a value that cannot be printed";
  }
}

function writeQuietly(fd: number, line: string): void {
  try {
    writeSync(fd, line);
  } catch {
    // A full or closed pipe: there is nobody left to tell.
  }
}
