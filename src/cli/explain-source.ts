import { readFileSync } from "node:fs";
import net from "node:net";
import { readProblem } from "../config/files.ts";
import { readCurlWords } from "../explain/curl-words.ts";
import { type HarEntry, readHar } from "../explain/har.ts";
import type { Question } from "../explain/question.ts";
import { shellWords } from "../explain/shell-words.ts";
import { questionOf, type Wish, WishProblem } from "../explain/wish.ts";

/** A file that was named and cannot be read. `message` is one line for people. */
export class SourceUnreadable extends Error {}

export interface RequestSource {
  /** As after `curl`: options, method, URL. */
  readonly words: readonly string[];
  /** A whole command line. */
  readonly curl: string | undefined;
  /** Path of a HAR file; "-" = standard input. */
  readonly har: string | undefined;
  /** Which request of it, from 1. */
  readonly entry: number | undefined;
  readonly from: string;
  readonly sni: string | undefined;
}

/** The one request that is meant. Throws WishProblem or SourceUnreadable. */
export function readRequest(source: RequestSource): Question {
  const { from, sni } = source;
  if (net.isIP(from) === 0) throw new WishProblem(`--from ${from}: expected an IP address`);
  return questionOf(wishOf(source), { from, sni });
}

function wishOf({ words, curl, har, entry }: RequestSource): Wish {
  const given = [words.length > 0, curl !== undefined, har !== undefined].filter(Boolean).length;
  if (given !== 1)
    throw new WishProblem(given === 0 ? "give a request, or a code such as Z1042" : "one request at a time");
  if (har !== undefined) return pickEntry(readHar(readText(har)), entry);
  if (entry !== undefined) throw new WishProblem("--entry counts requests of a --har file");
  return readCurl(curl === undefined ? words : commandWords(curl));
}

/** A line that begins with `curl`. */
export function commandWords(text: string): readonly string[] {
  const [command, ...rest] = shellWords(text);
  if (command !== "curl" && command?.endsWith("/curl") !== true && command !== "curl.exe")
    throw new WishProblem("a line from the browser begins with curl");
  return rest;
}

export function readCurl(words: readonly string[]): Wish {
  return readCurlWords(words, { read: (path) => readBytes(path) });
}

function pickEntry(entries: readonly HarEntry[], wanted: number | undefined): Wish {
  const only = entries.length === 1 ? 1 : wanted;
  const found = entries.find(({ number }) => number === (wanted ?? only));
  if (found === undefined) {
    const shown = entries.slice(0, 20).map(({ number, method, url }) => `  ${number}  ${method} ${url}`);
    const more = entries.length > 20 ? [`  and ${entries.length - 20} more`] : [];
    throw new WishProblem(["choose one with --entry N:", ...shown, ...more].join("\n"));
  }
  if (found.wish instanceof WishProblem) throw found.wish;
  return found.wish;
}

export function readText(path: string): string {
  return Buffer.from(readBytes(path)).toString("utf8");
}

export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    throw new SourceUnreadable(`cannot read ${path}: ${readProblem(error)}`);
  }
}
