import type { Diagnostic } from "./diagnostic.ts";

export interface Fixed {
  readonly text: string;
  /** What was put right, in the order of the file. */
  readonly applied: readonly Diagnostic[];
}

/**
 * Writes the nearest valid name where a diagnostic points at a wrong one: a key, or a whole quoted value. Everything
 * else, comments among it, stays as it is. Where the caret marks less than the value, nobody can say what to replace.
 */
export function applySuggestions(text: string, diagnostics: readonly Diagnostic[]): Fixed {
  const lines = text.split("\n");
  const applied: Diagnostic[] = [];
  // From the end, so that columns before a replacement stay right.
  for (const diagnostic of diagnostics.toReversed()) {
    const { line, column, endLine, endColumn, suggestion, elsewhere } = diagnostic;
    if (suggestion === undefined || elsewhere || line === 0 || line !== endLine) continue;
    const characters = [...(lines[line - 1] ?? "")];
    const old = characters.slice(column - 1, endColumn - 1).join("");
    const written = replacementFor(old, suggestion, diagnostic.code);
    if (written === undefined) continue;
    characters.splice(column - 1, endColumn - column, written);
    lines[line - 1] = characters.join("");
    applied.unshift(diagnostic);
  }
  return { text: lines.join("\n"), applied };
}

function replacementFor(old: string, suggestion: string, code: Diagnostic["code"]): string | undefined {
  if (code === "Z1041" || code === "Z1042") return bareKey.test(suggestion) ? suggestion : undefined;
  if (!/^[\x20-\x7e]*$/.test(suggestion)) return undefined;
  if (isQuoted(old, '"')) return JSON.stringify(suggestion);
  return isQuoted(old, "'") && !suggestion.includes("'") ? `'${suggestion}'` : undefined;
}

const bareKey = /^[\w-]+$/;

function isQuoted(text: string, quote: string): boolean {
  return text.length >= 2 && text.startsWith(quote) && text.endsWith(quote);
}
