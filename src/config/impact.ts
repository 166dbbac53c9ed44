import type { Change } from "./changes.ts";

/** What a change means for a gateway that runs, beside being in force for whatever begins after it. */
export type Impact =
  /** A reload with it is refused. */
  | "restart"
  /** Sockets are bound and closed; open connections live on. */
  | "listeners"
  /** Workers are started, or finish what they do and end. */
  | "workers"
  /** Another writer goes on with the audit log; what is reported waits meanwhile. A new path begins a new log. */
  | "writer"
  /** Every worker is replaced, one after the other. */
  | "replaced"
  /** New connections to it; those in use are finished with. */
  | "connections";

const impacts: readonly (readonly [key: string, Impact])[] = [
  ["server.state_dir", "restart"],
  ["audit", "writer"],
  ["amnesia", "restart"],
  ["server.listen_http", "listeners"],
  ["server.listen_https", "listeners"],
  ["telemetry.listen", "listeners"],
  ["admin.listen", "listeners"],
  ["server.workers", "workers"],
  // They may write the file that they were started with and no other.
  ["access_log.path", "replaced"],
];

const auditIdentity: ReadonlySet<string> = new Set(["audit.name", "audit.key", "audit.previous_key"]);

/** Undefined: nothing is interrupted. */
export function impactOf({ what, how }: Change): Impact | undefined {
  // Turned on or off, the log has them or not; in use they are what it is checked with.
  if (auditIdentity.has(what) && how === "changed") return "restart";
  if (what.startsWith("upstream ")) return how === "added" ? undefined : "connections";
  return impacts.find(([key]) => what === key || what.startsWith(`${key}.`))?.[1];
}

/** The keys whose change a reload refuses. */
export function restartKeys(changes: readonly Change[]): readonly string[] {
  return changes.filter((change) => impactOf(change) === "restart").map(({ what }) => what);
}
