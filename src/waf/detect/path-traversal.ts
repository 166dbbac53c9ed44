import { DETECTIONS_MAX, type Detection, type Subject } from "../detection.ts";
import { endsInSystemFile } from "./path-sensitive.ts";

/**
 * Steps to a parent directory. A step is two or more dots and one or more slashes, each in any spelling that some
 * server has once decoded: `%2e`, `%c0%ae`, `%uff0e`, `0x2e`, overlong UTF-8, `?` for a letter that was lost, broken
 * escapes (`%2%e`), best-fit characters. What follows the steps decides: a link in a page also begins with `../`.
 */

/** Two characters, or the beginning of an encoded dot, which every step contains. */
export const TRAVERSAL_TRIGGERS: readonly string[] = [
  "../",
  "..\\",
  "..%",
  "..;",
  "..0x",
  "..?",
  "..\0",
  "..\x01",
  "...",
  ".%",
  ".0x",
  ".?",
  ".\0",
  "?.",
  "??/",
  "??\\",
  "??%",
  "??0x",
  "0x2e",
  "0x2f",
  "0x5c",
  "%2e",
  "%2%",
  "%c0",
  "%e0%80",
  "%f0%80",
  "%f8%80",
  "%fc%80",
  "%ef%bc",
  "%e2%80%a4",
  "%uff0e",
  "%u002e",
  "%u2024",
  "%%32",
  "\xc0",
  "\xc1",
  "\xe0\x80",
  "\xf0\x80",
  "\xf8\x80",
  "\xfc\x80",
  "..\xe2",
  "..\xef",
  ".\xef\xbc",
  "\xef\xbc\x8e",
  "..2f",
];

/** Steps read in one run: more say nothing new. */
const STEPS_MAX = 64;
/** Longer values are no file names that climb. */
const CLIMB_VALUE_MAX = 2_048;

// Sticky and without repetition: each reads one token.
const PLAIN_DOT = 0x2e;
const ODD_DOT =
  /(?:%(?:25){0,3}2e|%%32%65|%%32%%65|%2%e|%{0,2}(?:25)?c0%(?:25)?(?:ae|2e|5e|ee|fe|6e)|%%?c0%6e|%e0%80%ae|%f0%80%80%ae|%f8%80%80%80%ae|%fc%80%80%80%80%ae|%ef%bc%8e|%e2%80%a4|%uff0e|%u002e|%u2024|0x2e|%?\xc0[\xae.^\xee\xfen]|%c0\.|\xe0\x80\xae|\xf0\x80\x80\xae|\xf8\x80\x80\x80\xae|\xfc\x80\x80\x80\x80\xae|\xef\xbc\x8e|\xe2\x80\xa4)/y;
const ODD_SLASH =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: 0x1c is the low byte of an overlong backslash
  /(?:%(?:25){0,3}(?:2f|5c)|%%32%66|%%32%%66|%%35%63|%%35%%63|%2%f|%5%c|%{0,2}(?:25)?c[01]%(?:25)?(?:af|9c|2f|5c|1c|9v|qf|8s|pc|%[0-9a-z]{2})|%bg%qf|%e0%80%af|%f0%80%80%af|%f8%80%80%80%af|%fc%80%80%80%80%af|%ef%bc%8f|%ef%bc%bc|%e2%88%95|%u2215|%u2216|%uefc8|%uf025|%u002f|%u005c|%uff0f|%uff3c|0x2f|0x5c|[\xc0\xc1](?:[\xaf\x9c\x1c/\\]|%(?:9v|qf|8s|pc))|\xe0\x80\xaf|\xf0\x80\x80\xaf|\xf8\x80\x80\x80\xaf|\xfc\x80\x80\x80\x80\xaf|\xef\xbc[\x8f\xbc]|\xe2\x88[\x95\x96]|\xee\xbf\x88|\xef\x80\xa5|(?<=\.\.)2f(?=\.\.|etc))/y;
interface Run {
  start: number;
  end: number;
  /** Behind the dots that were read last. */
  dotsEnd: number;
  steps: number;
  odd: boolean;
  /** `....//`, `..\/`, `.\\..\\`: spellings that no program produces. */
  irregular: boolean;
  /** `..;/`: parameters of a path segment, which Tomcat drops. */
  semicolon: boolean;
  backslash: boolean;
}

export function findTraversal({ text, lower }: Subject, found: Detection[]): void {
  const from = found.length;
  const lastNul = text.lastIndexOf("\0");
  let at = 0;
  // Every run is judged: with a limit, links of a page could hide a traversal behind them.
  for (;;) {
    const run = nextRun(lower, at);
    if (run === undefined) return;
    at = run.end;
    const kind = judge(run, lower, lastNul);
    if (kind === undefined) continue;
    found.push({ kind, start: run.start, end: run.end });
    if (kind !== "path.relative_climb" || found.length - from >= DETECTIONS_MAX) return;
  }
}

function nextRun(lower: string, from: number): Run | undefined {
  const run: Run = {
    start: from,
    end: from,
    dotsEnd: from,
    steps: 0,
    odd: false,
    irregular: false,
    semicolon: false,
    backslash: false,
  };
  for (let at = from; at < lower.length; at++) {
    if (STARTS[lower.charCodeAt(at)] !== 1 || !mayStart(lower, at)) continue;
    run.start = at;
    run.end = at;
    while (run.steps < STEPS_MAX && readStep(lower, run)) run.steps++;
    if (run.steps > 0) return run;
    // Behind dots without a slash no dot of theirs begins a step.
    at = Math.max(at, run.dotsEnd - 1);
  }
  return undefined;
}

/**
 * May a step begin here? Texts are full of single dots, zeros, question marks and UTF-8: the second character rules
 * nearly all of them out.
 */
function mayStart(lower: string, at: number): boolean {
  const code = lower.charCodeAt(at);
  const next = lower.charCodeAt(at + 1);
  if (code === PLAIN_DOT) return next < 0x2f || next === 0x3f || next === 0x30 || next >= 0xc0;
  if (code === 0x3f) return next === PLAIN_DOT || next === 0x3f || next === 0x25 || next >= 0xc0;
  return mayBeOdd(code, next);
}

/** May these two characters begin an odd dot or slash? Asked before the long lists of spellings are. */
function mayBeOdd(code: number, next: number): boolean {
  switch (code) {
    case 0x25:
      return next < 0x80 ? AFTER_PERCENT[next] === 1 : next === 0xc0 || next === 0xc1;
    case 0x30:
      return next === 0x78;
    case 0x32:
      return next === 0x66;
    case 0xc0:
    case 0xc1:
    case 0xf8:
    case 0xfc:
      return true;
    case 0xe0:
    case 0xf0:
      return next === 0x80;
    case 0xe2:
      return next === 0x80 || next === 0x88;
    case 0xee:
      return next === 0xbf;
    case 0xef:
      return next === 0xbc || next === 0x80;
    default:
      return false;
  }
}

const AFTER_PERCENT = new Uint8Array(128);
for (const character of "25%cefub") AFTER_PERCENT[character.charCodeAt(0)] = 1;

/** 1 for the characters that `mayStart` knows or always accepts: `. % 0 ?` and first bytes of overlong forms. */
const STARTS = new Uint8Array(256);
for (const code of [PLAIN_DOT, 0x25, 0x30, 0x3f, 0xc0, 0xc1, 0xe0, 0xe2, 0xef, 0xf0, 0xf8, 0xfc])
  STARTS[code] = 1;

const NONE = 0;
const STEP = 1;
const AGAIN = 2;
/** `./` between two steps: more of them are no traversal but padding. */
const SAME_DIRECTORY_MAX = 8;

/** Reads the next step and any `./` before it; false when there is none at `run.end`. */
function readStep(lower: string, run: Run): boolean {
  for (let tries = 0; tries < SAME_DIRECTORY_MAX; tries++) {
    const read = readPart(lower, run);
    if (read !== AGAIN) return read === STEP;
  }
  return false;
}

/** Reads dots, slashes and what was put between. */
function readPart(lower: string, run: Run): typeof NONE | typeof STEP | typeof AGAIN {
  let at = run.end;
  let dots = 0;
  let odd = false;
  let irregular = false;
  let lost = false;
  for (; at < lower.length; dots++) {
    const code = lower.charCodeAt(at);
    if (code === PLAIN_DOT) at++;
    else if (code === 0x3f) {
      lost = true;
      at++;
    } else {
      const length = mayBeOdd(code, lower.charCodeAt(at + 1)) ? sticky(ODD_DOT, lower, at) : 0;
      if (length === 0) break;
      odd = true;
      at += length;
    }
    const junk = junkAt(lower, at);
    if (junk > 0) {
      odd = true;
      at += junk;
    }
  }
  if (dots < 2) {
    // `./` between steps (`./..//.//..`) belongs to the run, but is no step.
    if (dots === 0 || run.steps === 0 || lost || odd) return NONE;
  }
  run.dotsEnd = at;
  const semicolon = lower.charCodeAt(at) === 0x3b;
  if (semicolon) at++;
  let slashes = 0;
  let forward = false;
  let backward = false;
  for (; slashes < 8; slashes++) {
    const code = lower.charCodeAt(at);
    if (code === 0x2f) forward = true;
    else if (code === 0x5c) backward = true;
    else {
      const length = mayBeOdd(code, lower.charCodeAt(at + 1)) ? sticky(ODD_SLASH, lower, at) : 0;
      if (length === 0) break;
      odd = true;
      at += length - 1;
    }
    at++;
  }
  if (slashes === 0) return NONE;
  if (semicolon || dots > 2 || (forward && backward) || (forward && slashes > 1)) irregular = true;
  if (backward && slashes > 2) irregular = true;
  // `?` stands for a lost letter only in a run that repeats it: `??/??/`; `id=?./` may be anything.
  if (lost) irregular = true;
  run.odd ||= odd;
  run.irregular ||= irregular;
  run.semicolon ||= semicolon;
  run.backslash ||= backward;
  run.end = at;
  return dots >= 2 ? STEP : AGAIN;
}

/** Length of a NUL or 0x01 between dots. */
function junkAt(lower: string, at: number): number {
  const code = lower.charCodeAt(at);
  if (code < 2) return 1;
  if (code !== 0x25 || lower.charCodeAt(at + 1) !== 0x30) return 0;
  const last = lower.charCodeAt(at + 2);
  return last === 0x30 || last === 0x31 ? 3 : 0;
}

function sticky(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex - at : 0;
}

function judge(run: Run, lower: string, lastNul: number): string | undefined {
  const rest = lower.slice(run.end, run.end + 120);
  const lost = lower.slice(run.start, run.end).includes("?");
  if (endsInSystemFile(rest)) return run.odd ? "path.encoded_traversal" : "path.traversal";
  if (lost) return undefined;
  if (run.odd && !isProseDots(lower, run)) return "path.encoded_traversal";
  const whole = run.start <= 4 && /^[\s"'./\\]*$/.test(lower.slice(0, run.start));
  const rooted = /[/\\]$/.test(lower.slice(Math.max(0, run.start - 1), run.start));
  const ends = rest.trim() === "" || /^(?:\{[a-z]{1,12}\}|<[a-z]{1,12}>|\0)/.test(rest);
  if (whole && run.irregular && run.steps >= 2) return "path.traversal";
  if (whole && rooted && (ends || run.steps >= 2)) return "path.traversal";
  if (whole && run.steps >= 3 && (ends || /^(?:dev|tmp|opt|srv|mnt|proc)[/\\]\w/.test(rest)))
    return "path.traversal";
  if (lower.slice(0, run.start).endsWith("..;/") || run.semicolon) return "path.traversal";
  if (lastNul >= run.end && lower.length - run.start < 400 && CUT_NAME.test(rest)) return "path.null_byte";
  if (run.steps >= 4 && lower.length <= CLIMB_VALUE_MAX && !/\s/.test(lower)) return "path.relative_climb";
  return undefined;
}

/** A file name up to the NUL that cuts off what follows; in binary data lengths stand between them. */
const CUT_NAME = /^[\w./\\%@~ -]{0,110}\0/;

/** An ellipsis in full-width characters before a slash is Japanese or Chinese text. */
function isProseDots(lower: string, run: Run): boolean {
  return (
    run.steps === 1 &&
    /[\xe2\xe3\xef]/.test(lower.slice(run.start, run.end)) &&
    !lower.slice(run.start, run.end).includes("%")
  );
}
