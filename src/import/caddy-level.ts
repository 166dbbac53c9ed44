import { type CaddyMatcher, everything, pathMatcher, readMatcher } from "./caddy-matcher.ts";
import type { CaddyStep } from "./caddy-place.ts";
import { caddyRows } from "./caddy-rows.ts";
import type { Segment } from "./caddyfile-syntax.ts";
import { rowNamed } from "./row-named.ts";

/** The directives of a site, or of a `handle` or `route` in it, in the order in which Caddy runs them. */
export interface Level {
  readonly steps: readonly CaddyStep[];
  /** Of `handle` and `route`. */
  readonly inner: ReadonlyMap<CaddyStep, Level>;
  /** Matchers that cannot be said, by their definition, with the reason. */
  readonly lost: ReadonlyMap<Segment, string>;
}

/** Caddy's own order of directives, those that matter here. */
const order: readonly string[] = [
  "tracing",
  "map",
  "vars",
  "fs",
  "root",
  "log_append",
  "log_skip",
  "skip_log",
  "log_name",
  "header",
  "coraza_waf",
  "request_body",
  "redir",
  "method",
  "rewrite",
  "uri",
  "try_files",
  "basic_auth",
  "basicauth",
  "forward_auth",
  "request_header",
  "encode",
  "push",
  "intercept",
  "templates",
  "rate_limit",
  "exec",
  "invoke",
  "handle",
  "handle_path",
  "route",
  "abort",
  "error",
  "respond",
  "metrics",
  "reverse_proxy",
  "php_fastcgi",
  "file_server",
  "acme_server",
];

const terminals: ReadonlySet<string> = new Set([
  "redir",
  "handle",
  "handle_path",
  "route",
  "abort",
  "error",
  "respond",
  "metrics",
  "reverse_proxy",
  "php_fastcgi",
  "file_server",
  "acme_server",
]);

export function isTerminal({ segment }: CaddyStep): boolean {
  return terminals.has(segment.name);
}

/** No matchers in front: the first argument is their own. */
const withoutMatcher: ReadonlySet<string> = new Set([
  "tls",
  "log",
  "bind",
  "import",
  "handle_errors",
  "log_name",
]);

export function buildLevel(
  segments: readonly Segment[],
  around: ReadonlyMap<string, CaddyMatcher | undefined>,
  keepsOrder: boolean,
  depth = 0,
): Level {
  const lost = new Map<Segment, string>();
  const matchers = new Map(around);
  for (const segment of segments) {
    if (!segment.name.startsWith("@")) continue;
    const reading = readMatcher(segment);
    if ("problem" in reading) lost.set(segment, reading.problem);
    matchers.set(segment.name, "problem" in reading ? undefined : reading);
  }
  const inner = new Map<CaddyStep, Level>();
  const steps = segments
    .filter(({ name }) => !name.startsWith("@"))
    .map((segment): CaddyStep => readStep(segment, matchers));
  if (!keepsOrder) steps.sort((a, b) => rank(a) - rank(b) || specificity(b) - specificity(a));
  if (depth < 32)
    for (const step of steps)
      if (/^(?:handle|handle_path|route)$/.test(step.segment.name) && step.segment.block !== undefined)
        inner.set(step, buildLevel(step.segment.block, matchers, step.segment.name === "route", depth + 1));
  return { steps, inner, lost };
}

function readStep(segment: Segment, matchers: ReadonlyMap<string, CaddyMatcher | undefined>): CaddyStep {
  const [first = "", ...rest] = segment.args;
  if (withoutMatcher.has(segment.name)) return { segment, args: segment.args, matcher: everything };
  if (first === "*") return { segment, args: rest, matcher: everything };
  if (first.startsWith("@")) return { segment, args: rest, matcher: matchers.get(first) };
  // A lone path of `respond` and `uri` is the matcher too, as for all others.
  if (
    first.startsWith("/") &&
    !(segment.name === "root" || (segment.name === "rewrite" && rest.length === 0))
  ) {
    const matcher = pathMatcher([first]);
    return { segment, args: rest, matcher: "problem" in matcher ? undefined : matcher };
  }
  return { segment, args: segment.args, matcher: everything };
}

function rank({ segment }: CaddyStep): number {
  // A `handle_path` is a `handle` with a path.
  const place = order.indexOf(segment.name === "handle_path" ? "handle" : segment.name);
  return place < 0 ? order.length : place;
}

/** Of two directives of a kind the one for the longer path goes first, the one for everything last. */
function specificity({ matcher }: CaddyStep): number {
  if (matcher?.paths === undefined) return matcher === everything ? -1 : 0;
  return Math.max(...matcher.paths.map(({ text, isPrefix }) => text.length * 2 + (isPrefix ? 0 : 1)));
}

/** A path where something may change. */
export interface Point {
  readonly text: string;
  readonly isPrefix: boolean;
}

/** Every path that some directive names, and `/` with all below it. */
export function pointsOf(level: Level): readonly Point[] {
  const points = new Map<string, Point>();
  const add = (point: Point): void => void points.set(`${point.text} ${point.isPrefix}`, point);
  add({ text: "/", isPrefix: true });
  const walk = ({ steps, inner }: Level): void => {
    for (const step of steps) {
      // Only what answers, and what keeps somebody out or changes a route.
      if (isTerminal(step) || rowNamed(caddyRows, step.segment.name)?.apply !== undefined)
        step.matcher?.paths?.forEach(add);
      const below = inner.get(step);
      if (below !== undefined) walk(below);
    }
  };
  walk(level);
  return [...points.values()];
}

/** Sets of hosts that some directive names apart from those of the site. */
export function hostsOf(level: Level): readonly (readonly string[])[] {
  const found = new Map<string, readonly string[]>();
  const walk = ({ steps, inner }: Level): void => {
    for (const step of steps) {
      const hosts = step.matcher?.hosts;
      if (hosts !== undefined) found.set(hosts.join(","), hosts);
      const below = inner.get(step);
      if (below !== undefined) walk(below);
    }
  };
  walk(level);
  return [...found.values()];
}

/** Whether a directive is for all requests at a point (for the hosts, by any method and from any address). */
export function covers(matcher: CaddyMatcher, point: Point, hosts: readonly string[] | undefined): boolean {
  if (matcher.hosts !== undefined && hosts?.every((host) => matcher.hosts!.includes(host)) !== true)
    return false;
  return (
    matcher.paths === undefined ||
    matcher.paths.some(({ text, isPrefix }) =>
      isPrefix ? point.text.startsWith(text) : !point.isPrefix && point.text === text,
    )
  );
}
