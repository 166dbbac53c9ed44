import { closeSync, openSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { readableDisk } from "../audit/file-disk.ts";
import { readLines } from "../audit/log-lines.ts";
import { parseSegmentFile } from "../audit/log-name.ts";
import { readProblem } from "../config/files.ts";
import {
  type Arrival,
  type Recorded,
  recordedInHar,
  recordedInLine,
  recordedWish,
} from "../explain/recorded.ts";
import { WishProblem } from "../explain/wish.ts";
import { commandWords, readCurl, readText, SourceUnreadable } from "./explain-source.ts";

/**
 * The requests of a file or directory, whatever it is: an audit log, a HAR file, lines of curl, lines of JSON. Throws
 * SourceUnreadable or WishProblem.
 */
export function* recordedIn(source: string, arrival: Arrival): Generator<Recorded> {
  try {
    if (statSync(source).isDirectory()) yield* inLog(source, arrival);
    else yield* inFile(source, arrival);
  } catch (error) {
    if (error instanceof WishProblem) throw new WishProblem(`${source}: ${error.message}`);
    if (error instanceof SourceUnreadable) throw error;
    throw new SourceUnreadable(`cannot read ${source}: ${readProblem(error)}`);
  }
}

function* inLog(directory: string, arrival: Arrival): Generator<Recorded> {
  const disk = readableDisk(directory);
  const files = disk.list().filter((file) => parseSegmentFile(file) !== undefined);
  if (files.length === 0) throw new WishProblem("it is no audit log");
  for (const file of files) yield* inLines(directory, file, arrival);
}

function* inFile(file: string, arrival: Arrival): Generator<Recorded> {
  const beginning = beginningOf(file);
  if (/^(?:\s*#[^\n]*\n)*\s*curl\b/.test(beginning)) yield* inCurlLines(readText(file), arrival);
  // A line of JSON begins and ends with a brace; a HAR file is one object over many lines, or one with a log in it.
  else if (/^\s*\{\s*"log"\s*:/.test(beginning)) yield* recordedInHar(readText(file), arrival);
  else yield* inLines(path.dirname(file), path.basename(file), arrival);
}

/** Corpora and logs may be long: a line at a time. */
function* inLines(directory: string, file: string, arrival: Arrival): Generator<Recorded> {
  const disk = readableDisk(directory);
  for (const { bytes } of readLines(disk, file, 0, LINE_MAX)) {
    const line = bytes.toString("utf8");
    if (line.trim() === "") continue;
    const recorded = recordedInLine(line, arrival);
    if (recorded !== undefined) yield recorded;
  }
}

/** One command a line, which may go on behind a backslash; `#` begins a comment. */
function* inCurlLines(text: string, arrival: Arrival): Generator<Recorded> {
  const commands = text.replace(/\\\r?\n/g, " ").split(/\r?\n/);
  for (const [index, command] of commands.entries()) {
    if (command.trim() === "" || command.trimStart().startsWith("#")) continue;
    const wish = readCurl(commandWords(command));
    yield recordedWish(`line ${index + 1} ${wish.method} ${wish.target}`, wish, arrival);
  }
}

/** A request with a body of 48 MiB, in base64. */
const LINE_MAX = 64 * 1_048_576;

function beginningOf(file: string): string {
  const fd = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(4096);
    return bytes.toString("utf8", 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}
