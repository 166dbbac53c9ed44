import { existsSync } from "node:fs";
import os from "node:os";
import { memoryGroupDirs, readText } from "./control-group.ts";

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

function findFiles(): MemoryFiles | undefined {
  const { first, second } = memoryGroupDirs();
  for (const path of first) {
    const usage = `${path}/memory.usage_in_bytes`;
    if (existsSync(usage)) return { usage, stat: `${path}/memory.stat`, reclaimable: "total_inactive_file" };
  }
  for (const path of second) {
    const usage = `${path}/memory.current`;
    if (existsSync(usage)) return { usage, stat: `${path}/memory.stat`, reclaimable: "inactive_file" };
  }
  return undefined;
}
