import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Gateway, startGateway } from "../test/support/gateway.ts";
import { startOrigin } from "../test/support/origin.ts";
import { percentile } from "./fault/traffic.ts";

/**
 * What clean requests notice of 5,000 refusals a second that are put on record: p99 of a client that asks one after the
 * other, beside an attacker in a process of its own, with the audit log off and on, in windows in turn. The refusals come
 * from many addresses (`X-Forwarded-For`), or the flood limit would make a few aggregates of them.
 * `node bench/audit-refusals.ts`: 20 seconds, and what the gateways take to start.
 */
const REFUSALS_PER_SEC = 5000;
const CONNECTIONS = 20;
const TICK_MS = (1000 * CONNECTIONS) / REFUSALS_PER_SEC;
const WINDOW_MS = 2000;
const PAIRS = 3;
/** Client networks: so many, and so few refusals of each, that the flood limit lets each have a record of its own. */
const PREFIXES = 4000;

if (process.argv[2] === "attack") attack(Number(process.argv[3]));
else await measure();

/** Sends at its rate until it is ended, whatever the answers, and tells how many were refused when asked. */
function attack(port: number): void {
  let refused = 0;
  let sent = 0;
  const sockets = Array.from({ length: CONNECTIONS }, open);
  function open(): net.Socket {
    const socket = net.connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    socket.on("data", (bytes) => {
      refused += bytes.latin1Slice().split("HTTP/1.1 400 ").length - 1;
    });
    socket.on("error", () => {});
    // The gateway ends a connection after its number of requests.
    socket.on("close", () => {
      sockets[sockets.indexOf(socket)] = open();
    });
    return socket;
  }
  const startMs = performance.now();
  // By the clock and not by the tick: timers are late on a busy machine.
  setInterval(() => {
    const due = ((performance.now() - startMs) / 1000) * REFUSALS_PER_SEC;
    for (; sent < due; sent++) {
      const prefix = sent % PREFIXES;
      const address = `10.${prefix >> 8}.${prefix & 255}.1`;
      sockets[sent % CONNECTIONS]!.write(
        `GET /?q=%27%20OR%201%3D1-- HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: ${address}\r\n\r\n`,
      );
    }
  }, TICK_MS);
  process.on("message", () => process.send!(refused));
}

async function measure(): Promise<void> {
  const endings: (() => unknown)[] = [];
  const after = { after: (end: unknown) => void endings.push(end as () => unknown) };
  const folder = mkdtempSync(join(tmpdir(), "zion-bench-"));
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, Buffer.alloc(32, 5), { mode: 0o600 });
  const origin = await startOrigin();
  const audit = `[audit]\nenabled = true\npath = "${folder}/log"\nkey_file = "${keyFile}"\n`;
  const gateways = {
    off: await startGateway(after, configOf(origin.port, "")),
    on: await startGateway(after, configOf(origin.port, audit)),
  };
  const figures = { off: emptyFigures(), on: emptyFigures() };
  for (const name of ["off", "on"] as const) await window(gateways[name], 1500);
  for (let pair = 0; pair < PAIRS; pair++) {
    for (const name of ["off", "on"] as const) {
      const { took, refusedPerSec } = await window(gateways[name], WINDOW_MS);
      figures[name].p50.push(percentile(took, 0.5));
      figures[name].p99.push(percentile(took, 0.99));
      figures[name].rates.push(refusedPerSec);
    }
  }
  console.log("audit | p50 ms | p99 ms | p99 of each window | refusals/s");
  for (const name of ["off", "on"] as const) {
    const { p50, p99, rates } = figures[name];
    const windows = p99.map((ms) => ms.toFixed(1)).join(" ");
    const cells = [name, middle(p50).toFixed(2), middle(p99).toFixed(2), windows, middle(rates).toFixed(0)];
    console.log(cells.join(" | "));
  }
  // What was not recorded costs nothing: the figures need these beside them.
  const answer = await fetch(`http://127.0.0.1:${gateways.on.telemetryPort}/metrics`);
  for (const line of (await answer.text()).split("\n"))
    if (/^zion_audit_(events_dropped_total|events_total)/.test(line)) console.log(line);
  for (const end of endings) await end();
  await origin.close();
  rmSync(folder, { recursive: true, force: true });
}

function configOf(originPort: number, audit: string): string {
  return `[server]
workers = 1
shutdown_delay_ms = 0
trusted_proxies = ["127.0.0.1"]
${audit}
[upstream.app]
url = "http://127.0.0.1:${originPort}"
[[route]]
path = "/{*rest}"
upstream = "app"
`;
}

function emptyFigures(): { readonly p50: number[]; readonly p99: number[]; readonly rates: number[] } {
  return { p50: [], p99: [], rates: [] };
}

/** Latencies of clean requests on one connection, and how fast was refused meanwhile. */
async function window(
  { port }: Gateway,
  ms: number,
): Promise<{ readonly took: readonly number[]; readonly refusedPerSec: number }> {
  const attacker = fork(import.meta.filename, ["attack", String(port)]);
  const refused = async (): Promise<number> => {
    attacker.send("count");
    const [count] = await once(attacker, "message");
    return count as number;
  };
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  await refused();
  await sleep(200);
  const before = await refused();
  const startMs = performance.now();
  const took: number[] = [];
  while (performance.now() - startMs < ms) {
    const askedMs = performance.now();
    await ask(port, agent);
    took.push(performance.now() - askedMs);
  }
  const elapsedMs = performance.now() - startMs;
  const refusedPerSec = (((await refused()) - before) / elapsedMs) * 1000;
  attacker.kill("SIGKILL");
  agent.destroy();
  return { took, refusedPerSec };
}

function ask(port: number, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.get({ port, path: "/x?page=2", agent }, (answer) => {
      answer.resume();
      if (answer.statusCode !== 200) reject(new Error(`a clean request was answered ${answer.statusCode}`));
      answer.on("end", resolve);
    });
    request.on("error", reject);
  });
}

function middle(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[sorted.length >> 1]! + sorted[(sorted.length - 1) >> 1]!) / 2;
}
