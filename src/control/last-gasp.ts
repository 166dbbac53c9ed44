import type { StdioOptions } from "node:child_process";
import { writeSync } from "node:fs";
import { systemClock } from "../std/clock.ts";
import { describeError } from "./error-shape.ts";

/** Exit code of a process that met a bug of its own (operators.md §1.1). */
export const faultExitCode = 70;

/** Descriptor of the last-gasp file in every child; 3 is the IPC pipe. Children may not open files there. */
export const lastGaspFd = 4;

/** C1, line separators, bidirectional controls: none may forge or hide a line in a log viewer. JSON escapes C0. */
const unsafe = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const maxLineBytes = 4096;

/** Descriptors of a child: no input, its last words on ours, and an own descriptor rather than a path for the file. */
export function childStdio(stdout: "inherit" | "ignore", lastGaspFile: number | undefined): StdioOptions {
  return ["ignore", stdout, "inherit", "ipc", lastGaspFile ?? "ignore"];
}

export interface LastGaspOptions {
  /** "primary", "worker 3", … */
  readonly role: string;
  /** The open last-gasp file, written beside standard error; asked for at the last moment. */
  readonly fileDescriptor: () => number | undefined;
}

/**
 * From here on a bug ends this process: one line of JSON, at most 4 KiB, synchronously, then exit code 70. An exception
 * nobody caught leaves unknown state behind, so nothing is ever resumed (reliability.md N4, C43).
 */
export function installLastGasp(options: LastGaspOptions): void {
  process.on("uncaughtException", (cause, origin) => {
    writeLastGasp(lastGaspLine(options.role, origin, cause, systemClock.wallMs()), options.fileDescriptor());
    process.exit(faultExitCode);
  });
}

export function writeLastGasp(line: string, file: number | undefined): void {
  writeQuietly(2, line);
  if (file !== undefined) writeQuietly(file, line);
}

/**
 * One line with its newline, pure ASCII control-free JSON. What kind of error, and where: an error's own text may quote a
 * request, a key or a password, so none of it is in the line (error-shape.ts).
 */
export function lastGaspLine(role: string, origin: string, cause: unknown, wallMs: number): string {
  const { error, code, msg, stack } = describeError(cause);
  const record = {
    time: new Date(wallMs).toISOString(),
    level: "fatal",
    "event.name": "zion.panic",
    process: role,
    pid: process.pid,
    uptime_ms: Math.round(process.uptime() * 1000),
    origin,
    error,
    ...(code === "" ? {} : { code }),
    msg,
    location: stack[0] ?? "",
  };
  // The whole stack if it fits: the calls nearest to the error say most.
  for (let keep = stack.length; keep > 0; keep--) {
    const line = printLine({ ...record, stack: stack.slice(0, keep) });
    if (Buffer.byteLength(line) <= maxLineBytes) return line;
  }
  const line = printLine(record);
  return Buffer.byteLength(line) <= maxLineBytes ? line : printLine({ ...record, msg: "", location: "" });
}

/** A record as a line of its own, whatever is in it. */
export function printLine(record: object): string {
  const json = JSON.stringify(record);
  return `${json.replace(unsafe, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;
}

function writeQuietly(fd: number, line: string): void {
  try {
    writeSync(fd, line);
  } catch {
    // A full or closed pipe: there is nobody left to tell.
  }
}
