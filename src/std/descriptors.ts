import { readFileSync } from "node:fs";

/** Soft limit of open files of this process, which its workers inherit; 0 where the platform does not tell. */
export function readDescriptorsMax(path = "/proc/self/limits"): number {
  try {
    return parseDescriptorsMax(readFileSync(path, "latin1"));
  } catch {
    return 0;
  }
}

/** From the text of /proc/PID/limits. "unlimited" is not a limit: 0. */
export function parseDescriptorsMax(text: string): number {
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  return soft === undefined || !/^\d+$/.test(soft) ? 0 : Number(soft);
}
