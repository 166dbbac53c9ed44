import { WishProblem } from "./wish.ts";

/**
 * The words of one shell command as a POSIX shell cuts them, with `$'…'` of bash, which browsers write. Nothing is run or
 * substituted: what a shell would expand is refused. Throws WishProblem.
 */
export function shellWords(text: string): string[] {
  if (/\^["\\%]/.test(text))
    throw new WishProblem("this is for cmd.exe: choose Copy as cURL (bash) in the browser");
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  const add = (part: string): void => {
    word = (word ?? "") + part;
  };
  while (at < text.length) {
    const letter = text[at]!;
    if (letter === " " || letter === "\t" || letter === "\n" || letter === "\r") {
      if (word !== undefined) words.push(word);
      word = undefined;
      at++;
    } else if (letter === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw new WishProblem("a ' has no end");
      add(text.slice(at + 1, end));
      at = end + 1;
    } else if (letter === "$" && text[at + 1] === "'") {
      const { value, end } = readAnsi(text, at + 2);
      add(value);
      at = end;
    } else if (letter === '"') {
      const { value, end } = readDouble(text, at + 1);
      add(value);
      at = end;
    } else if (letter === "\\") {
      // A backslash before a line end joins the lines.
      const isCrLf = text[at + 1] === "\r" && text[at + 2] === "\n";
      if (isCrLf) at += 3;
      else {
        if (text[at + 1] !== "\n") add(text[at + 1] ?? "");
        at += 2;
      }
    } else if ("$`|&;<>()".includes(letter)) {
      if (letter !== ";" || text.slice(at + 1).trim() !== "")
        throw new WishProblem(`one plain command, please: ${JSON.stringify(letter)} is the shell's`);
      at++;
    } else {
      add(letter);
      at++;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

interface Quoted {
  readonly value: string;
  /** Behind the closing quote. */
  readonly end: number;
}

function readDouble(text: string, from: number): Quoted {
  let value = "";
  for (let at = from; at < text.length; at++) {
    const letter = text[at]!;
    if (letter === '"') return { value, end: at + 1 };
    if (letter === "$" || letter === "`")
      throw new WishProblem(`${letter} inside double quotes is the shell's: use single quotes`);
    if (letter !== "\\") value += letter;
    else {
      const next = text[++at] ?? "";
      if (next !== "\n") value += '"\\$`'.includes(next) ? next : `\\${next}`;
    }
  }
  throw new WishProblem('a " has no end');
}

const ansi: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  e: "\x1b",
  "'": "'",
  '"': '"',
  "\\": "\\",
  "?": "?",
};

function readAnsi(text: string, from: number): Quoted {
  let value = "";
  for (let at = from; at < text.length; at++) {
    const letter = text[at]!;
    if (letter === "'") return { value, end: at + 1 };
    if (letter !== "\\") {
      value += letter;
      continue;
    }
    const rest = text.slice(at + 1, at + 11);
    const [whole, hex, short, long, octal] =
      /^(?:x([0-9a-f]{1,2})|u([0-9a-f]{1,4})|U([0-9a-f]{1,8})|([0-7]{1,3}))/i.exec(rest) ?? [];
    const code = hex ?? short ?? long;
    if (whole !== undefined) {
      value += String.fromCodePoint(
        code === undefined ? Number.parseInt(octal!, 8) : Number.parseInt(code, 16),
      );
      at += whole.length;
    } else value += ansi[text[++at] ?? ""] ?? `\\${text[at] ?? ""}`;
  }
  throw new WishProblem("a $' has no end");
}
