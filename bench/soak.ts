import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { loadavg } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Gateway, startGateway } from "../test/support/gateway.ts";
import { sendRandom } from "../test/support/random-traffic.ts";
import { connect } from "../test/support/raw-client.ts";
import { handshake, masked, switching } from "../test/support/websocket.ts";
import { spread } from "./load/statistics.ts";

/**
 * What grows while a gateway serves: series of /metrics, resident memory and open files of every process, under mixed
 * traffic with reloads, rotations of the log and a worker killed now and then. `node bench/soak.ts --minutes 10` prints a
 * table; `--save` writes results/soak.md. Exit code 1: series or open files grew after the first quarter.
 */
const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, save: { type: "boolean" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error("--minutes takes 1 to 1440");
const SAMPLE_MS = 10_000;

interface Sample {
  readonly secs: number;
  readonly series: ReadonlySet<string>;
  readonly rssMb: Readonly<Record<string, number>>;
  readonly files: Readonly<Record<string, number>>;
  readonly load: number;
}

const endings: (() => unknown)[] = [];
const context = { after: (end: unknown) => void endings.push(end as () => unknown) };
const counts = {
  random: 0,
  kept: 0,
  http2: 0,
  webSockets: 0,
  left: 0,
  reloads: 0,
  rotations: 0,
  killed: 0,
  failed: 0,
};
let isOver = false;
process.exitCode = await soak();

async function soak(): Promise<number> {
  const origin = await startOrigin();
  const gateway = await startGateway(context, configOf(origin.port), { tls: true });
  const samples: Sample[] = [];
  const startMs = performance.now();
  const traffic = [random, kept, overHttp2, webSockets, leaving, operators].map((part) => part(gateway));
  while (performance.now() - startMs < minutes * 60_000) {
    await sleep(Math.min(SAMPLE_MS, minutes * 15_000));
    samples.push(await look(gateway, (performance.now() - startMs) / 1000));
  }
  isOver = true;
  await Promise.all(traffic);
  for (const end of endings.reverse()) await end();
  origin.close();
  const { text, hasGrown } = report(samples);
  console.log(text);
  if (values.save === true) writeFileSync(path.join(import.meta.dirname, "results/soak.md"), text);
  return hasGrown ? 1 : 0;
}

// --- traffic: each part goes on until it is over, one step after the other, a few hundred requests a second in all

async function until(step: () => Promise<unknown>, pauseMs: number): Promise<void> {
  while (!isOver) {
    try {
      await step();
    } catch {
      counts.failed++;
    }
    await sleep(pauseMs);
  }
}

async function random({ port }: Gateway): Promise<void> {
  await until(async () => void (counts.random += (await sendRandom(port, 40)).sent), 200);
}

async function kept({ port }: Gateway): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const body = JSON.stringify({
    items: Array.from({ length: 40 }, (_, i) => ({ id: i, name: `item ${i}` })),
  });
  await until(async () => {
    await Promise.all(Array.from({ length: 8 }, () => ask(port, agent, body)));
    counts.kept += 8;
  }, 50);
  agent.destroy();
}

function ask(port: number, agent: http.Agent, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const request = http.request({
      host: "127.0.0.1",
      port,
      agent,
      method: "POST",
      path: "/shop/cart",
      headers,
    });
    request.on("response", (answer) => answer.resume().on("end", resolve).on("error", reject));
    request.on("error", reject);
    request.end(body);
  });
}

async function overHttp2({ tlsPort }: Gateway): Promise<void> {
  await until(async () => {
    const session = http2.connect(`https://localhost:${tlsPort}`, { rejectUnauthorized: false });
    session.on("error", () => {});
    const asked = Array.from({ length: 10 }, async (_, i) => {
      const stream = session.request({ ":path": `/h2/${i}?page=${i}` });
      // One in ten is given up.
      if (i === 9) stream.close(http2.constants.NGHTTP2_CANCEL);
      for await (const _part of stream);
    });
    await Promise.allSettled(asked);
    session.destroy();
    counts.http2 += asked.length;
  }, 300);
}

async function webSockets({ port }: Gateway): Promise<void> {
  await until(async () => {
    const client = await connect(port);
    client.send(handshake().replace("/chat", "/socket/x"));
    await client.answer();
    client.send(masked(1, "hello"));
    await sleep(50);
    client.reset();
    counts.webSockets++;
  }, 200);
}

/** Clients that leave inside a head, a body or an answer. */
async function leaving({ port }: Gateway): Promise<void> {
  const starts = [
    "GET /x HTTP/1.1\r\nHos",
    "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99999\r\n\r\nhalf",
    "GET /large HTTP/1.1\r\nHost: a.test\r\n\r\n",
  ];
  await until(async () => {
    const client = await connect(port);
    client.send(starts[counts.left++ % starts.length]!);
    await sleep(20);
    client.reset();
  }, 100);
}

async function operators(gateway: Gateway): Promise<void> {
  let turn = 0;
  await until(async () => {
    for (let i = 0; i < 20 && !isOver; i++) await sleep(1000);
    turn++;
    gateway.signal("SIGHUP");
    counts.reloads++;
    gateway.signal("SIGUSR2");
    counts.rotations++;
    const [worker] = gateway.workers();
    if (turn % 6 !== 3 || worker === undefined) return;
    process.kill(worker, "SIGKILL");
    counts.killed++;
  }, 0);
}

// --- figures

async function look(gateway: Gateway, secs: number): Promise<Sample> {
  const page = await (await fetch(`http://127.0.0.1:${gateway.telemetryPort}/metrics`)).text();
  const rssMb: Record<string, number> = {};
  const files: Record<string, number> = {};
  for (const pid of treeOf(gateway.pid)) {
    try {
      const role = roleOf(pid, gateway.pid);
      rssMb[role] = (rssMb[role] ?? 0) + gateway.rss(pid) / 1_048_576;
      files[role] = (files[role] ?? 0) + readdirSync(`/proc/${pid}/fd`).length;
    } catch {
      // It has just ended.
    }
  }
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const series = new Set(lines.map((line) => line.slice(0, line.lastIndexOf(" "))));
  return { secs, series, rssMb, files, load: loadavg()[0]! };
}

function treeOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    return [pid, ...children.flatMap((child) => treeOf(Number(child)))];
  } catch {
    return [];
  }
}

/** Workers are added up; others are named by their program. */
function roleOf(pid: number, primary: number): string {
  if (pid === primary) return "primary";
  const program = readFileSync(`/proc/${pid}/cmdline`, "utf8")
    .split("\0")
    .find((word) => /\.[jt]s$/.test(word));
  if (program === undefined) return "guard";
  const name = path.basename(program).replace(/\.[jt]s$/, "");
  return name === "worker-process" ? "workers" : name;
}

function report(samples: readonly Sample[]): { readonly text: string; readonly hasGrown: boolean } {
  const settled = samples.slice(Math.floor(samples.length / 4));
  const half = Math.floor(settled.length / 2);
  const roles = [...new Set(samples.flatMap(({ rssMb }) => Object.keys(rssMb)))];
  const halves = (of: (sample: Sample) => number | undefined) =>
    [settled.slice(0, half), settled.slice(half)].map((part) =>
      medianOf(part.flatMap((one) => of(one) ?? [])),
    );
  const rows = roles.flatMap((role) => [
    { what: `RSS of ${role}, MB`, values: halves(({ rssMb }) => rssMb[role]) },
    { what: `open files of ${role}`, values: halves(({ files }) => files[role]) },
  ]);
  const series = halves((sample) => sample.series.size);
  const known = settled[0]!.series;
  const added = [...samples.at(-1)!.series].filter((one) => !known.has(one));
  const filesGrew = rows.some(({ what, values: [a, b] }) => what.startsWith("open") && b! > a! * 1.2 + 10);
  const every = Math.max(1, Math.floor(samples.length / 20));
  const lines = [
    "# Soak",
    "",
    `\`node bench/soak.ts --minutes ${minutes} --save\`, ${new Date().toISOString()}, load ${medianOf(samples.map(({ load }) => load)).toFixed(1)} (median of its samples) by this and others. Sent: ${Object.entries(
      counts,
    )
      .map(([name, count]) => `${name} ${count}`)
      .join(", ")}. \`failed\` are steps of the client that met a worker that was killed.`,
    "",
    "Medians of the two halves after the first quarter: what leaks is larger in the later one.",
    "",
    "| | earlier | later |",
    "| --- | --- | --- |",
    `| series in /metrics | ${series.join(" | ")} |`,
    ...rows.map(({ what, values: [a, b] }) => `| ${what} | ${a!.toFixed(0)} | ${b!.toFixed(0)} |`),
    "",
    `Series at the end that were not there after the first quarter, ${added.length}: ${added
      .slice(0, 30)
      .map((one) => `\`${one}\``)
      .join(
        ", ",
      )}. What happens for the first time has one, of a closed list; nothing in them may come from a client.`,
    "",
    `| secs | series | ${roles.map((role) => `${role} MB / files`).join(" | ")} |`,
    `| --- | --- |${roles.map(() => " --- |").join("")}`,
    ...samples
      .filter((_, i) => i % every === 0)
      .map(
        ({ secs, series: { size }, rssMb, files }) =>
          `| ${secs.toFixed(0)} | ${size} | ${roles.map((role) => `${(rssMb[role] ?? 0).toFixed(0)} / ${files[role] ?? 0}`).join(" | ")} |`,
      ),
    "",
  ];
  return { text: lines.join("\n"), hasGrown: series[1]! > series[0]! * 1.05 || filesGrew };
}

function medianOf(values: readonly number[]): number {
  return spread(values)?.median ?? 0;
}

function configOf(originPort: number): string {
  const route = (target: string, more = ""): string =>
    `[[route]]\npath = "${target}"\nupstream = "app"\n${more}\n`;
  return `[server]
workers = 2
shutdown_delay_ms = 0
max_connections_per_ip = 0
http_mode = "serve"
[limit.each]
key = ["header:x-request-id"]
rate = 5
window_secs = 60
max_keys = 10000
[upstream.app]
url = "http://127.0.0.1:${originPort}"
${route("/{*rest}", 'limits = ["each"]')}${route("/socket/{*rest}", 'mode = "websocket"')}`;
}

async function startOrigin(): Promise<{ readonly port: number; close(): void }> {
  const large = Buffer.alloc(2_000_000, "x");
  const server = http.createServer((request, response) => {
    request.resume();
    response.end(request.url === "/large" ? large : "hello");
  });
  server.on("upgrade", (request, socket) => {
    socket.on("error", () => {});
    const fields = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
    socket.write(switching({ fields }));
    socket.resume();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
