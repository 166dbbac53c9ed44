import { memoryGroupDirs, readText } from "./control-group.ts";

/** Tells whether the kernel's out-of-memory killer was here. */
export interface OomWatch {
  /** It has killed a process of our control group since the last call. */
  wasKilled(): boolean;
}

/** Reads the kernel's own count: a killed process cannot say why. Where it cannot be read, nothing is known. */
export function watchOom(files: readonly string[] = eventFiles()): OomWatch {
  let known = readKills(files);
  return {
    wasKilled() {
      const before = known;
      known = readKills(files);
      return known > before;
    },
  };
}

function eventFiles(): readonly string[] {
  const { first, second } = memoryGroupDirs();
  return [...second.map((dir) => `${dir}/memory.events`), ...first.map((dir) => `${dir}/memory.oom_control`)];
}

/** Of the first of them that says. */
function readKills(files: readonly string[]): number {
  for (const file of files) {
    const count = /^oom_kill (\d+)$/m.exec(readText(file))?.[1];
    if (count !== undefined) return Number(count);
  }
  return 0;
}
