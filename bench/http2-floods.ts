import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Gateway, startGateway } from "../test/support/gateway.ts";
import { type Flood, floods, openingOf, runFlood } from "../test/support/h2-floods.ts";
import { type FrameClient, get, openFrames, request } from "../test/support/h2-frames.ts";
import { startOrigin } from "../test/support/origin.ts";
import { systemConfig } from "../test/system/config.ts";

/**
 * What each HTTP/2 flood costs a gateway of one worker, and what other clients notice: milliseconds until its
 * connection is closed, CPU time of the worker, requests that reached the origin, memory that the worker holds a second
 * later, and the p99 of a client that asks on other connections, at rest and while the flood comes ten times a second,
 * each time on a new connection: medians of windows in turn. `node bench/http2-floods.ts`. The attacker is a process of
 * its own.
 */
const WINDOW_MS = 1000;
const PAIRS = 3;
const BETWEEN_FLOODS_MS = 100;
const DEADLINE_MS = 8000;

if (process.argv[2] === "attack") await attack(Number(process.argv[3]), floods[Number(process.argv[4])]!);
else await measureAll();

/** Floods until it is ended. */
async function attack(port: number, flood: Flood): Promise<void> {
  for (;;) {
    await sleep(BETWEEN_FLOODS_MS);
    const client = await openFrames(port, { opening: openingOf(flood) }).catch(() => undefined);
    if (client === undefined) continue;
    await runFlood(client, flood, DEADLINE_MS);
    client.end();
  }
}

async function measureAll(): Promise<void> {
  const endings: (() => unknown)[] = [];
  const origin = await startOrigin();
  const gateway = await startGateway(
    { after: (end) => void endings.push(end as () => unknown) },
    systemConfig(origin.port).replace("workers = 2", "workers = 1"),
    { tls: true },
  );
  const worker = gateway.workers()[0]!;
  // Warm: code is compiled, pools are full.
  for (const flood of floods) await once(gateway, flood);
  await witness(gateway.tlsPort);
  console.log("flood | closed ms | CPU ms | at origin | MiB after | p99 at rest ms | p99 in floods ms");
  for (const [at, flood] of floods.entries()) {
    await sleep(300);
    origin.forget();
    const cpuBefore = cpuMs(worker);
    const rssBefore = gateway.rss(worker);
    const tookMs = await once(gateway, flood);
    const cpu = cpuMs(worker) - cpuBefore;
    const reached = origin.requests.length;
    await sleep(1000);
    const grown = (gateway.rss(worker) - rssBefore) / 2 ** 20;
    const atRest: number[] = [];
    const inFlood: number[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      atRest.push(await witness(gateway.tlsPort));
      const attacker = fork(import.meta.filename, ["attack", String(gateway.tlsPort), String(at)]);
      await sleep(500);
      inFlood.push(await witness(gateway.tlsPort));
      attacker.kill("SIGKILL");
    }
    console.log(
      [
        `${flood.id} ${flood.title}`,
        tookMs === undefined ? "open" : tookMs.toFixed(0),
        cpu,
        reached,
        grown.toFixed(1),
        middle(atRest).toFixed(1),
        middle(inFlood).toFixed(1),
      ].join(" | "),
    );
  }
  for (const end of endings) await end();
  await origin.close();
}

async function once(gateway: Gateway, flood: Flood): Promise<number | undefined> {
  const client = await openFrames(gateway.tlsPort, { opening: openingOf(flood) });
  const tookMs = await runFlood(client, flood, DEADLINE_MS);
  client.end();
  return tookMs;
}

/** The p99 of requests one after the other, on connections of 200 requests each. */
async function witness(port: number): Promise<number> {
  const took: number[] = [];
  const untilMs = performance.now() + WINDOW_MS;
  let client: FrameClient | undefined;
  for (let stream = 1; performance.now() < untilMs; stream += 2) {
    if (client === undefined || stream > 400) {
      client?.end();
      client = await openFrames(port);
      stream = 1;
    }
    const start = performance.now();
    client.send(request(stream, get("/x")));
    await client.wait(({ type, stream: id }) => id === stream && type === 1);
    took.push(performance.now() - start);
  }
  client?.end();
  took.sort((a, b) => a - b);
  return took[Math.floor(took.length * 0.99)]!;
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

/** User and system time of one process; clock ticks are 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
