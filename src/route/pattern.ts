/**
 * A route's path as an operator writes it, read once: literal segments, `{name}` for one whole segment, and
 * `{*name}` last for all that is left. Literals are kept in the canonical encoded form of request paths (unreserved
 * characters decoded, upper-case hex), so that matching is a comparison of equal forms and nothing is ever decoded:
 * `/a/b` does not match `/a%2Fb`.
 */
export interface Pattern {
  /** Canonical literal text of each segment, or undefined for `{name}`. `{*name}` is not among them. */
  readonly segments: readonly (string | undefined)[];
  /** Ends in `{*name}`. */
  readonly catchAll: boolean;
  /** Written with a trailing slash: `/a/`. Always false for `/` and with a catch-all. */
  readonly trailingSlash: boolean;
  /** Parameter names in order, the catch-all's last. */
  readonly names: readonly string[];
  /** Two patterns that match the same paths with the same right have equal shapes: names do not count. */
  readonly shape: string;
}

/** Why a pattern cannot be used, and where: `offset` is an index into the text. */
export interface PatternProblem {
  readonly problem: string;
  readonly offset: number;
}

/** Reads a pattern. Returns the first problem found; never throws. */
export function parsePattern(text: string): Pattern | PatternProblem {
  if (text[0] !== "/") return { problem: "a path starts with `/`", offset: 0 };
  const segments: (string | undefined)[] = [];
  const names: string[] = [];
  let catchAll = false;
  let trailingSlash = false;
  for (let start = 1; start <= text.length; ) {
    const slash = text.indexOf("/", start);
    const end = slash < 0 ? text.length : slash;
    const raw = text.slice(start, end);
    if (catchAll) return { problem: "`{*name}` must be the last segment", offset: start - 1 };
    if (raw === "") {
      // Request paths are routed with `//` merged: an inner empty segment could never match.
      if (slash >= 0) return { problem: "a path holds no empty segment", offset: start };
      trailingSlash = start > 1;
      break;
    }
    const segment = readSegment(raw);
    if (typeof segment === "string") segments.push(segment);
    else if ("problem" in segment) return { problem: segment.problem, offset: start + segment.offset };
    else {
      if (names.includes(segment.name))
        return { problem: `the name \`${segment.name}\` occurs twice`, offset: start };
      names.push(segment.name);
      catchAll = segment.catchAll;
      if (!catchAll) segments.push(undefined);
    }
    start = end + 1;
    // `/a/` ends here with one more, empty, segment; `/a` does not.
    if (slash < 0) break;
  }
  if (catchAll && trailingSlash)
    return { problem: "`{*name}` must be the last segment", offset: text.length - 1 };
  return { segments, catchAll, trailingSlash, names, shape: shapeOf(segments, catchAll, trailingSlash) };
}

/** Whether `parsePattern` refused. */
export function isPatternProblem(result: Pattern | PatternProblem): result is PatternProblem {
  return "problem" in result;
}

interface Parameter {
  readonly name: string;
  readonly catchAll: boolean;
}

const parameter = /^\{(\*?)([A-Za-z_][A-Za-z0-9_]*)\}$/;

function readSegment(raw: string): string | Parameter | PatternProblem {
  const match = parameter.exec(raw);
  if (match !== null) return { name: match[2]!, catchAll: match[1] === "*" };
  const brace = raw.search(/[{}]/);
  if (brace >= 0)
    return {
      problem: "`{name}` and `{*name}` fill a whole segment; a literal brace is %7B or %7D",
      offset: brace,
    };
  return readLiteral(raw);
}

// `?` and `#` end a path, the rest never stands raw in a canonical one: a route with it could not be reached.
const neverInPath = /[\p{Cc} "#<>?[\\\]^`|]/u;

function readLiteral(raw: string): string | PatternProblem {
  const bad = raw.search(neverInPath);
  if (bad >= 0)
    return { problem: "this character never occurs in a path; write it percent-encoded", offset: bad };
  const loose = raw.search(/%(?![0-9A-Fa-f]{2})/);
  if (loose >= 0) return { problem: "`%` is followed by two hex digits", offset: loose };
  if (!raw.isWellFormed()) return { problem: "the path is not well-formed Unicode", offset: 0 };
  const literal = canonicalLiteral(raw);
  if (literal === "." || literal === "..") return { problem: "a path holds no dot segments", offset: 0 };
  return literal;
}

function canonicalLiteral(raw: string): string {
  return raw
    .replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
      const char = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
      return /[A-Za-z0-9._~-]/.test(char) ? char : triplet.toUpperCase();
    })
    .replace(/\P{ASCII}+/gu, encodeURIComponent);
}

function shapeOf(
  segments: readonly (string | undefined)[],
  catchAll: boolean,
  trailingSlash: boolean,
): string {
  let shape = "";
  // Braces never occur in literals, so a parameter cannot be mistaken for one.
  for (const segment of segments) shape += `/${segment ?? "{}"}`;
  if (catchAll) return `${shape}/{*}`;
  return trailingSlash || shape === "" ? `${shape}/` : shape;
}
