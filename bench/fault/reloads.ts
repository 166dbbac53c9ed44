import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readStatusKb, readTree } from "../load/proc.ts";
import type { Case } from "./cases.ts";
import type { Instance } from "./proxy.ts";
import { startTraffic, type Tally, type Traffic } from "./traffic.ts";

/** Rows about configurations that are written too often, are broken, or pile up. */
export const reloads: readonly Case[] = [
  {
    name: "write-storm",
    title: "configuration written 100 times a second for 10 s",
    bar: "at most 11 reloads, 0 failed",
    without: ({ reloads }) => (reloads === undefined ? "does not watch its configuration" : undefined),
    async run({ instance, scale }) {
      const load = traffic(instance);
      await sleep(2000);
      const before = instance.product.reloads!(instance);
      const forMs = Math.max(3000, 10_000 * scale);
      const startedMs = performance.now();
      let writes = 0;
      for (; performance.now() - startedMs < forMs; writes++) {
        instance.rewrite();
        await sleep(Math.max(0, startedMs + (writes + 1) * 10 - performance.now()));
      }
      await sleep(4000);
      const count = instance.product.reloads!(instance) - before;
      const tally = await load.stop();
      return {
        met: failed(tally) === 0 && count <= forMs / 1000 + 1,
        text: `${writes} writes, ${count} reloads, ${failed(tally)} of ${tally.sent} failed`,
      };
    },
  },
  {
    name: "bad-config",
    title:
      "configuration empty, cut off, not UTF-8, with a NUL, of 5 MB, deleted, a directory; each reloaded, then a good one",
    bar: "0 failed",
    async run({ instance }) {
      const load = traffic(instance);
      const file = configFile(instance);
      await sleep(2000);
      for (const breakIt of breakages) {
        breakIt(file);
        await instance.product.reload(instance).catch(() => {});
        await sleep(1000);
        rmSync(file, { recursive: true, force: true });
        instance.rewrite();
        await instance.product.reload(instance);
        await sleep(1000);
      }
      const tally = await load.stop();
      return {
        met: failed(tally) === 0 && tally.keptClosed === 0,
        text: `${breakages.length} broken and ${breakages.length} good ones: ${failed(tally)} of ${tally.sent} failed, ${tally.keptClosed} kept closed`,
      };
    },
  },
  {
    name: "memory",
    title: "1,000 reloads, one after the other, 500 requests/s",
    bar: "memory of all processes after the last quarter at most 5 % above that after the second, 0 failed",
    async run({ instance, scale }) {
      const load = traffic(instance);
      const count = Math.max(40, Math.round(1000 * scale));
      const rss: number[] = [];
      for (let done = 0; done < count; done++) {
        instance.rewrite();
        await instance.product.reload(instance);
        const kb = readTree(instance.pid()).reduce((sum, { pid }) => sum + readStatusKb(pid, "VmRSS"), 0);
        rss.push(kb / 1024);
      }
      const tally = await load.stop();
      const quarter = Math.floor(count / 4);
      const [second, last] = [mean(rss.slice(quarter, 2 * quarter)), mean(rss.slice(-quarter))];
      return {
        met: failed(tally) === 0 && last <= second * 1.05,
        text: `${count} reloads: ${second.toFixed(0)} MB in the second quarter, ${last.toFixed(0)} MB in the last, ${failed(tally)} of ${tally.sent} failed`,
      };
    },
  },
];

const breakages: readonly ((file: string) => void)[] = [
  (file) => writeFileSync(file, ""),
  (file) => writeFileSync(file, readFileSync(file).subarray(0, -20)),
  (file) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from("# \xe9\xff {\n", "latin1")])),
  (file) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from("\0")])),
  (file) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(5 * 1_048_576, "{")])),
  (file) => rmSync(file),
  (file) => {
    rmSync(file);
    mkdirSync(file);
  },
];

const names = ["zion.toml", "nginx.conf", "haproxy.cfg", "Caddyfile"];

function configFile({ place }: Instance): string {
  return names.map((name) => join(place.directory, name)).find((path) => existsSync(path))!;
}

/** Without streams: those of the reload row are enough. */
function traffic({ place }: Instance): Traffic {
  return startTraffic({
    newPerSec: 250,
    keptConnections: 50,
    keptPerSec: 250,
    webSockets: 0,
    eventStreams: 0,
    port: place.port,
  });
}

function failed({ refused, reset, wrong, silent }: Tally): number {
  return refused + reset + wrong + silent;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
