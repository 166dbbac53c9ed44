import type { Item } from "./ledger.ts";
import type { IncludeFiles, Problem, SourceFile } from "./source-file.ts";

/** One directive of nginx with the files it includes already in place. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  /** Undefined: it ends in `;`. */
  readonly block: readonly Directive[] | undefined;
  readonly item: Item;
}

export interface NginxTree {
  readonly directives: readonly Directive[];
  readonly problems: readonly Problem[];
}

const DEPTH_MAX = 64;
const DIRECTIVES_MAX = 200_000;

/** Their blocks hold data, not directives: `map`, `types`. */
export const dataBlocks: ReadonlySet<string> = new Set([
  "map",
  "geo",
  "types",
  "split_clients",
  "charset_map",
  "match",
  "geoip2",
]);

/** Directives that hold the same place in every file of a configuration: not told apart in `where`. */
const silentBlocks: ReadonlySet<string> = new Set(["main", "http", "events"]);

/** Reads a configuration as nginx's ngx_conf_read_token does: quotes, escapes, comments, `${name}`, Lua blocks. */
export function readNginx(source: SourceFile, include: IncludeFiles): NginxTree {
  const problems: Problem[] = [];
  let count = 0;

  function readFile({ file, text }: SourceFile, where: string, depth: number): readonly Directive[] {
    const tokens = tokenize(text);
    let at = 0;

    function readBlock(inner: string, level: number, isData: boolean, openLine: number): Directive[] {
      const directives: Directive[] = [];
      for (;;) {
        const token = tokens[at];
        if (token === undefined) {
          if (openLine > 0) report(openLine, "this block is never closed");
          return directives;
        }
        if (token.kind === "problem") {
          report(token.line, token.text);
          at = tokens.length;
          return directives;
        }
        if (token.kind === "close") {
          at++;
          if (openLine > 0) return directives;
          report(token.line, "`}` closes nothing");
          continue;
        }
        directives.push(...readDirective(inner, level, isData));
      }
    }

    function readDirective(inner: string, level: number, isData: boolean): readonly Directive[] {
      const first = tokens[at]!;
      const words: string[] = [];
      while (tokens[at]?.kind === "word") words.push(tokens[at++]!.text);
      const end = tokens[at];
      if (end === undefined || end.kind === "close" || end.kind === "problem") {
        report(first.line, `\`${words[0] ?? ""}\` does not end in \`;\``);
        if (end?.kind !== "problem") at++;
        return [];
      }
      const [name, ...args] = words;
      at++;
      if (name === undefined) {
        report(end.line, `\`${end.kind === "open" ? "{" : ";"}\` without a directive before it`);
        if (end.kind === "open") readBlock(inner, level + 1, true, end.line);
        return [];
      }
      if (++count > DIRECTIVES_MAX || level > DEPTH_MAX || depth > 16) {
        report(first.line, "the configuration is too large or too deep");
        at = tokens.length;
        return [];
      }
      const written = end.kind === "lua" ? `${words.join(" ")} {${end.text}}` : words.map(quote).join(" ");
      const item: Item = { file, line: first.line, where: inner, name, text: written.slice(0, 300) };
      if (end.kind === "lua") return [{ name, args: [end.text], block: [], item }];
      if (end.kind === "open") {
        const label = `${name}${args.length > 0 ? ` ${args.join(" ")}` : ""}`;
        const path = silentBlocks.has(name) ? inner : inner === "" ? label : `${inner}, ${label}`;
        const block = readBlock(path, level + 1, isData || dataBlocks.has(name), end.line);
        return [{ name, args, block, item }];
      }
      if (name !== "include" || isData || args.length !== 1) return [{ name, args, block: undefined, item }];
      const files = include(args[0]!);
      if (typeof files === "string") {
        return [{ name, args: [...args, files], block: undefined, item }];
      }
      const own: Directive = { name, args, block: undefined, item };
      return [own, ...files.flatMap((one) => readFile(one, inner, depth + 1))];
    }

    function report(line: number, message: string): void {
      if (problems.length < 100) problems.push({ file, line, message });
    }

    return readBlock(where, 0, false, 0);
  }

  return { directives: readFile(source, "", 0), problems };
}

/** A word as it could stand in the file. */
function quote(word: string): string {
  return word === "" || /[\s;{}"']/.test(word) ? `"${word.replaceAll('"', '\\"')}"` : word;
}

interface Token {
  readonly kind: "word" | "open" | "close" | "end" | "lua" | "problem";
  readonly text: string;
  readonly line: number;
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  /** First word of the directive that is being read. */
  let name = "";
  const push = (kind: Token["kind"], value = "", atLine = line): void => {
    if (kind === "word" && name === "") name = value;
    if (kind !== "word") name = "";
    tokens.push({ kind, text: value, line: atLine });
  };
  while (at < text.length) {
    const character = text[at]!;
    if (character === "\n") line++;
    if (/\s/.test(character)) at++;
    else if (character === "#") {
      while (at < text.length && text[at] !== "\n") at++;
    } else if (character === ";") {
      push("end");
      at++;
    } else if (character === "}") {
      push("close");
      at++;
    } else if (character === "{" && /_by_lua_block$/.test(name)) {
      const end = endOfLua(text, at + 1);
      const inner = text.slice(at + 1, end);
      push("lua", inner);
      line += newlines(inner);
      at = end + 1;
    } else if (character === "{") {
      push("open");
      at++;
    } else {
      const startLine = line;
      const end = character === '"' || character === "'" ? endOfQuoted(text, at) : endOfWord(text, at);
      if (end < 0) {
        push("problem", "a quoted string is never closed", startLine);
        return tokens;
      }
      const raw = text.slice(at, end);
      line += newlines(raw);
      at = end;
      const inner = /^["']/.test(raw) ? raw.slice(1, -1) : raw;
      push("word", unescaped(inner), startLine);
      if (inner !== raw && at < text.length && !/[\s;{)]/.test(text[at]!)) {
        push("problem", "something stands directly behind a quoted string", startLine);
        return tokens;
      }
    }
  }
  return tokens;
}

/** Index behind the closing quote; -1 = there is none. */
function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === text[start]) return at + 1;
  }
  return -1;
}

/** A backslash hides what follows it, and `${` opens no block. */
function endOfWord(text: string, start: number): number {
  let at = start;
  while (at < text.length && !/[\s;{]/.test(text[at]!)) {
    if (text[at] === "\\") at++;
    else if (text[at] === "$" && text[at + 1] === "{") at++;
    at++;
  }
  return Math.min(at, text.length);
}

/** Backslashes stay, but before quotes and themselves: `\.` of an expression is what it was. */
function unescaped(word: string): string {
  return word.replace(/\\(["'\\trn])/g, (_, character: string) =>
    character === "t" ? "\t" : character === "r" ? "\r" : character === "n" ? "\n" : character,
  );
}

/** Index of the brace that closes a Lua block. Strings and comments of Lua can hold braces. */
function endOfLua(text: string, start: number): number {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"' || character === "'") {
      const end = endOfQuoted(text, at);
      if (end < 0) return text.length;
      at = end - 1;
    } else if (character === "-" && text[at + 1] === "-") {
      while (at < text.length && text[at] !== "\n") at++;
    } else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return at;
  }
  return text.length;
}

function newlines(text: string): number {
  return text.split("\n").length - 1;
}
