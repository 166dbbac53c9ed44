import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";

/**
 * The process that `start` forks or spawns. One that cannot be started is a child, too, without a pid: 'error' follows, no
 * 'exit', and what it is sent is lost. Node itself throws on some errors of the system (ENOMEM, E2BIG, a file that is no
 * program), and without descriptors leaves out `send` and the pipes: either would end the primary.
 */
export function startChild(start: () => ChildProcess): ChildProcess {
  try {
    const child = start();
    return child.pid === undefined ? Object.assign(child, { send: () => false }) : child;
  } catch (error) {
    // Not a ChildProcess that never started: its `kill` would signal our own process group.
    const failed = Object.assign(new EventEmitter(), {
      pid: undefined,
      connected: false,
      killed: false,
      stdin: null,
      send: () => false,
      kill: () => false,
    });
    process.nextTick(() => failed.emit("error", error));
    return failed as unknown as ChildProcess;
  }
}
