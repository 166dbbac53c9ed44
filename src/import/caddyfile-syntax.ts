import type { Item } from "./ledger.ts";
import type { Problem, SourceFile } from "./source-file.ts";

/** One line of a Caddyfile: a name with its arguments, and perhaps a block. */
export interface Segment {
  readonly name: string;
  readonly args: readonly string[];
  readonly block: readonly Segment[] | undefined;
  readonly item: Item;
}

/** A site, a snippet `(name)`, a named route `&(name)`, or the global options: addresses and a block. */
export interface SiteBlock {
  /** Empty: the global options. */
  readonly addresses: readonly string[];
  readonly segments: readonly Segment[];
  readonly item: Item;
}

export interface Caddyfile {
  readonly sites: readonly SiteBlock[];
  readonly problems: readonly Problem[];
}

interface Token {
  readonly text: string;
  readonly line: number;
  readonly isQuoted: boolean;
}

const DEPTH_MAX = 64;

/** Reads a Caddyfile as Caddy's lexer does: quotes, backticks, heredocs, comments, braces at the ends of lines. */
export function readCaddyfile(source: SourceFile): Caddyfile {
  const reader = openReader(source);
  return { sites: reader.sites(), problems: reader.problems };
}

/** A file that is imported within a site: directives alone. */
export function readCaddySegments(source: SourceFile): {
  readonly segments: readonly Segment[];
  readonly problems: readonly Problem[];
} {
  const reader = openReader(source);
  return { segments: reader.rest(""), problems: reader.problems };
}

function openReader({ file, text }: SourceFile) {
  const problems: Problem[] = [];
  const lines = linesOf(text, (line, message) => problems.push({ file, line, message }));
  let at = 0;

  function readBlock(where: string, depth: number, openLine: number): readonly Segment[] {
    const segments: Segment[] = [];
    for (;;) {
      const line = lines[at];
      if (line === undefined || depth > DEPTH_MAX) {
        problems.push({
          file,
          line: openLine,
          message: depth > DEPTH_MAX ? "blocks stand too deep" : "this block is never closed",
        });
        at = lines.length;
        return segments;
      }
      at++;
      if (line.length === 1 && isBrace(line[0]!, "}")) return segments;
      segments.push(readSegment(line, where, depth));
    }
  }

  function readSegment(line: readonly Token[], where: string, depth: number): Segment {
    const opens = isBrace(line.at(-1)!, "{");
    const words = (opens ? line.slice(0, -1) : line).map(({ text: word }) => word);
    const [name = "", ...args] = words;
    const item: Item = {
      file,
      line: line[0]!.line,
      where,
      name,
      text: words.map(quote).join(" ").slice(0, 300),
    };
    if (!opens) return { name, args, block: undefined, item };
    const label = words.join(" ");
    const block = readBlock(where === "" ? label : `${where}, ${label}`, depth + 1, line[0]!.line);
    return { name, args, block, item };
  }

  /** All lines that are left, as directives. */
  function rest(where: string): readonly Segment[] {
    const segments: Segment[] = [];
    while (at < lines.length) segments.push(readSegment(lines[at++]!, where, 0));
    return segments;
  }

  function sites(): readonly SiteBlock[] {
    const found: SiteBlock[] = [];
    while (at < lines.length) {
      const site = readSite(found);
      if (site !== undefined) found.push(site);
    }
    return found;
  }

  function readSite(before: readonly SiteBlock[]): SiteBlock | undefined {
    const words: Token[] = [...lines[at++]!];
    // Addresses go on behind a comma at the end of a line.
    while (words.at(-1)?.text.endsWith(",") === true && at < lines.length) words.push(...lines[at++]!);
    const opens = isBrace(words.at(-1)!, "{");
    const shown = opens ? words.slice(0, -1) : words;
    const line = words[0]!.line;
    if (shown.some((token) => isBrace(token, "}"))) {
      problems.push({ file, line, message: "`}` closes nothing" });
      return undefined;
    }
    const addresses = shown.flatMap(({ text: word }) => word.split(",")).filter((word) => word !== "");
    const isGlobal = addresses.length === 0;
    const name = isGlobal ? "global options" : addresses.join(" ");
    const item: Item = { file, line, where: "", name: isGlobal ? name : "site", text: isGlobal ? "{" : name };
    if (opens) return { addresses, segments: readBlock(name, 0, line), item };
    // A file of one site needs no braces: the rest is its block.
    const isOnly = before.every((site) => site.addresses.length === 0 || site.addresses[0]!.startsWith("("));
    return { addresses, segments: isOnly && addresses[0] !== "import" ? rest(name) : [], item };
  }

  return { sites, rest, problems };
}

function isBrace(token: Token, brace: string): boolean {
  return token.text === brace && !token.isQuoted;
}

function quote(word: string): string {
  return word === "" || /[\s"]/.test(word) ? JSON.stringify(word) : word;
}

/** The tokens by lines; `\` at the end of a line goes on, and a token over several lines belongs to its first. */
function linesOf(
  text: string,
  report: (line: number, message: string) => void,
): readonly (readonly Token[])[] {
  const lines: Token[][] = [];
  let current: Token[] = [];
  let line = 1;
  let at = 0;
  const end = (): void => {
    if (current.length > 0) lines.push(current);
    current = [];
  };
  while (at < text.length) {
    const character = text[at]!;
    if (character === "\n") {
      line++;
      at++;
      end();
    } else if (character === "\\" && /^\\\r?\n/.test(text.slice(at, at + 3))) {
      at = text.indexOf("\n", at) + 1;
      line++;
    } else if (/\s/.test(character)) at++;
    else if (character === "#") at = endOf(text, at, "\n");
    else if (character === '"' || character === "`") {
      const close = character === "`" ? text.indexOf("`", at + 1) : endOfQuoted(text, at);
      if (close < 0) {
        report(line, "a quoted string is never closed");
        return lines;
      }
      const raw = text.slice(at + 1, close);
      current.push({ text: character === "`" ? raw : raw.replaceAll('\\"', '"'), line, isQuoted: true });
      line += raw.split("\n").length - 1;
      at = close + 1;
    } else {
      const heredoc = /^<<([A-Za-z0-9_-]+)\r?\n/.exec(text.slice(at, at + 80));
      if (heredoc !== null) {
        const close = new RegExp(`^[ \\t]*${heredoc[1]}(?=\\s|$)`, "m").exec(
          text.slice(at + heredoc[0].length),
        );
        if (close === null) {
          report(line, `the text up to ${heredoc[1]} never ends`);
          return lines;
        }
        const raw = text.slice(at + heredoc[0].length, at + heredoc[0].length + close.index);
        current.push({ text: raw, line, isQuoted: true });
        at += heredoc[0].length + close.index + close[0].length;
        line += raw.split("\n").length;
        continue;
      }
      const word = /^(?:\\[^\n]|[^\s\\])+/.exec(text.slice(at))?.[0] ?? character;
      current.push({ text: word.replaceAll("\\{", "{").replaceAll("\\}", "}"), line, isQuoted: false });
      at += word.length;
    }
  }
  end();
  return lines;
}

function endOf(text: string, from: number, what: string): number {
  const found = text.indexOf(what, from);
  return found < 0 ? text.length : found;
}

function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return -1;
}
