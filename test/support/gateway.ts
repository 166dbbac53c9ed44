import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { assertNoCanary, assertNoCanaryBelow } from "./canary.ts";
import { newDirectory } from "./directory.ts";
import { freePort } from "./free-port.ts";
import { atProcessEnd } from "./process-end.ts";

/** A gateway as real processes, started through bin/zion.js. */
export interface Gateway {
  readonly pid: number;
  /** Plain listener; 0 without one. */
  readonly port: number;
  /** TLS listener; 0 without one. */
  readonly tlsPort: number;
  readonly telemetryPort: number;
  /** PEM file of the certificate that TLS is served with. */
  readonly certificatePath: string;
  /** Process ids of the workers that run now. */
  workers(): number[];
  /** Lines of its own log so far, parsed. */
  readonly log: readonly LogEvent[];
  /** Resolves with the next event of this name, those already logged included; throws after `deadlineMs`. */
  event(name: string, deadlineMs?: number): Promise<LogEvent>;
  /** Lines of the access log, parsed. */
  accessLog(): LogEvent[];
  /** Everything on standard error so far. */
  stderr(): string;
  /** Resident bytes of one process. */
  rss(pid: number): number;
  signal(name: NodeJS.Signals): void;
  /** Resolves with exit code and signal. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export type LogEvent = Readonly<Record<string, unknown>>;

export interface GatewayOptions {
  /** Serve TLS with a new self-signed certificate for `localhost`. */
  readonly tls?: boolean;
  /** No plain listener. Default: there is one. */
  readonly plain?: boolean;
  /** Port of the plain listener. Default: any free one. */
  readonly listenPort?: number;
}

const root = path.resolve(import.meta.dirname, "../..");

/**
 * Starts the gateway with this configuration on free ports and waits until it serves. Its `[server]` names no
 * addresses: they are added here, as are telemetry and the access log. Stopped, whatever happens, when the test ends.
 */
export async function startGateway(
  t: Pick<TestContext, "after">,
  config: string,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const folder = newDirectory("gateway");
  const accessLogPath = path.join(folder, "access.log");
  const certificatePath = path.join(folder, "tls.crt");
  const listen: string[] = [];
  const sections = [
    `[telemetry]\nlisten = "127.0.0.1:0"`,
    `[admin]\nlisten = "off"`,
    `[access_log]\npath = ${JSON.stringify(accessLogPath)}`,
  ];
  if (options.plain !== false) listen.push(`listen_http = "127.0.0.1:${options.listenPort ?? 0}"`);
  if (options.tls === true) {
    const keyPath = path.join(folder, "tls.key");
    const { certPem, keyPem } = makeSelfSigned({ names: ["localhost", "127.0.0.1"], days: 2 });
    writeFileSync(certificatePath, certPem);
    writeFileSync(keyPath, keyPem, { mode: 0o600 });
    // Redirects name the configured port: it must be the real one.
    listen.push(`listen_https = "127.0.0.1:${await freePort()}"`);
    sections.push(
      `[tls]\ncert_path = ${JSON.stringify(certificatePath)}\nkey_path = ${JSON.stringify(keyPath)}`,
    );
  }
  // Nobody takes it out of a balancer first: without this every test would wait for that at its end.
  if (!/^shutdown_delay_ms/m.test(config)) listen.push("shutdown_delay_ms = 0");
  const configPath = path.join(folder, "zion.toml");
  const text = config.replace(/^\[server\]$/m, `[server]\n${listen.join("\n")}`);
  writeFileSync(configPath, `${text}\n${sections.join("\n")}\n`);

  const command = [path.join(root, "bin/zion.js"), "run", "-c", configPath];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "ignore", "pipe"], cwd: folder });
  atProcessEnd(() => void child.kill("SIGKILL"));
  const gateway = watch(child, accessLogPath, certificatePath);
  t.after(async () => {
    await stop(child, gateway);
    assertNoCanary(gateway.stderr(), "standard error");
    assertNoCanaryBelow(folder, ["zion.toml", "tls.key"]);
  });
  const started = await gateway.event("zion.started", 90_000);
  const port = (key: "listeners" | "control", name: string): number => {
    const all = started[key] as readonly { readonly name: string; readonly port: number }[];
    return all.find((one) => one.name === name)?.port ?? 0;
  };
  return Object.assign(gateway, {
    port: port("listeners", "http"),
    tlsPort: port("listeners", "https"),
    telemetryPort: port("control", "telemetry"),
  });
}

function watch(child: ChildProcess, accessLogPath: string, certificatePath: string): Gateway {
  const log: LogEvent[] = [];
  /** What is not a log line: diagnostics, or the words of a crash. */
  const plain: string[] = [];
  let said = "";
  let waiters: (() => void)[] = [];
  let rest = "";
  let gone = false;
  const wake = (): void => {
    const woken = waiters;
    waiters = [];
    for (const waiter of woken) waiter();
  };
  child.stderr!.on("data", (bytes: Buffer) => {
    said += bytes.toString();
    const lines = (rest + bytes.toString()).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith("{")) log.push(JSON.parse(line) as LogEvent);
      else plain.push(line);
    }
    wake();
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.once("exit", (code, signal) => {
      gone = true;
      wake();
      done({ code, signal });
    });
  });
  return {
    pid: child.pid!,
    port: 0,
    tlsPort: 0,
    telemetryPort: 0,
    certificatePath,
    log,
    exited,
    workers: () => workersOf(child.pid!),
    accessLog: () => parseLines(accessLogPath),
    stderr: () => said,
    rss: residentBytes,
    signal: (name) => void child.kill(name),
    async event(name, deadlineMs = 10_000) {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        wake();
      }, deadlineMs);
      try {
        for (;;) {
          const found = log.find((entry) => entry["event.name"] === name);
          if (found !== undefined) return found;
          if (gone || late)
            throw new Error(`no ${name} in the gateway's log: ${JSON.stringify(log)} ${plain.join("\n")}`);
          await new Promise<void>((done) => waiters.push(done));
        }
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** TERM, then KILL for the primary and each worker by its id. */
async function stop(child: ChildProcess, gateway: Gateway): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const workers = gateway.workers();
  child.kill("SIGTERM");
  // A second one ends the drain; two within 300 ms are one.
  const hurry = setTimeout(() => child.kill("SIGTERM"), 400);
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    for (const pid of workers) kill(pid);
  }, 5000);
  await gateway.exited;
  clearTimeout(hurry);
  clearTimeout(timer);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // gone already
  }
}

/** Those that run the worker's program: the primary has a guard beside them. */
function workersOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    return children
      .map(Number)
      .filter((child) => readFileSync(`/proc/${child}/cmdline`).includes("worker-process"));
  } catch {
    return [];
  }
}

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0) * 1024;
}

function parseLines(file: string): LogEvent[] {
  return readFileSync(file, "latin1")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogEvent);
}
