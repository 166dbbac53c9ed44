import type { Socket } from "node:net";

/**
 * Takes all listeners off a socket that is closed. With them, dead sockets that V8 counts as old keep younger ones alive, in a
 * chain, until it marks the whole heap: half of the memory of 10,000 connections a second lived on, also in a server that is
 * nothing but `net` and three listeners, which does 7 % more connections with this (bench/results/profiles.md).
 */
export function forgetListeners(socket: Socket): void {
  socket.removeAllListeners();
  // Nothing is left to say; whatever is said nevertheless may not end the worker.
  socket.on("error", ignoreError);
}

function ignoreError(): void {}
