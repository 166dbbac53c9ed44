import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  cpuSeconds,
  type ProcessStat,
  parseCpuBusySeconds,
  parseCpuList,
  parseStat,
  parseStatusCpus,
  parseStatusKb,
  treeOf,
} from "../../bench/load/proc.ts";

const rest =
  "S 4100 4242 4000 0 -1 4194560 2034 77 1 0 350 120 11 7 20 0 11 0 987654 1099511627776 12800 18446744073709551615";

test("reads times, parent and start of a process", () => {
  assert.deepEqual(parseStat(`4242 (nginx) ${rest}\n`), {
    pid: 4242,
    name: "nginx",
    state: "S",
    parent: 4100,
    userTicks: 350,
    systemTicks: 120,
    waitedUserTicks: 11,
    waitedSystemTicks: 7,
    startTicks: 987654,
  });
});

test("a process name cannot shift the fields", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 15 }), (name) => {
      const stat = parseStat(`4242 (${name}) ${rest}`);
      assert.equal(stat?.name, name);
      assert.equal(stat?.userTicks, 350);
    }),
  );
  assert.equal(parseStat(`1 (a) R 9 9 (b) ${rest}`)?.parent, 4100);
});

test("a line that is cut off is no process", () => {
  assert.equal(parseStat(""), undefined);
  assert.equal(parseStat("4242 (nginx) S 4100 4242"), undefined);
});

test("a tree is the root with all that descends from it", () => {
  const all = [one(1, 0), one(30, 20), one(20, 10), one(10, 1), one(11, 1), one(31, 20)];
  assert.deepEqual(
    treeOf(10, all).map((stat) => stat.pid),
    [10, 20, 30, 31],
  );
  assert.deepEqual(treeOf(99, all), []);
});

test("CPU time of a tree holds children that have ended", () => {
  const tree = [
    { ...one(10, 1), userTicks: 100, systemTicks: 50, waitedUserTicks: 25, waitedSystemTicks: 5 },
    { ...one(11, 10), userTicks: 20 },
  ];
  assert.equal(cpuSeconds(tree), 2);
});

test("reads a memory line by its whole name", () => {
  const status = "Name:\tnode\nVmRSS:\t   68240 kB\nRssAnon:\t   41120 kB\nRssFile:\t 27120 kB\n";
  assert.equal(parseStatusKb(status, "RssAnon"), 41120);
  assert.equal(parseStatusKb(status, "VmRSS"), 68240);
  assert.equal(parseStatusKb(status, "Rss"), 0);
});

test("busy time of a CPU leaves out idle and waiting for disks", () => {
  const stat = "cpu  999 0 0 0 0 0 0 0 0 0\ncpu1 7 0 0 0 0 0 0 0 0 0\ncpu10 1 0 0 0 0 0 0 0 0 0\n";
  assert.equal(parseCpuBusySeconds(`${stat}cpu0 100 10 50 9000 700 3 7 30 0 0\n`, 0), 2);
  assert.equal(parseCpuBusySeconds(stat, 1), 0.07);
});

test("reads which CPUs may be used", () => {
  const status = "Cpus_allowed:\tff\nCpus_allowed_list:\t0-2,5\nMems_allowed_list:\t0\n";
  assert.deepEqual(parseCpuList(parseStatusCpus(status)), [0, 1, 2, 5]);
  assert.deepEqual(parseCpuList("3"), [3]);
});

function one(pid: number, parent: number): ProcessStat {
  const ticks = { userTicks: 0, systemTicks: 0, waitedUserTicks: 0, waitedSystemTicks: 0 };
  return { pid, parent, name: "node", state: "S", startTicks: 1, ...ticks };
}
