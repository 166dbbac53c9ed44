import { type Literal, literalsOf } from "./literal-regex.ts";
import type { Scope } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";

/** A location, or the `/` that a server has without one. */
export interface Location {
  /** Undefined: the server itself. */
  readonly directive: Directive | undefined;
  readonly kind: "prefix" | "exact" | "regex" | "named";
  /** `^~`: expressions are not asked. */
  readonly isFinal: boolean;
  /** `~*`. */
  readonly ignoresCase: boolean;
  readonly text: string;
  readonly scope: Scope;
}

/** All locations of a server, those within others too, in their order. */
export function locationsOf(server: Scope): readonly Location[] {
  const found: Location[] = [];
  const collect = (scope: Scope): void => {
    for (const directive of scope.directives) {
      if (directive.name !== "location" || directive.block === undefined) continue;
      const inner: Scope = { directives: directive.block, parent: scope };
      found.push({ directive, scope: inner, ...readLocation(directive.args) });
      collect(inner);
    }
  };
  collect(server);
  return found;
}

function readLocation(args: readonly string[]): Pick<Location, "kind" | "isFinal" | "ignoresCase" | "text"> {
  // `location =/x` is one word.
  const joined =
    args.length > 1
      ? args
      : [/^(?:=|~\*|~|\^~)/.exec(args[0] ?? "")?.[0] ?? "", (args[0] ?? "").replace(/^(?:=|~\*|~|\^~)/, "")];
  const [modifier = "", text = ""] = joined;
  if (modifier === "" && text.startsWith("@"))
    return { kind: "named", isFinal: false, ignoresCase: false, text };
  const kind = modifier === "=" ? "exact" : modifier.startsWith("~") ? "regex" : "prefix";
  return { kind, isFinal: modifier === "^~", ignoresCase: modifier === "~*", text };
}

/** What is served where: the paths that lead to a location, as this gateway can say it. */
export interface Reach {
  readonly location: Location;
  readonly path: string;
  readonly isPrefix: boolean;
}

export interface Reaches {
  readonly reaches: readonly Reach[];
  /** Expressions that are more than a few texts. */
  readonly unclear: readonly Location[];
  /** Locations that nginx never comes to, and the one that goes before them. */
  readonly hidden: ReadonlyMap<Location, Location>;
}

/**
 * nginx's order: an exact location; the longest prefix if it is `^~`; the first expression that fits; the longest prefix.
 * Here the most specific pattern decides, so an expression that is a prefix hides longer prefixes beneath it.
 */
export function reachesOf(locations: readonly Location[]): Reaches {
  const unclear: Location[] = [];
  const hidden = new Map<Location, Location>();
  const byRegex: Reach[] = [];
  for (const location of locations) {
    if (location.kind !== "regex") continue;
    const literals = literalsOf(location.text);
    if (literals?.every(({ text }) => text.startsWith("/")) !== true) {
      unclear.push(location);
      continue;
    }
    const takers = literals.map((literal) => takerOf(literal, byRegex, locations));
    const first = takers.find((taker) => taker !== undefined);
    if (first !== undefined && !takers.includes(undefined)) hidden.set(location, first);
    // `/api(/.*)?` is what a prefix here says by itself.
    for (const [i, { text, isPrefix }] of literals.entries())
      if (
        takers[i] === undefined &&
        !(literals.some((other) => other.isPrefix && other.text === `${text}/`) && !isPrefix)
      )
        byRegex.push({ location, path: text, isPrefix });
  }
  const reaches: Reach[] = [];
  for (const location of locations) {
    if (location.kind === "exact") reaches.push({ location, path: location.text, isPrefix: false });
    if (location.kind !== "prefix") continue;
    const before = location.isFinal
      ? undefined
      : byRegex.find(({ path, isPrefix }) => isPrefix && location.text.startsWith(path));
    if (before === undefined) reaches.push({ location, path: location.text, isPrefix: true });
    else hidden.set(location, before.location);
  }
  return { reaches: [...reaches, ...byRegex], unclear, hidden };
}

/** The location that nginx asks first for everything that the text stands for. */
function takerOf(
  literal: Literal,
  earlier: readonly Reach[],
  locations: readonly Location[],
): Location | undefined {
  const exact = locations.find(
    ({ kind, text }) => kind === "exact" && !literal.isPrefix && text === literal.text,
  );
  if (exact !== undefined) return exact;
  const before = earlier.find((reach) => covers(reach, literal));
  if (before !== undefined) return before.location;
  const longest = locations
    .filter(({ kind, text }) => kind === "prefix" && literal.text.startsWith(text))
    .reduce<Location | undefined>(
      (best, one) => (one.text.length > (best?.text.length ?? -1) ? one : best),
      undefined,
    );
  return longest?.isFinal === true ? longest : undefined;
}

function covers(reach: Reach, literal: Literal): boolean {
  return reach.isPrefix
    ? literal.text.startsWith(reach.path)
    : !literal.isPrefix && literal.text === reach.path;
}

/** The prefix that nginx chooses for a path when no expression does. */
export function longestPrefix(path: string, reaches: readonly Reach[]): Reach | undefined {
  return reaches
    .filter((reach) => reach.isPrefix && path.startsWith(reach.path))
    .reduce<Reach | undefined>(
      (best, one) => (one.path.length > (best?.path.length ?? -1) ? one : best),
      undefined,
    );
}
