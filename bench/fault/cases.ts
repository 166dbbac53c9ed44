import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds, readTree } from "../load/proc.ts";
import { accepts } from "../load/process.ts";
import { overload } from "./overload.ts";
import { type Instance, isAlive, kill, type Product } from "./proxy.ts";
import { reloads } from "./reloads.ts";
import { percentile, startTraffic, type Tally, type Traffic, type TrafficOptions } from "./traffic.ts";

/** One row of the table: what is done to a proxy under load, and what is measured of it. */
export interface Case {
  readonly name: string;
  readonly title: string;
  /** What the gateway must reach. */
  readonly bar: string;
  /** Of the proxy; 2 when not given. */
  readonly workers?: number;
  /** The command that the proxy's is run by; throws when this machine cannot. */
  readonly prefix?: (product: Product) => readonly string[];
  /** After the proxy has ended. */
  readonly cleanUp?: () => Promise<void>;
  /** Why a product cannot take part; undefined = it can. */
  readonly without?: (product: Product) => string | undefined;
  run(context: Context): Promise<Outcome>;
}

export interface Context {
  readonly instance: Instance;
  /** 1 in the full form, less in a short one: for durations and counts. */
  readonly scale: number;
}

export interface Outcome {
  /** Whether the bar is reached, were it the gateway's. */
  readonly met: boolean;
  /** What the table says. */
  readonly text: string;
}

const usual: Omit<TrafficOptions, "port"> = {
  newPerSec: 250,
  keptConnections: 50,
  keptPerSec: 250,
  webSockets: 10,
  eventStreams: 10,
};

export const cases: readonly Case[] = [
  {
    name: "reload",
    title: "600 reloads, one a second, 500 requests/s, WebSockets and event streams",
    bar: "0 failed, 0 kept connections closed, 0 streams lost, p99 at most 1.5 times that without reloads",
    async run({ instance, scale }) {
      const load = traffic(instance);
      const count = Math.max(20, Math.round(600 * scale));
      const quiet: number[] = [];
      const busy: number[] = [];
      await sleep(2000);
      load.takeLatencies();
      // In turns, so that a neighbour on the machine slows both.
      for (let done = 0; done < count; ) {
        await sleep(10_000);
        quiet.push(...load.takeLatencies());
        for (let turn = 0; turn < 20; turn++, done++) {
          const nextMs = performance.now() + 1000;
          instance.rewrite();
          await instance.product.reload(instance);
          await sleep(Math.max(0, nextMs - performance.now()));
        }
        busy.push(...load.takeLatencies());
      }
      const tally = await load.stop();
      const [before, during] = [percentile(quiet, 0.99), percentile(busy, 0.99)];
      return {
        met:
          failed(tally) === 0 && tally.keptClosed === 0 && tally.streamsLost === 0 && during <= before * 1.5,
        text: `${count} reloads: ${told(tally)}, ${tally.keptClosed} kept closed, ${tally.streamsLost} streams lost, p99 ${during.toFixed(1)} ms (${before.toFixed(1)} without reloads in between)`,
      };
    },
  },
  {
    name: "kill-worker",
    title: "kill -9 of a worker, 20 times",
    bar: "failed at most what is in flight on it and 5 for each, none silent, accepting again within 1 s",
    without: oneProcess,
    async run({ instance, scale }) {
      const load = traffic(instance);
      const kills = Math.max(4, Math.round(20 * scale));
      let acceptingMs = 0;
      let wholeMs = 0;
      for (let done = 0; done < kills; done++) {
        await sleep(6000);
        const victims = instance.product.serving(instance);
        const victim = victims[done % victims.length];
        if (victim === undefined) break;
        kill(victim, "SIGKILL");
        const startedMs = performance.now();
        acceptingMs = Math.max(acceptingMs, await untilServed(instance));
        while (!(await instance.product.isWhole(instance)) && performance.now() - startedMs < 20_000)
          await sleep(10);
        wholeMs = Math.max(wholeMs, performance.now() - startedMs);
      }
      await sleep(2000);
      const tally = await load.stop();
      // A request in flight per kept connection is the most that one worker can hold of them.
      return {
        met:
          failed(tally) <= kills * (usual.keptConnections + 5) && tally.silent === 0 && acceptingMs <= 1000,
        text: `${kills} kills: ${told(tally)} (${(failed(tally) / kills).toFixed(1)} each), ${tally.keptClosed} kept closed; at most ${ms(acceptingMs)} until new connections were accepted, ${ms(wholeMs)} until all workers served`,
      };
    },
  },
  {
    name: "stop-worker",
    title: "SIGSTOP of a worker",
    bar: "replaced within 7 s, 0 new connections reset, none waits longer than 2 s",
    without: oneProcess,
    async run({ instance }) {
      const load = startTraffic({
        ...usual,
        keptConnections: 0,
        keptPerSec: 0,
        webSockets: 0,
        eventStreams: 0,
        port: instance.place.port,
      });
      await sleep(2000);
      const [victim = 0] = instance.product.serving(instance);
      kill(victim, "SIGSTOP");
      load.forgive();
      const startedMs = performance.now();
      while (isAlive(victim) && performance.now() - startedMs < 12_000) await sleep(20);
      const replacedMs = performance.now() - startedMs;
      const isReplaced = !isAlive(victim);
      await sleep(3000);
      kill(victim, "SIGCONT");
      const tally = await load.stop();
      const slowest = percentile(tally.latenciesMs, 1);
      return {
        met: isReplaced && replacedMs <= 7000 && failed(tally) === 0 && slowest <= 2000,
        text: `${isReplaced ? `replaced after ${ms(replacedMs)}` : "not replaced in 12 s"}, ${told(tally)}, slowest ${ms(slowest)}; ${tally.forgiven} more had begun before it stopped`,
      };
    },
  },
  {
    name: "kill-primary",
    title: "kill -9 of the main process, started again 0.1 s after it ended",
    bar: "serving again within 2 s, nothing left of the old one, no corrupt state",
    async run({ instance }) {
      const load = traffic(instance);
      await sleep(2000);
      const old = instance.alive();
      instance.supervise();
      kill(instance.pid(), "SIGKILL");
      const startedMs = performance.now();
      await instance.exited();
      let servedMs = 0;
      let cpu = 0;
      // Served by the new one: it is there, and connections succeed.
      for (;;) {
        await sleep(50);
        servedMs = performance.now() - startedMs;
        cpu = cpuSeconds(readTree(instance.pid()));
        if (instance.product.serving(instance).length > 0 && (await accepts(instance.place.port))) break;
        if (servedMs > 30_000) break;
      }
      await sleep(14_000);
      const left = old.filter(isAlive).length;
      const tally = await load.stop();
      return {
        met: servedMs <= 2000 && left === 0,
        text: `new one serves after ${servedMs > 30_000 ? "never (30 s)" : ms(servedMs)} (${cpu.toFixed(1)} s of CPU in all its processes), ${told(tally)}, ${left} old processes left after 14 s`,
      };
    },
  },
  {
    name: "graceful-stop",
    title: "the signal for a graceful stop, under load of clients that obey",
    bar: "0 failed, gone within its grace period",
    async run({ instance }) {
      const load = startTraffic({ ...usual, webSockets: 0, eventStreams: 0, port: instance.place.port });
      await sleep(3000);
      load.leave();
      // What was begun when the balancer was told.
      await sleep(100);
      instance.signal(instance.product.gracefulSignal);
      const startedMs = performance.now();
      const code = await Promise.race([instance.exited(), sleep(30_000, "still there after 30 s")]);
      const tookMs = performance.now() - startedMs;
      const tally = await load.stop();
      return {
        met: failed(tally) === 0 && tookMs <= 12_000,
        text: `${told(tally)}, ended with ${code} after ${ms(tookMs)}`,
      };
    },
  },
  {
    name: "upgrade",
    title: "replaced by a new process of itself, 5 times, under load",
    bar: "0 failed, no connection refused or reset",
    without: (product) => (product.upgrade === undefined ? "has no hand-over to a new process" : undefined),
    prefix: ({ upgradePrefix = [] }) => upgradePrefix,
    async run({ instance, scale }) {
      const load = startTraffic({ ...usual, webSockets: 0, eventStreams: 0, port: instance.place.port });
      const count = Math.max(1, Math.round(5 * scale));
      let tally: Tally;
      try {
        for (let done = 0; done < count; done++) {
          await sleep(2000);
          await instance.product.upgrade!(instance);
        }
        await sleep(2000);
      } finally {
        // One that fails must not leave its load beside the rows that follow.
        tally = await load.stop();
      }
      return {
        met: failed(tally) === 0,
        text: `${count} upgrades: ${told(tally)}, ${tally.keptClosed} kept closed`,
      };
    },
  },
  ...reloads,
  ...overload,
];

function traffic({ place }: Instance): Traffic {
  return startTraffic({ ...usual, port: place.port });
}

function failed({ refused, reset, wrong, silent }: Tally): number {
  return refused + reset + wrong + silent;
}

function told(tally: Tally): string {
  const kinds = (["refused", "reset", "wrong", "silent"] as const).flatMap((kind) =>
    tally[kind] > 0 ? [`${tally[kind]} ${kind}`] : [],
  );
  return `${failed(tally)} of ${tally.sent} failed${kinds.length > 0 ? ` (${kinds.join(", ")})` : ""}`;
}

function oneProcess(product: Product): string | undefined {
  return product.name === "caddy" ? "is one process" : undefined;
}

/** Milliseconds until ten connections in a row are accepted. */
async function untilServed({ place }: Instance): Promise<number> {
  const startedMs = performance.now();
  for (let row = 0; row < 10 && performance.now() - startedMs < 20_000; ) {
    row = (await accepts(place.port)) ? row + 1 : 0;
    await sleep(5);
  }
  return performance.now() - startedMs;
}

function ms(value: number): string {
  return value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
}
