import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { kill } from "./proxy.ts";

/** A control group of Linux with a memory limit, of either version; needs root. */
export interface MemoryGroup {
  /** A command that runs another one inside. */
  readonly prefix: readonly string[];
  /** Processes the kernel has killed for want of memory. */
  kills(): number;
  remove(): Promise<void>;
}

/** Undefined where no such group can be made. */
export function makeMemoryGroup(name: string, limitBytes: number, cpu: number): MemoryGroup | undefined {
  const old = existsSync("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  const path = old ? `/sys/fs/cgroup/memory/${name}` : `/sys/fs/cgroup/${name}`;
  try {
    mkdirSync(path);
    writeFileSync(`${path}/${old ? "memory.limit_in_bytes" : "memory.max"}`, String(limitBytes));
  } catch {
    return undefined;
  }
  return {
    prefix: ["sh", "-c", `echo $$ > ${path}/cgroup.procs; exec taskset -c ${cpu} "$@"`, "sh"],
    kills() {
      const text = readFileSync(`${path}/${old ? "memory.oom_control" : "memory.events"}`, "utf8");
      return Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? 0);
    },
    async remove() {
      // Whoever was killed is in it until the kernel has buried him.
      for (let round = 0; round < 40; round++) {
        for (const pid of readFileSync(`${path}/cgroup.procs`, "utf8").split("\n"))
          kill(Number(pid), "SIGKILL");
        try {
          return rmdirSync(path);
        } catch {
          await sleep(50);
        }
      }
    },
  };
}
