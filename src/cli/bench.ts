import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { primaryEnvironment, primaryFlags } from "../control/flags.ts";
import { startUpstream } from "./demo.ts";
import { exitCodes } from "./exit-code.ts";
import { generateLoad, percentile } from "./load-generator.ts";
import type { Output } from "./output.ts";
import { packageVersion } from "./version.ts";

export interface BenchOptions {
  /** Requests per second in each row. */
  readonly rate: number;
  /** Of each row. */
  readonly durationSecs: number;
  readonly connections: number;
  readonly format: "human" | "json";
}

export interface BenchRow {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** CPU time of the worker for one request; undefined where /proc is missing. */
  readonly cpuUs: number | undefined;
}

/** The rows: what comes, and to which route. */
const scenarios: readonly {
  readonly name: string;
  readonly route: "plain" | "waf";
  readonly target: string;
  readonly body: string;
}[] = [
  { name: "GET", route: "plain", target: getTarget(), body: "" },
  { name: "GET, WAF", route: "waf", target: getTarget(), body: "" },
  { name: "POST 1 kB JSON", route: "plain", target: "/upload", body: jsonBody() },
  { name: "POST 1 kB JSON, WAF", route: "waf", target: "/upload", body: jsonBody() },
];

/**
 * `zion bench`: a gateway with one worker and an application of our own on loopback, under a fixed rate of requests.
 * Load, application and gateway share this machine: figures are for comparing with others made here. Resolves with the
 * exit code; 1 = requests failed.
 */
export async function benchCommand(options: BenchOptions, output: Output): Promise<number> {
  const upstream = await startUpstream();
  let gateway: Gateway | undefined;
  const rows: BenchRow[] = [];
  try {
    gateway = await startGateway(upstream.port);
    for (const scenario of scenarios) {
      // Code is compiled when it has run for a while, in the gateway and here.
      await run(scenario, gateway, { ...options, durationSecs: 1 });
      rows.push(await run(scenario, gateway, options));
      if (output.err.color) output.err.write(`${scenario.name}: done\n`);
    }
  } catch (error) {
    output.err.write(`zion: ${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodes.unavailable;
  } finally {
    gateway?.stop();
    upstream.stop();
  }
  output.out.write(options.format === "json" ? json(rows, options) : human(rows, options));
  return rows.every(({ failed }) => failed === 0) ? exitCodes.ok : exitCodes.no;
}

async function run(
  { name, route, target, body }: (typeof scenarios)[number],
  gateway: Gateway,
  { rate, durationSecs, connections }: BenchOptions,
): Promise<BenchRow> {
  const head = `${body === "" ? "GET" : "POST"} ${target} HTTP/1.1\r\nHost: ${route}.test\r\n${fields}`;
  const bodyFields = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  const request = Buffer.from(`${head}${body === "" ? "" : bodyFields}\r\n${body}`, "latin1");
  const cpuBefore = gateway.workerCpuUs();
  const plan = { port: gateway.port, request, rate, durationMs: durationSecs * 1000, connections };
  const { latenciesMs, failed } = await generateLoad(plan);
  const cpuAfter = gateway.workerCpuUs();
  return {
    name,
    requests: latenciesMs.length + failed,
    failed,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    p999Ms: percentile(latenciesMs, 0.999),
    maxMs: percentile(latenciesMs, 1),
    cpuUs:
      cpuBefore === undefined || cpuAfter === undefined
        ? undefined
        : (cpuAfter - cpuBefore) / Math.max(1, latenciesMs.length),
  };
}

/** What browsers send. */
const fields = `User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r
Accept-Language: en-GB,en;q=0.5\r
Accept-Encoding: gzip, deflate, br\r
Referer: https://shop.example.org/catalogue\r
Cookie: session=b7f1c2d8a9e04f65; theme=dark\r
`;

function getTarget(): string {
  return "/api/hello?page=2&sort=price&q=blue%20shoes";
}

function jsonBody(): string {
  const item = (i: number) => ({ id: 1000 + i, title: `A chair of oak, number ${i}`, in_stock: i % 2 === 0 });
  return JSON.stringify({ note: "delivered in time", items: Array.from({ length: 16 }, (_, i) => item(i)) });
}

interface Gateway {
  readonly port: number;
  /** User and system time so far; undefined where /proc is missing. */
  workerCpuUs(): number | undefined;
  stop(): void;
}

/** In a process of its own, as it is run; its configuration comes by standard input. */
async function startGateway(upstreamPort: number): Promise<Gateway> {
  const main = fileURLToPath(import.meta.url).replace(/cli\/bench\.(ts|js)$/, "main.$1");
  const child = spawn(process.execPath, [...primaryFlags("run"), main, "run", "-c", "-"], {
    stdio: ["pipe", "ignore", "pipe"],
    env: primaryEnvironment(process.env),
  });
  child.stdin.end(configText(upstreamPort));
  const port = await portOf(child);
  return {
    port,
    workerCpuUs: () => cpuUsOf(child.pid!),
    stop: () => void child.kill("SIGTERM"),
  };
}

function configText(upstreamPort: number): string {
  const route = (name: string, more: string): string =>
    `[[route]]\nname = "${name}"\nhosts = ["${name}.test"]\npath = "/{*rest}"\nupstream = "app"\n${more}\n`;
  return `[server]
listen_http = "127.0.0.1:0"
http_mode = "serve"
workers = 1
keepalive_requests = 1000000000
shutdown_delay_ms = 0
[upstream.app]
url = "http://127.0.0.1:${upstreamPort}"
${route("plain", "waf = false")}${route("waf", "")}[access_log]
enabled = false
[telemetry]
listen = "off"
[admin]
listen = "off"
`;
}

/** The port of the line that says that it serves. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    createInterface({ input: child.stderr! }).on("line", (line) => {
      said.push(line);
      if (!line.includes('"zion.started"')) return;
      const { listeners } = JSON.parse(line) as { listeners: readonly { port: number }[] };
      resolve(listeners[0]!.port);
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`the gateway ended with ${code}: ${said.join("\n").slice(-500)}`)),
    );
  });
}

/** Of the one worker: the child that is not the primary's own. Clock ticks are 10 ms on every Linux. */
function cpuUsOf(primary: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${primary}/task/${primary}/children`, "utf8").trim().split(" ");
    const worker = children.find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("worker-process"),
    );
    if (worker === undefined) return undefined;
    const fields = readFileSync(`/proc/${worker}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return undefined;
  }
}

function about({ rate, durationSecs, connections }: BenchOptions): string {
  return `zion ${packageVersion()}  node ${process.version}  ${process.platform}/${process.arch}  ${availableParallelism()} CPUs (${cpus()[0]?.model ?? "unknown"})
one worker, ${rate} requests/s for ${durationSecs} s over ${connections} connections, load and application on the same machine
latency from when a request was due, ms
`;
}

function human(rows: readonly BenchRow[], options: BenchOptions): string {
  const cells = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(22) : cell.padStart(9))).join("");
  const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 0);
  const lines = rows.map((row) =>
    cells([
      row.name,
      String(row.requests),
      String(row.failed),
      ...[row.p50Ms, row.p99Ms, row.p999Ms, row.maxMs].map(ms),
      row.cpuUs === undefined ? "-" : row.cpuUs.toFixed(0),
    ]),
  );
  const head = cells(["", "requests", "failed", "p50", "p99", "p99.9", "max", "CPU us"]);
  return `${about(options)}\n${[head, ...lines].join("\n")}\n`;
}

function json(rows: readonly BenchRow[], { rate, durationSecs, connections }: BenchOptions): string {
  const result = {
    format_version: "1.0",
    version: packageVersion(),
    node: process.version,
    rate,
    duration_secs: durationSecs,
    connections,
    rows,
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}
