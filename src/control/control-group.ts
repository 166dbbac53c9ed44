import { readFileSync } from "node:fs";

/**
 * Where the kernel may show the memory of our control group, the likeliest first, in version 1 and version 2 of control
 * groups. In a container our group is often the root of the mount.
 */
export function memoryGroupDirs(): { readonly first: readonly string[]; readonly second: readonly string[] } {
  const own = readText("/proc/self/cgroup");
  const first = /^\d+:(?:[\w,]+,)?memory(?:,[\w,]+)?:(.*)$/m.exec(own)?.[1] ?? "/";
  const second = /^0::(.*)$/m.exec(own)?.[1] ?? "/";
  return {
    first: [`/sys/fs/cgroup/memory${first}`, "/sys/fs/cgroup/memory"],
    second: [`/sys/fs/cgroup${second}`, "/sys/fs/cgroup"],
  };
}

/** "" where it cannot be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
