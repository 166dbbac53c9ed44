import type { Keys } from "./draft.ts";
import { literalsOf } from "./literal-regex.ts";
import { patternOf } from "./path-pattern.ts";

/** The patterns of one path of an Ingress. */
export interface IngressPatterns {
  readonly patterns: readonly string[];
  readonly sentences: readonly string[];
  /** Why requests would reach the upstream under another path. */
  readonly rewrites: string | undefined;
}

/** Undefined: the path cannot be said here. */
export function readIngressPath(
  path: string,
  type: string,
  isRegex: boolean,
  rewriteTarget: string | undefined,
): IngressPatterns | undefined {
  const rewrites = rewriteTarget === undefined || keepsPath(path, rewriteTarget) ? undefined : rewriteTarget;
  const done = (
    patterns: readonly (string | undefined)[],
    sentences: readonly string[],
  ): IngressPatterns | undefined =>
    patterns.length > 0 && patterns.every((pattern) => pattern !== undefined)
      ? { patterns: [...new Set(patterns)], sentences, rewrites }
      : undefined;
  if (type === "Exact" && !isRegex) return done([patternOf(path, false)], []);
  if (!isRegex) {
    // nginx looks at letters, the specification at segments: ingress-nginx compares Prefix by segments.
    const sentences =
      type === "Prefix" || path.endsWith("/")
        ? []
        : [`\`${path}-more\` is another path here: a prefix ends at a \`/\``];
    return done([patternOf(path, true)], sentences);
  }
  const literals = literalsOf(path.startsWith("^") ? path : `^${path}`);
  if (literals === undefined) return undefined;
  const sentences = ["paths are compared with their case here"];
  const prefixes = new Set(literals.filter(({ isPrefix }) => isPrefix).map(({ text }) => text));
  const kept = literals.filter(({ text, isPrefix }) => isPrefix || !prefixes.has(`${text}/`));
  for (const { text, isPrefix } of kept)
    if (isPrefix && !text.endsWith("/"))
      sentences.push(`\`${text}-more\` is another path here: a prefix ends at a \`/\``);
  return done(
    kept.map(({ text, isPrefix }) => patternOf(text, isPrefix)),
    sentences,
  );
}

/** `rewrite-target` as `[route.rewrite]`; undefined: it cannot be said. */
export function rewriteOf(path: string, target: string): Keys | undefined {
  // A path with a query, or a URL, is a redirect.
  if (!/^\/[^\s?#]*$/.test(target)) return undefined;
  // nginx replaces all of the path where the expression is found, and the location began with it.
  return { regex: `(?i)${path.startsWith("^") ? "" : "^"}${path}`, replacement: target };
}

/** `/(.*)` with `/$1`: what goes upstream is what came. */
function keepsPath(path: string, target: string): boolean {
  return /^\^?\/\(\.\*\)\$?$/.test(path) && target === "/$1";
}
