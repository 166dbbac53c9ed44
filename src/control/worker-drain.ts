import type { ClientConnection } from "../listener/client-connection.ts";
import { askToLeave } from "../listener/leave.ts";
import { reasons } from "../reason.ts";
import type { Clock } from "../std/clock.ts";

/** A connection without a request for this long is taken to be idle. */
const QUIET_MS = 1000;
/** WebSockets and event streams that are ended at once. */
const STREAM_ENDS_MAX = 250;
/** For the last words of gRPC calls to leave. */
const CALLS_LEAVE_MS = 100;

/**
 * Asks the connections to leave until none is there or `graceMs` are over, and closes the rest. Resolves to how many were
 * closed. Nothing may listen any more.
 */
export async function drainConnections(
  connections: () => readonly ClientConnection[],
  endHandshakes: () => void,
  graceMs: number,
  clock: Clock,
): Promise<number> {
  const until = clock.nowMs() + graceMs;
  const quietMs = Math.min(QUIET_MS, graceMs / 4);
  for (;;) {
    // Timers come before reads: what arrived while this process did not run is read first, or a connection with a
    // request on it would be closed as idle (24 of 52,524 requests in five upgrades, on a starved machine).
    await new Promise((resolve) => setImmediate(resolve));
    const open = connections();
    askToLeave(open, clock.nowMs() - quietMs);
    // Streams end one after another over half the time there is: their clients come back at once, too.
    const lasting = open.filter((connection) => connection.lasting === true);
    const rounds = Math.max(1, Math.ceil((until - graceMs / 2 - clock.nowMs()) / 100));
    const due = Math.ceil(lasting.length / rounds);
    // Each leaves a line in the access log, which takes about a thousand before it must be written.
    const isLate = due > STREAM_ENDS_MAX && clock.nowMs() < until;
    for (const connection of lasting.slice(0, isLate ? STREAM_ENDS_MAX : due)) connection.endStreams?.();
    if (connections().length === 0) return 0;
    if (clock.nowMs() >= until) break;
    const pauseMs = Math.min(isLate ? 5 : 100, Math.max(1, until - clock.nowMs()));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  endHandshakes();
  let calls = false;
  for (const connection of connections()) calls = connection.endCalls?.() === true || calls;
  if (calls) await new Promise((resolve) => setTimeout(resolve, CALLS_LEAVE_MS));
  const rest = connections();
  for (const connection of rest) connection.close(reasons.drainDeadline);
  return rest.length;
}
