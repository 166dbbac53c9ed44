import { readdirSync, readFileSync } from "node:fs";

/** Linux reports CPU time to user space in hundredths of a second on every architecture Node runs on. */
const ticksPerSecond = 100;

/** One line of `/proc/PID/stat`, proc(5). Times in ticks; `waited*` is what reaped children had used. */
export interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  /** `Z`: it has ended and nobody has waited for it yet. */
  readonly state: string;
  readonly parent: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly waitedUserTicks: number;
  readonly waitedSystemTicks: number;
  /** Tells a process from a later one with the same pid. */
  readonly startTicks: number;
}

/** A process and its descendants, root first. Empty when the root has gone. */
export function readTree(root: number): readonly ProcessStat[] {
  return treeOf(root, readAll());
}

/** The tree below `root` among `all`, root first, each process once. */
export function treeOf(root: number, all: readonly ProcessStat[]): readonly ProcessStat[] {
  const first = all.find((one) => one.pid === root);
  if (first === undefined) return [];
  const tree = [first];
  for (let at = 0; at < tree.length; at++) {
    for (const one of all) if (one.parent === tree[at]!.pid && one.pid !== root) tree.push(one);
  }
  return tree;
}

/** CPU time of a tree in seconds, children that ended and were waited for included. */
export function cpuSeconds(tree: readonly ProcessStat[]): number {
  let ticks = 0;
  for (const one of tree) {
    ticks += one.userTicks + one.systemTicks + one.waitedUserTicks + one.waitedSystemTicks;
  }
  return ticks / ticksPerSecond;
}

/** CPU time of one process alone, in seconds. */
export function ownCpuSeconds(one: ProcessStat): number {
  return (one.userTicks + one.systemTicks) / ticksPerSecond;
}

/** The name is in parentheses and may itself hold spaces and parentheses, so fields count from the last one. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = text
    .slice(close + 2)
    .trim()
    .split(" ");
  const number = (index: number): number => Number(fields[index]);
  const stat = {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    state: fields[0] ?? "",
    parent: number(1),
    userTicks: number(11),
    systemTicks: number(12),
    waitedUserTicks: number(13),
    waitedSystemTicks: number(14),
    startTicks: number(19),
  };
  return Number.isFinite(stat.startTicks) && Number.isFinite(stat.pid) ? stat : undefined;
}

/** A `kB` line of `/proc/PID/status` such as `VmRSS` or `RssAnon`; 0 when absent (kernel threads, zombies). */
export function parseStatusKb(text: string, key: string): number {
  const line = text.split("\n").find((one) => one.startsWith(`${key}:`));
  return line === undefined ? 0 : Number.parseInt(line.slice(key.length + 1), 10) || 0;
}

/** As above for a living process; 0 once it has gone. */
export function readStatusKb(pid: number, key: string): number {
  try {
    return parseStatusKb(readFileSync(`/proc/${pid}/status`, "utf8"), key);
  } catch {
    return 0;
  }
}

/** Busy seconds of one CPU since boot from `/proc/stat`: everything but idle and iowait, stolen time included. */
export function parseCpuBusySeconds(text: string, cpu: number): number {
  const line = text.split("\n").find((one) => one.startsWith(`cpu${cpu} `));
  if (line === undefined) return 0;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / ticksPerSecond;
}

export function readCpuBusySeconds(cpu: number): number {
  return parseCpuBusySeconds(readFileSync("/proc/stat", "utf8"), cpu);
}

/** CPUs this process may run on, from a list such as `0-1,4`. */
export function parseCpuList(list: string): readonly number[] {
  const cpus: number[] = [];
  for (const part of list.trim().split(",")) {
    const [from = Number.NaN, to = from] = part.split("-").map(Number);
    for (let cpu = from; cpu <= to; cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** The list of CPUs a `/proc/PID/status` allows. */
export function parseStatusCpus(text: string): string {
  return /^Cpus_allowed_list:\s*(\S+)/m.exec(text)?.[1] ?? "0";
}

function readAll(): readonly ProcessStat[] {
  const all: ProcessStat[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = parseStat(readFileSync(`/proc/${entry}/stat`, "utf8"));
      if (stat !== undefined) all.push(stat);
    } catch {
      // It ended between the listing and the read.
    }
  }
  return all;
}
