import { parse, TomlError } from "smol-toml";
import type { Finding, Findings } from "./finding.ts";

/** Larger files are not configs; reliability.md CF2. Bytes. */
export const maxConfigBytes = 1_048_576;
const maxDepth = 16;
const maxKeys = 50_000;

export type TomlTree = { [key: string]: unknown };

/** Bytes or text of a file as text without byte order mark; undefined (and a finding) when it is not text. */
export function decodeToml(source: string | Uint8Array, findings: Findings): string | undefined {
  const bytes = typeof source === "string" ? Buffer.byteLength(source) : source.length;
  if (bytes > maxConfigBytes) {
    findings.add({
      code: "Z1003",
      path: [],
      message: `the file is larger than 1 MiB (${bytes.toLocaleString("en-US")} bytes)`,
    });
    return undefined;
  }
  let text: string;
  try {
    text =
      typeof source === "string"
        ? source
        : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(source);
  } catch {
    findings.add({ code: "Z1002", path: [], message: "the file is not valid UTF-8" });
    return undefined;
  }
  if (text.startsWith("\uFEFF")) text = text.slice(1);
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    const before = text.slice(0, nul).split("\n");
    findings.add({
      code: "Z1002",
      path: [],
      message: "the file has a NUL character",
      place: { line: before.length, column: before.at(-1)!.length + 1 },
    });
    return undefined;
  }
  return text;
}

/** Text as plain data, or undefined and one finding. Never throws, whatever the text. */
export function parseToml(text: string, findings: Findings): TomlTree | undefined {
  let tree: TomlTree;
  try {
    tree = parse(text, { maxDepth, unsafeKeyBehaviour: "throw" });
  } catch (error) {
    if (!(error instanceof TomlError)) {
      // RangeError from a library out of stack, for one: still an answer, not a crash.
      findings.add({
        code: "Z1005",
        path: [],
        message: "the document cannot be read: it is too deeply nested",
      });
      return undefined;
    }
    findings.add(syntaxFinding(error, text));
    return undefined;
  }
  const size = measure(tree);
  if (size === "deep")
    findings.add({ code: "Z1005", path: [], message: `the document nests more than ${maxDepth} levels` });
  if (size === "large")
    findings.add({ code: "Z1005", path: [], message: "the document has more than 50,000 keys and values" });
  if (size !== "fine") return undefined;
  if (Object.keys(tree).length === 0) {
    const message = text.trim() === "" ? "the file is empty" : "the file has no settings, only comments";
    findings.add({ code: "Z1006", path: [], message });
    return undefined;
  }
  return tree;
}

/** The first line of the library's message in our words; the rest of it quotes the source, secrets included. */
function syntaxFinding(error: TomlError, text: string): Finding {
  const place = { line: error.line, column: error.column };
  const reason = error.message.split("\n", 1)[0]!.replace("Invalid TOML document: ", "");
  if (reason.includes("excessively nested"))
    return { code: "Z1005", path: [], message: `the document nests more than ${maxDepth} levels`, place };
  return { code: "Z1004", path: [], message: `TOML syntax: ${syntaxWords(reason, error, text)}`, place };
}

function syntaxWords(reason: string, error: TomlError, text: string): string {
  if (reason.includes("redefine")) return "the key or table is defined twice";
  if (reason.includes("unsafe property")) return "this name is not allowed";
  const line = (text.split("\n")[error.line - 1] ?? "").trimEnd();
  return /control characters/.test(reason) && error.column > line.length
    ? "the string is not closed"
    : reason;
}

/** Walks without recursion: dotted keys nest as deep as the file is long. */
function measure(tree: TomlTree): "fine" | "deep" | "large" {
  let level: unknown[] = [tree];
  let keys = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return "deep";
    const below: unknown[] = [];
    for (const node of level) {
      const children = Array.isArray(node) ? node : Object.values(node as object);
      keys += children.length;
      if (keys > maxKeys) return "large";
      for (const child of children)
        if (typeof child === "object" && child !== null && !(child instanceof Date)) below.push(child);
    }
    level = below;
  }
  return "fine";
}
