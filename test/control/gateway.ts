import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { assertNoCanary, assertNoCanaryBelow } from "../support/canary.ts";
import { newDirectory } from "../support/directory.ts";
import { atProcessEnd } from "../support/process-end.ts";

export const launcher = fileURLToPath(new URL("../../bin/zion.js", import.meta.url));

/** A gateway as operators run it: the launcher, a primary and its workers. */
export interface Gateway {
  /** Process id of the primary. */
  readonly pid: number;
  readonly port: number;
  readonly httpsPort: number;
  readonly telemetryPort: number;
  readonly adminPort: number;
  readonly directory: string;
  /** Process ids of the workers, oldest first. */
  workers(): readonly number[];
  /** Lines of the application log so far. */
  log(): readonly LogLine[];
  /** Resolves with the first line that fits, now or later. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** A request on a connection of its own. */
  get(path: string, port?: number): Promise<Answer>;
  /** Replaces the configuration file. */
  write(toml: string): void;
  signal(signal: NodeJS.Signals): void;
  /** Exit code or signal. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  /** What was printed to standard error so far. */
  stderr(): string;
}

export type LogLine = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
}

export interface GatewayOptions {
  readonly toml: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Further files in the gateway's directory, which `DIRECTORY` stands for in the configuration. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** A command that runs another one, in a control group say. */
  readonly prefix?: readonly string[];
  /** Which Node runs it; absent = the one that runs the test. */
  readonly node?: string;
  /** False: resolves without waiting until it serves. */
  readonly expectServing?: boolean;
}

/** Starts a gateway; it and its workers are gone when the test is over. */
export async function startGateway(t: TestContext, options: GatewayOptions): Promise<Gateway> {
  const directory = newDirectory("test");
  const file = join(directory, "zion.toml");
  writeFileSync(file, options.toml.replaceAll("DIRECTORY", directory));
  for (const [name, contents] of Object.entries(options.files ?? {})) {
    writeFileSync(join(directory, name), contents, { mode: 0o600 });
  }
  const command = [...(options.prefix ?? []), options.node ?? process.execPath, launcher, "run", "-c", file];
  const child = spawn(command[0]!, command.slice(1), {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...options.environment },
  });
  atProcessEnd(() => void child.kill("SIGKILL"));
  const pid = child.pid!;
  const known = new Set<number>();
  const workers = () => {
    const found = workersOf(pid);
    for (const worker of found) known.add(worker);
    return found;
  };
  const output = collect(child);
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on("exit", (code, signal) => resolve(signal ?? code));
  });
  t.after(async () => {
    workers();
    for (const process of [pid, ...known]) kill(process, "SIGKILL");
    await exited;
    assertNoCanary(output.text(), "standard error");
    assertNoCanaryBelow(directory, ["zion.toml", ...Object.keys(options.files ?? {})]);
  });

  const started =
    options.expectServing === false
      ? undefined
      : await Promise.race([
          output.logged((line) => line["event.name"] === "zion.started"),
          exited.then((code) => {
            throw new Error(`the gateway ended with ${code}: ${output.text()}`);
          }),
        ]);
  workers();
  const portOf = (group: "listeners" | "control", name: string) =>
    (started?.[group] as readonly { name: string; port: number }[] | undefined)?.find(
      (one) => one.name === name,
    )?.port ?? 0;
  const port = portOf("listeners", "http");
  return {
    pid,
    port,
    httpsPort: portOf("listeners", "https"),
    telemetryPort: portOf("control", "telemetry"),
    adminPort: portOf("control", "admin"),
    directory,
    workers,
    log: output.lines,
    logged: output.logged,
    get: (path, at = port) => request(at, path),
    write: (toml) => writeFileSync(file, toml.replaceAll("DIRECTORY", directory)),
    signal: (signal) => void process.kill(pid, signal),
    exited,
    stderr: output.text,
  };
}

/** An upstream whose `/wait` answers are given when the test says so. */
export interface Upstream {
  readonly port: number;
  /** Requests for `/wait` that are held. */
  readonly held: () => number;
  release(): void;
}

export async function startUpstream(t: TestContext): Promise<Upstream> {
  const held: http.ServerResponse[] = [];
  const server = http.createServer((request, response) => {
    if (request.url === "/wait") held.push(response);
    else response.end("hello");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    held: () => held.length,
    release: () => {
      for (const response of held.splice(0)) response.end("waited");
    },
  };
}

/** A small configuration; `more` is added to [server]. It stops at once, as no balancer has to hear of it first. */
export function config(upstreamPort: number, more: readonly string[] = [], tables = ""): string {
  const delay = more.some((line) => line.startsWith("shutdown_delay_ms")) ? "" : "shutdown_delay_ms = 0";
  return `[server]
listen_http = "127.0.0.1:0"
http_mode = "serve"
${delay}
${more.join("\n")}

[access_log]
enabled = false

[telemetry]
listen = "127.0.0.1:0"

[admin]
listen = "127.0.0.1:0"
${tables}

[upstream.app]
url = "http://127.0.0.1:${upstreamPort}"

[[route]]
path = "/{*rest}"
upstream = "app"
`;
}

export function request(port: number, path: string, options: http.RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, path, agent: false, ...options }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part) => {
        body += part;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode!, body, headers: response.headers }));
    });
    request.on("error", reject);
    request.end();
  });
}

/**
 * Resolves when `/metrics` has a line for each of these. Never asked once only after an act: what it says of a worker that
 * does not answer soon is what that one said before.
 */
export function untilMetrics(telemetryPort: number, ...lines: readonly RegExp[]): Promise<void> {
  return until(`/metrics with ${lines.join(" ")}`, async () => {
    const { body } = await request(telemetryPort, "/metrics");
    return lines.every((line) => line.test(body));
  });
}

/** Resolves when `fits` holds; asks again every few milliseconds, gives up after a minute, as a machine may be very busy. */
export async function until(what: string, fits: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await fits())) {
    if (performance.now() > deadlineMs) throw new Error(`not in 60 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Process ids of the workers of a primary; it has a guard beside them. */
export function workersOf(pid: number): readonly number[] {
  return childrenOf(pid).filter((child) => {
    try {
      return readFileSync(`/proc/${child}/cmdline`, "utf8").includes("worker-process");
    } catch {
      return false;
    }
  });
}

export function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  } catch {
    return [];
  }
}

/** Running, and not a zombie that nobody has waited for. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

interface Output {
  text(): string;
  lines(): readonly LogLine[];
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
}

function collect(child: ChildProcess): Output {
  let text = "";
  const waiting = new Set<() => void>();
  child.stderr!.setEncoding("utf8").on("data", (part) => {
    text += part;
    for (const look of waiting) look();
  });
  const lines = () =>
    text
      .split("\n")
      .slice(0, -1)
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as LogLine);
  const logged = (fits: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const look = () => {
        const found = lines().find(fits);
        if (found === undefined) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`not logged in 90 s; the log says:\n${text}`));
      }, 90_000);
      waiting.add(look);
      look();
    });
  return { text: () => text, lines, logged };
}
