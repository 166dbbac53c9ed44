import { parse as parseToml, TomlError } from "smol-toml";
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import type { Problem, SourceFile } from "./source-file.ts";

/** A document of YAML, JSON or TOML with the lines it stands on. */
export interface Tree {
  /** From 1; 0 = the reader does not know. */
  readonly line: number;
  readonly value: string | readonly Tree[] | ReadonlyMap<string, Tree>;
}

export interface TreeReading {
  readonly documents: readonly Tree[];
  readonly problems: readonly Problem[];
}

const DEPTH_MAX = 100;
const NODES_MAX = 500_000;

/** Reads a file by its ending: TOML, or YAML, of which JSON is a part. Scalars are texts as they were meant. */
export function readTrees(source: SourceFile): TreeReading {
  return source.file.endsWith(".toml") ? readTomlTree(source) : readYamlTrees(source);
}

function readYamlTrees({ file, text }: SourceFile): TreeReading {
  const counter = new LineCounter();
  const problems: Problem[] = [];
  const documents: Tree[] = [];
  let nodes = 0;
  // As Kubernetes and Traefik read it: `on` is a word, `0123` a text.
  for (const document of parseAllDocuments(text, {
    lineCounter: counter,
    version: "1.2",
    logLevel: "silent",
  })) {
    for (const { message, pos } of document.errors)
      problems.push({ file, line: counter.linePos(pos[0]).line, message: message.split("\n")[0]! });
    if (document.errors.length > 0 || document.contents === null) continue;
    const walk = (node: Node, depth: number): Tree => {
      // An alias can make a small file a very large tree.
      if (++nodes > NODES_MAX || depth > DEPTH_MAX)
        throw new RangeError("the document is too large or too deep");
      const line = counter.linePos(node.range?.[0] ?? 0).line;
      if (isAlias(node)) {
        const target = node.resolve(document);
        return target === undefined ? { line, value: "" } : walk(target, depth + 1);
      }
      if (isMap(node)) {
        const entries = node.items.map(({ key, value }): [string, Tree] => {
          const name = isScalar(key) ? String(key.value) : String(key);
          const at = counter.linePos((key as Node).range?.[0] ?? 0).line;
          return [
            name,
            value === null ? { line: at, value: "" } : { ...walk(value as Node, depth + 1), line: at },
          ];
        });
        return { line, value: new Map(entries) };
      }
      if (isSeq(node)) return { line, value: node.items.map((item) => walk(item as Node, depth + 1)) };
      const scalar = isScalar(node) ? node.value : "";
      return { line, value: scalar === null || scalar === undefined ? "" : String(scalar) };
    };
    try {
      documents.push(walk(document.contents as Node, 0));
    } catch (error) {
      problems.push({ file, line: 1, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { documents, problems };
}

function readTomlTree({ file, text }: SourceFile): TreeReading {
  try {
    return { documents: [plainTree(parseToml(text))], problems: [] };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return { documents: [], problems: [{ file, line: error.line, message: error.message.split("\n")[0]! }] };
  }
}

function plainTree(value: unknown): Tree {
  if (Array.isArray(value)) return { line: 0, value: value.map(plainTree) };
  if (typeof value === "object" && value !== null && !(value instanceof Date))
    return { line: 0, value: new Map(Object.entries(value).map(([key, inner]) => [key, plainTree(inner)])) };
  return { line: 0, value: value instanceof Date ? value.toISOString() : String(value) };
}

const none: ReadonlyMap<string, Tree> = new Map();

/** The entries of a table; none of anything else. */
export function tableOf(tree: Tree | undefined): ReadonlyMap<string, Tree> {
  return tree?.value instanceof Map ? (tree.value as ReadonlyMap<string, Tree>) : none;
}

export function listOf(tree: Tree | undefined): readonly Tree[] {
  return Array.isArray(tree?.value) ? (tree.value as readonly Tree[]) : [];
}

/** The text of a scalar; "" of anything else. */
export function textOf(tree: Tree | undefined): string {
  return typeof tree?.value === "string" ? tree.value : "";
}

/** What stands under the keys, one inside the other. */
export function at(tree: Tree | undefined, ...keys: readonly string[]): Tree | undefined {
  return keys.reduce<Tree | undefined>((inner, key) => tableOf(inner).get(key), tree);
}

/** As one line, for reports. */
export function flatText(tree: Tree): string {
  if (typeof tree.value === "string") return tree.value === "" ? '""' : tree.value;
  if (Array.isArray(tree.value)) return `[${(tree.value as readonly Tree[]).map(flatText).join(", ")}]`;
  return `{ ${[...tableOf(tree)].map(([key, value]) => `${key}: ${flatText(value)}`).join(", ")} }`;
}
