import { createHash } from "node:crypto";
import { type ControlAnswer, json, part, text } from "./control-listener.ts";
import { pick, readPath } from "./overview-path.ts";

/** What somebody asks `GET /snapshot` for. */
export interface OverviewRequest {
  /** `?path=`; undefined = everything. */
  readonly path: string | undefined;
  /** "" = no `If-None-Match`. */
  readonly ifNoneMatch: string;
}

export interface OverviewOptions {
  /** What it is made of, in the order in which it is shown; each is only made when it is asked for. */
  readonly parts: Readonly<Record<string, () => unknown>>;
  /** Brings figures of the workers up to date. */
  readonly refresh: () => Promise<void>;
}

/** The gateway as it stands, for people and scripts: `GET /snapshot` of the admin listener. */
export function createOverview({
  parts,
  refresh,
}: OverviewOptions): (request: OverviewRequest) => Promise<ControlAnswer> {
  return async ({ path, ifNoneMatch }) => {
    const names = path === undefined ? [] : readPath(path);
    if (names === undefined) return text(400, badPath);
    const [first] = names;
    const wanted = first !== undefined && Object.hasOwn(parts, first) ? [first] : Object.keys(parts);
    if (wanted.some((name) => counted.has(name))) await refresh();
    const made = Object.fromEntries(wanted.map((name) => [name, parts[name]!()]));
    const picked = pick(made, names);
    if ("problem" in picked) return text(404, picked.problem);
    const tag = tagOf(picked.value, names);
    const headers = { ETag: tag };
    if (matches(ifNoneMatch, tag)) return { status: 304, body: "", headers };
    return { ...(names.length === 0 ? json(200, made) : part(picked.value)), headers };
  };
}

const badPath =
  'path: names with dots between them, such as config.server.workers; others than letters, digits, _ and - in quotes: routes."/{*rest}"';

/** Parts that workers have a say in. */
const counted = new Set(["workers", "upstreams", "totals", "latency"]);

/** Names of what changes all the time and is no event. */
const figures = new Set([
  "time",
  // It grows by heartbeats; readiness tells what is wrong with it.
  "audit",
  "uptime_secs",
  "age_secs",
  "totals",
  "latency",
  "resident_bytes",
  "event_loop_utilization",
  "in_flight",
  "connections",
  "latency_ms",
  "probed_secs_ago",
  "days_left",
]);

/**
 * Weak (RFC 9110 §8.8.1): it stays while nothing has changed but figures, so whoever polls is told of events. What is
 * asked for by the name of a figure has one that changes with it.
 */
function tagOf(value: unknown, names: readonly string[]): string {
  const isFigure = names.some((name) => figures.has(name));
  const steady =
    JSON.stringify(value, (name, one) => (!isFigure && figures.has(name) ? undefined : one)) ?? "";
  return `W/"${createHash("sha256").update(steady).digest("base64url").slice(0, 22)}"`;
}

/** RFC 9110 §13.1.2: weak comparison. */
function matches(ifNoneMatch: string, tag: string): boolean {
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = tag.slice(2);
  return ifNoneMatch.split(",").some((one) => one.trim().replace(/^W\//, "") === opaque);
}
