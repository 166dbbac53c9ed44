import { isPatternProblem, parsePattern } from "../route/pattern.ts";

/** A path in plain text as a pattern of this gateway; undefined when no request could have it. `rest`: and all below. */
export function patternOf(path: string, rest: boolean): string | undefined {
  if (!path.startsWith("/")) return undefined;
  const literal = encodePath(rest ? path.replace(/\/$/, "") : path);
  const pattern = rest ? `${literal}/{*rest}` : literal;
  const parsed = parsePattern(pattern);
  // What is under /_zion/ belongs to the gateway.
  return isPatternProblem(parsed) || parsed.segments[0] === "_zion" ? undefined : pattern;
}

/** Percent-encodes what does not stand raw in a path. Other programs compare decoded paths: `%` is itself there. */
function encodePath(path: string): string {
  return path
    .toWellFormed()
    .replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/gu, (character) => encodeURIComponent(character));
}
