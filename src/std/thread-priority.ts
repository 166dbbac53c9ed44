import { readlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/**
 * The thread that calls this gives way to all others of the machine from now on; V8's threads that help it do not. Only on Linux,
 * where a priority is a thread's (setpriority(2)); elsewhere, and where /proc is not there, nothing happens.
 */
export function giveWay(): void {
  try {
    const thread = Number(path.basename(readlinkSync("/proc/thread-self")));
    if (thread > 0) os.setPriority(thread, os.constants.priority.PRIORITY_LOW);
  } catch {
    // It goes on as urgent as the rest.
  }
}
