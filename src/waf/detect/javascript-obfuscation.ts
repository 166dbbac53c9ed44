import type { Detection, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";

/** Programs without letters (JSFuck, Hieroglyphy, JJEncode) and members of literals that lead to Function. */
export function findObfuscation(subject: Subject, found: Detection[], from: number): void {
  const { text } = subject;
  for (let at = text.indexOf("[]"); at >= 0; at = text.indexOf("[]", at + 2)) {
    if (found.at(-1)?.kind === "javascript.symbols") return;
    if (text.charCodeAt(at - 1) === 0x21 && isCoercion(text, at)) {
      reportOnce(found, from, "javascript.symbols", at - 1, at + 2);
    } else if (/^\[\]\[\s{0,4}(?:\(!|["'`+(])/.test(text.slice(at, at + 12)) && leadsToFunction(text, at)) {
      reportOnce(found, from, "javascript.symbols", at, at + 4);
    } else if (/^[+(]\[\]\)?[)\]+]/.test(text.slice(at - 1, at + 3)) && symbolRun(text, at) >= 10) {
      reportOnce(found, from, "javascript.symbols", at - 1, at + 2);
    }
  }
  const jj = text.indexOf("=~[]");
  if (jj > 0 && /[\w$;,({]/.test(text[jj - 1]!))
    reportOnce(found, from, "javascript.symbols", jj - 1, jj + 4);
}

/** `![]` as a program uses it: negated again, added, or indexed. Markdown's image without a text is `![](…` or `![][…`. */
function isCoercion(text: string, at: number): boolean {
  const next = text.slice(at + 2, at + 5);
  if (/^\([^!+[]/.test(next) || /^\[[^!+[(\]]/.test(next) || next.startsWith(":")) return false;
  const before = text.charCodeAt(at - 2);
  // `!![]` and `+![]`, `(![]`: also without anything behind.
  const led = before === 0x21 || before === 0x2b || before === 0x28 || before === 0x5b || before === 0x2d;
  if (led) return next === "" || /^\s{0,2}[)\]+[(\-*;,}&|?]/.test(next);
  return /^\s?[+\][)]/.test(next) && symbolRun(text, at) >= 6;
}

/** Length of the run of `[]()!+` and blanks around `at`. */
function symbolRun(text: string, at: number): number {
  let end = at;
  while (end < text.length && end - at < 64 && /[[\]()!+ ]/.test(text[end]!)) end += 1;
  let start = at;
  while (start > 0 && at - start < 64 && /[[\]()!+ ]/.test(text[start - 1]!)) start -= 1;
  return end - start;
}

function leadsToFunction(text: string, at: number): boolean {
  const rest = text.slice(at, at + 200);
  return /^\[\]\[\s{0,4}[(+]/.test(rest)
    ? /[!+]\[\]/.test(rest)
    : rest.includes("constructor") || /^\[\]\[["'`][\w$]{2,10}["'`]\]\[/.test(rest);
}
