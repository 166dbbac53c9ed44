import type { Change } from "./changes.ts";

/** What a change means for a gateway that runs, beside being in force for whatever begins after it. */
export type Impact =
  /** A reload with it is refused. */
  | "restart"
  /** Sockets are bound and closed; open connections live on. */
  | "listeners"
  /** Workers are started, or finish what they do and end. */
  | "workers"
  /** New connections to it; those in use are finished with. */
  | "connections";

const impacts: readonly (readonly [key: string, Impact])[] = [
  ["server.state_dir", "restart"],
  // Workers may write the file that they were started with and no other.
  ["access_log.path", "restart"],
  // The writer of the audit log holds its keys and files for as long as it lives.
  ["audit", "restart"],
  ["amnesia", "restart"],
  ["server.listen_http", "listeners"],
  ["server.listen_https", "listeners"],
  ["telemetry.listen", "listeners"],
  ["admin.listen", "listeners"],
  ["server.workers", "workers"],
];

/** Undefined: nothing is interrupted. */
export function impactOf({ what, how }: Change): Impact | undefined {
  if (what.startsWith("upstream ")) return how === "added" ? undefined : "connections";
  return impacts.find(([key]) => what === key || what.startsWith(`${key}.`))?.[1];
}

/** The keys whose change a reload refuses. */
export function restartKeys(changes: readonly Change[]): readonly string[] {
  return changes.filter((change) => impactOf(change) === "restart").map(({ what }) => what);
}
