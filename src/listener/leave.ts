import type { ClientConnection } from "./client-connection.ts";

/**
 * One round of asking connections to go. A busy HTTP/2 connection learns of it at once and finishes what it has begun.
 * Of the idle ones at most a tenth is closed, for their clients come back at once, and none that had an exchange after
 * `quietSinceMs`: its next request may be on the way, and is answered with close.
 */
export function askToLeave(open: readonly ClientConnection[], quietSinceMs: number): void {
  for (const connection of open) if (!connection.idle) connection.drain();
  const idle = open.filter((connection) => connection.idle && connection.idleSinceMs <= quietSinceMs);
  for (const connection of idle.slice(0, Math.max(50, Math.ceil(idle.length / 10)))) connection.drain();
}
