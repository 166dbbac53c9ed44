import { closeSync, openSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { readableDisk } from "../audit/file-disk.ts";
import { readLines } from "../audit/log-lines.ts";
import { parseSegmentFile } from "../audit/log-name.ts";
import { readProblem } from "../config/files.ts";
import { captureFile } from "../control/capture-store.ts";
import { readHttpFile } from "../explain/http-file.ts";
import {
  type Arrival,
  type Recorded,
  recordedCapture,
  recordedInFtw,
  recordedInHar,
  recordedInLine,
  recordedWish,
} from "../explain/recorded.ts";
import { WishProblem } from "../explain/wish.ts";
import { KEY_BYTES } from "../record/capture-line.ts";
import { commandWords, readBytes, readCurl, readText, SourceUnreadable } from "./explain-source.ts";

/**
 * The requests of a file or directory, whatever it is: an audit log, a HAR file, a `.http` file, go-ftw tests, lines of
 * curl, lines of JSON. Throws SourceUnreadable or WishProblem.
 */
export function* recordedIn(
  source: string,
  arrival: Arrival,
  captureKey: string | undefined,
): Generator<Recorded> {
  try {
    const key = captureKey === undefined ? undefined : readCaptureKey(captureKey);
    if (statSync(source).isDirectory()) yield* inFolder(source, arrival, key);
    else if (captureFile.test(path.basename(source))) yield* inCaptures(source, key);
    else yield* inFile(source, arrival);
  } catch (error) {
    if (error instanceof WishProblem) throw new WishProblem(`${source}: ${error.message}`);
    if (error instanceof SourceUnreadable) throw error;
    throw new SourceUnreadable(`cannot read ${source}: ${readProblem(error)}`);
  }
}

function* inFolder(directory: string, arrival: Arrival, key: Buffer | undefined): Generator<Recorded> {
  const all = readableDisk(directory).list();
  const kept = all.filter((file) => captureFile.test(file));
  for (const file of kept) yield* inCaptures(path.join(directory, file), key);
  const files = all.filter((file) => parseSegmentFile(file) !== undefined);
  if (files.length + kept.length === 0)
    throw new WishProblem("it holds neither an audit log nor kept requests");
  for (const file of files) yield* inLines(directory, file, arrival);
}

function* inFile(file: string, arrival: Arrival): Generator<Recorded> {
  // By its name: nothing in it says what it is.
  if (/\.(?:http|rest)$/.test(file)) {
    for (const { name, wish } of readHttpFile(readText(file))) yield recordedWish(name, wish, arrival);
    return;
  }
  if (/\.ya?ml$/.test(file)) {
    yield* recordedInFtw(readText(file), arrival);
    return;
  }
  const beginning = beginningOf(file);
  if (/^(?:\s*#[^\n]*\n)*\s*curl\b/.test(beginning)) yield* inCurlLines(readText(file), arrival);
  // A line of JSON begins and ends with a brace; a HAR file is one object over many lines, or one with a log in it.
  else if (/^\s*\{\s*"log"\s*:/.test(beginning)) yield* recordedInHar(readText(file), arrival);
  else yield* inLines(path.dirname(file), path.basename(file), arrival);
}

function* inCaptures(file: string, key: Buffer | undefined): Generator<Recorded> {
  const disk = readableDisk(path.dirname(file));
  // The last line may be on its way.
  for (const { bytes, whole } of readLines(disk, path.basename(file), 0, LINE_MAX))
    if (whole) yield recordedCapture(bytes.latin1Slice(), key);
}

/** Throws SourceUnreadable. */
export function readCaptureKey(file: string): Buffer {
  const bytes = readBytes(file);
  const end = bytes.length === KEY_BYTES + 1 && bytes.at(-1) === 10 ? KEY_BYTES : bytes.length;
  if (end !== KEY_BYTES) throw new WishProblem(`${file}: a key of [capture] has ${KEY_BYTES} bytes`);
  return Buffer.from(bytes.subarray(0, end));
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
