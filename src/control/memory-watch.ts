import { existsSync, readFileSync } from "node:fs";
import os from "node:os";

const everyMs = 250;
/** Smaller changes are not told. */
const stepShare = 0.01;

/** Where the figures of this process's control group are. */
interface MemoryFiles {
  readonly usage: string;
  readonly stat: string;
  /** Name in `stat` of the page cache that the kernel takes back first. */
  readonly reclaimable: string;
}

/**
 * Watches how much of the memory limit of our control group is in use, by all our processes together: that is what the
 * kernel kills by. Page cache that can be taken back does not count. Workers may not read these files, so they are told:
 * `onChange` gets the share. Without a limit, or where the files cannot be read, nothing happens. Returns what ends it.
 */
export function watchMemory(onChange: (share: number) => void): () => void {
  const limit = process.constrainedMemory();
  const files = limit > 0 && limit < os.totalmem() ? findFiles() : undefined;
  if (files === undefined) return () => {};
  let told = 0;
  const timer = setInterval(() => {
    const share = readUsed(files) / limit;
    if (Math.abs(share - told) < stepShare) return;
    told = share;
    onChange(share);
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Bytes that are in use and cannot be taken back easily. */
function readUsed({ usage, stat, reclaimable }: MemoryFiles): number {
  const used = Number(readText(usage));
  const cache = new RegExp(`^${reclaimable} (\\d+)`, "m").exec(readText(stat))?.[1] ?? "0";
  return used - Number(cache);
}

/** Version 2 and version 1 of control groups; in a container the group of the process is often the root of the mount. */
function findFiles(): MemoryFiles | undefined {
  const own = readText("/proc/self/cgroup");
  const second = /^0::(.*)$/m.exec(own)?.[1] ?? "/";
  const first = /^\d+:(?:[\w,]+,)?memory(?:,[\w,]+)?:(.*)$/m.exec(own)?.[1] ?? "/";
  for (const path of [`/sys/fs/cgroup/memory${first}`, "/sys/fs/cgroup/memory"]) {
    const usage = `${path}/memory.usage_in_bytes`;
    if (existsSync(usage)) return { usage, stat: `${path}/memory.stat`, reclaimable: "total_inactive_file" };
  }
  for (const path of [`/sys/fs/cgroup${second}`, "/sys/fs/cgroup"]) {
    const usage = `${path}/memory.current`;
    if (existsSync(usage)) return { usage, stat: `${path}/memory.stat`, reclaimable: "inactive_file" };
  }
  return undefined;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
