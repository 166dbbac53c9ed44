import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { readTree } from "../load/proc.ts";
import { accepts } from "../load/process.ts";

/** How one product is configured, started and told things; everything else is the same for all. */
export interface Product {
  readonly name: string;
  readonly version: string;
  /** Writes its configuration; the command that runs it in the foreground. `mark` makes one differ from the next. */
  configure(place: Place, mark: number): readonly string[];
  /** Tells it to read its configuration again. Resolves when it has, as far as it says so. */
  reload(running: Instance): Promise<void>;
  /** So many times it has read its configuration, by itself or not; undefined = it does not watch it. */
  readonly reloads?: (running: Instance) => number;
  /** The documented signal for a stop without losses. */
  readonly gracefulSignal: NodeJS.Signals;
  /** Replaces the running program by a new process of itself; undefined = it cannot. */
  readonly upgrade: ((running: Instance) => Promise<void>) | undefined;
  /** What runs it where it is to be upgraded. */
  readonly upgradePrefix?: readonly string[];
  /** Whether all of it serves, as far as it says so. */
  isWhole(running: Instance): Promise<boolean>;
  /** Picks the processes that serve clients from its process tree. */
  serving(running: Instance): readonly number[];
}

/** Directory and ports of one instance, all on 127.0.0.1. */
export interface Place {
  readonly directory: string;
  readonly port: number;
  readonly adminPort: number;
  readonly originPort: number;
  readonly workers: number;
}

export interface Instance {
  readonly product: Product;
  readonly place: Place;
  /** Of the main process, now. */
  pid(): number;
  /** Resolves when the main process that was started last ends: its code or signal. */
  exited(): Promise<number | string>;
  signal(name: NodeJS.Signals): void;
  /** Starts it anew each time it ends, after a tenth of a second, as a service manager does. */
  supervise(): void;
  /** The main process is another one now. */
  adopt(pid: number): void;
  /** Writes a configuration that differs from the last. */
  rewrite(): void;
  /** Processes that were ever seen in its tree and live. */
  alive(): readonly number[];
  stop(): Promise<void>;
}

/** Starts it and waits until it accepts connections. `prefix` is a command that runs it, such as `nice`. */
export async function startInstance(
  product: Product,
  place: Place,
  prefix: readonly string[] = [],
): Promise<Instance> {
  let mark = 1;
  const command = [...prefix, ...product.configure(place, mark)];
  const outputFd = openSync(`${place.directory}/output`, "a");
  let child: ChildProcess;
  let pid = 0;
  let supervised = false;
  let exit: Promise<number | string>;
  const seen = new Set<number>();
  const look = setInterval(() => {
    for (const one of readTree(pid)) seen.add(one.pid);
  }, 200);

  const start = () => {
    const [program = "", ...args] = command;
    child = spawn(program, args, {
      stdio: ["ignore", outputFd, outputFd],
      // Caddy keeps a copy of its configuration there.
      env: { ...process.env, ZION_BUILT: "1", XDG_CONFIG_HOME: place.directory },
    });
    pid = child.pid ?? 0;
    seen.add(pid);
    exit = new Promise((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("exit", (code, signal) => {
        resolve(signal ?? code ?? "");
        if (supervised) setTimeout(() => supervised && start(), 100);
      });
    });
  };
  start();
  // However this process ends.
  const onExit = () => {
    for (const one of [...readTree(pid).map((each) => each.pid), ...seen]) kill(one, "SIGKILL");
  };
  process.on("exit", onExit);
  const instance: Instance = {
    product,
    place,
    pid: () => pid,
    exited: () => exit,
    signal: (name) => kill(pid, name),
    supervise: () => void (supervised = true),
    adopt: (other) => void (pid = other),
    rewrite: () => void product.configure(place, ++mark),
    alive: () => [...seen].filter(isAlive),
    async stop() {
      supervised = false;
      for (const one of readTree(pid)) seen.add(one.pid);
      clearInterval(look);
      kill(pid, "SIGTERM");
      for (let waited = 0; waited < 3000 && [...seen].some(isAlive); waited += 50) await sleep(50);
      for (const one of seen) kill(one, "SIGKILL");
      process.off("exit", onExit);
      closeSync(outputFd);
    },
  };
  for (let waited = 0; !(await accepts(place.port)); waited += 50) {
    if (waited > 20_000) {
      await instance.stop();
      throw new Error(
        `${product.name} does not serve:\n${readFileSync(`${place.directory}/output`, "utf8")}`,
      );
    }
    await sleep(50);
  }
  // All of its workers, not only the first.
  await sleep(1500);
  if (!(await echoes(place.port))) {
    await instance.stop();
    throw new Error(`${product.name} does not pass requests on`);
  }
  return instance;
}

/** Whether a request comes back as the origin answers it: a case says nothing about a proxy that does not do its work. */
function echoes(port: number): Promise<boolean> {
  const target = "/new/check";
  const options = { port, host: "127.0.0.1", path: target, headers: { Host: "a.test" }, agent: false };
  return new Promise((resolve) => {
    const request = get(options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => (body += part));
      response.on("end", () => resolve(body === target));
      response.on("error", () => resolve(false));
    });
    request.on("error", () => resolve(false));
  });
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}

export function isAlive(pid: number): boolean {
  const [own] = readTree(pid);
  return own !== undefined && own.state !== "Z";
}
