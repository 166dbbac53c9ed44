import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Case, Context, Outcome } from "./cases.ts";
import { type MemoryGroup, makeMemoryGroup } from "./memory-group.ts";

/** What flood.ts prints. */
interface Flood {
  readonly ok: number;
  readonly shed: number;
  readonly lost: number;
  readonly late: number;
  readonly refused: number;
  readonly unsent: number;
  readonly perSec: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly shedP99Ms: number;
}

/** Connections that the overload may hold: clients beyond that are not there. */
const connectionsMax = 2000;

function overloadOf(workers: number, limitMb: number): Case {
  let group: MemoryGroup | undefined;
  return {
    name: `overload-${limitMb}`,
    title: `three times its capacity for 60 s, ${workers} worker${workers > 1 ? "s" : ""} and ${limitMb} MiB`,
    bar: "goodput at least 70 % of capacity, nothing killed for want of memory",
    workers,
    prefix() {
      group = makeMemoryGroup(`zion-fault-${process.pid}-${limitMb}`, limitMb * 1_048_576, 0);
      if (group === undefined) throw new Error("needs root and a memory controller of cgroups");
      return group.prefix;
    },
    async cleanUp() {
      await group?.remove();
      group = undefined;
    },
    async run({ instance, scale }: Context): Promise<Outcome> {
      const { port } = instance.place;
      await flood(port, 0, 5, 32);
      const calm = await flood(port, 0, Math.max(5, 15 * scale), 32);
      const seconds = Math.max(10, 60 * scale);
      const storm = await flood(port, Math.round(calm.perSec * 3), seconds, connectionsMax);
      await sleep(3000);
      const after = await flood(port, 0, 5, 32);
      const share = storm.perSec / calm.perSec;
      const kills = group!.kills();
      const sentPerSec = (storm.ok + storm.shed + storm.lost + storm.late + storm.refused) / seconds;
      return {
        met: share >= 0.7 && kills === 0 && after.perSec >= calm.perSec * 0.7,
        text: `capacity ${calm.perSec.toFixed(0)}/s, sent ${sentPerSec.toFixed(0)}/s, goodput ${storm.perSec.toFixed(0)}/s (${(share * 100).toFixed(0)} %), p50 ${storm.p50Ms.toFixed(0)} ms, p99 ${storm.p99Ms.toFixed(0)} ms, shed ${storm.shed} (p99 ${storm.shedP99Ms.toFixed(0)} ms), lost ${storm.lost}, late ${storm.late}, refused ${storm.refused}, not sent ${storm.unsent}; ${kills} killed; ${after.perSec.toFixed(0)}/s afterwards`,
      };
    },
  };
}

export const overload: readonly Case[] = [overloadOf(1, 256), overloadOf(2, 512)];

function flood(port: number, perSec: number, seconds: number, connections: number): Promise<Flood> {
  const args = [join(import.meta.dirname, "flood.ts"), port, perSec, seconds, connections].map(String);
  const child = spawn("taskset", ["-c", "1", process.execPath, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", () =>
      text === "" ? reject(new Error("the flood said nothing")) : resolve(JSON.parse(text) as Flood),
    );
  });
}
