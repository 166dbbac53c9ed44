/**
 * Whether the value of a key with this name must never be shown. Paths and names of environment variables may be, and a
 * list under `key`: what a limit counts by.
 */
export function isSecretName(name: string, isList = false): boolean {
  if (isList && name === "key") return false;
  if (/_(path|env|file|id|ms|secs|pct)$/i.test(name) || /^(hash_key|max_|keepalive)/i.test(name))
    return false;
  return /secret|token|passw|credential|private|hmac|authorization|api_?key|(^|[_-])keys?$/i.test(name);
}

/**
 * Whether a key, or a table, holds what only upstreams get: fields and parameters with their credentials, under names that
 * tell nothing (`X-Origin-Verify`).
 */
export function isForUpstreams(name: string): boolean {
  return /(^|\.)["']?(request_headers|query_set|query_add)["']?(\.|$)/.test(name);
}

/** A template of facts of the request, without a text of its own. */
export function isOnlyFacts(text: string): boolean {
  return /^(?:\{[a-z_]+(?::[\w-]+)?\})+$/.test(text);
}

/** What stands where a variable is to be named and looks like no name of one: it may be the secret itself. */
function isMisplaced(name: string, value: string): boolean {
  return name.endsWith("_env") && !/^(["']?)[A-Z_][A-Z0-9_]*\1$/.test(value);
}

/** A source line fit to be shown, and where its columns went. */
export interface MaskedLine {
  readonly text: string;
  /** Column of the shown text for a column of the source; both 0-based, UTF-16 units. */
  map(column: number): number;
}

/**
 * Replaces the values of secret keys, passwords in URLs and what looks like key material by `…`. `isOfUpstreams`: the line
 * is one of a table of which every value may be a secret.
 */
export function maskLine(line: string, isOfUpstreams = false): MaskedLine {
  const cuts: { start: number; end: number; shown: string }[] = [];
  const cut = (start: number, end: number, shown: string): void => {
    if (cuts.every((other) => end <= other.start || start >= other.end)) cuts.push({ start, end, shown });
  };
  const bare = line.trim();
  if (/^[A-Za-z0-9+/=]{24,}$/.test(bare) || /-----BEGIN|-----END/.test(bare)) {
    const start = line.indexOf(bare);
    cut(start, start + bare.length, "…");
  }
  const first = /^\s*["']?([A-Za-z0-9_-]+)["']?/.exec(line);
  const secretFirst = first !== null && isSecretName(first[1]!);
  // A secret's line without `=` is a syntax error; the value is in there somewhere.
  if (secretFirst && !/=/.test(line) && !/^\s*\[/.test(line)) cut(first![0].length, line.length, " …");
  for (const match of line.matchAll(
    /(["']?)([A-Za-z0-9_.-]+)\1(\s*=\s*)("""|'''|\[|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}\]#]+)/g,
  )) {
    const name = match[2]!.split(".").at(-1)!;
    const mayBeSecret = isOfUpstreams || isForUpstreams(match[2]!);
    if (mayBeSecret && isOnlyFacts(match[4]!.slice(1, -1))) continue;
    if (!mayBeSecret && !isSecretName(name, match[4] === "[") && !isMisplaced(name, match[4]!)) continue;
    const start = match.index + match[0].length - match[4]!.length;
    const open = match[4] === '"""' || match[4] === "'''" || match[4] === "[";
    // Unclosed or oddly quoted: everything after it may belong to the secret.
    const whole =
      open ||
      !/^("(?:[^"\\]|\\.)*"|'[^']*')$/.test(match[4]!) ||
      /^\s*["'\w]/.test(line.slice(start + match[4]!.length));
    cut(start, whole ? line.length : start + match[4]!.length, '"…"');
  }
  for (const match of line.matchAll(/:\/\/([^\s"']*)@/g))
    cut(match.index + 3, match.index + 3 + match[1]!.length, "…");
  cuts.sort((a, b) => a.start - b.start);

  let text = "";
  let from = 0;
  for (const { start, end, shown } of cuts) {
    text += line.slice(from, start) + shown;
    from = end;
  }
  text += line.slice(from);
  return {
    text,
    map(column) {
      let shift = 0;
      for (const { start, end, shown } of cuts) {
        if (column <= start) break;
        if (column < end) return start + shift;
        shift += shown.length - (end - start);
      }
      return column + shift;
    },
  };
}

/**
 * Lines (1-based) that start inside a multi-line string: they are not shown at all, since the key that owns them may be a
 * secret. Counts triple quotes; a wrong guess hides a line too many.
 */
export function linesInsideStrings(lines: readonly string[]): ReadonlySet<number> {
  const inside = new Set<number>();
  let open: string | undefined;
  for (let i = 0; i < lines.length; i++) {
    if (open !== undefined) inside.add(i + 1);
    for (const match of lines[i]!.matchAll(/"""|'''/g)) {
      if (open === undefined) open = match[0];
      else if (open === match[0]) open = undefined;
    }
  }
  return inside;
}

/** Lines (1-based) of tables whose values only upstreams get. */
export function linesForUpstreams(lines: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>();
  let isInside = false;
  for (const [i, line] of lines.entries()) {
    const header = /^\s*\[{1,2}([^\]]*)\]/.exec(line)?.[1];
    if (header !== undefined) isInside = isForUpstreams(header.replace(/\s/g, ""));
    else if (isInside) found.add(i + 1);
  }
  return found;
}
