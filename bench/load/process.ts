import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { readTree } from "./proc.ts";

/** A program started for the benchmark, with all its descendants on one CPU. */
export interface Running {
  readonly pid: number;
  readonly outputFile: string;
  /** Rejects with the end of the program's output when it ends before `port` accepts, or after 15 s. */
  listening(port: number): Promise<void>;
  /** Asks, then kills what is left of the tree after 3 s. Never by name. */
  stop(): Promise<void>;
}

/**
 * Starts `command` under taskset, which replaces itself by it: the pid is the program's own and children inherit
 * the CPU. Standard output and error go to `outputFile`, opened for appending so that it can be emptied meanwhile.
 */
export function startPinned(cpu: number, command: readonly string[], outputFile: string): Running {
  const output = openSync(outputFile, "a");
  const child = spawn("taskset", ["-c", String(cpu), ...command], { stdio: ["ignore", output, output] });
  closeSync(output);
  let ended: string | undefined;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended = `ended with ${signal ?? code}`));
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${command[0]} could not be started`);
  const forget = killAtExit(pid);

  return {
    pid,
    outputFile,
    async listening(port) {
      for (const deadline = Date.now() + 15_000; Date.now() < deadline; await sleep(50)) {
        if (ended !== undefined) break;
        if (await accepts(port)) return;
      }
      throw new Error(`${command.join(" ")} does not listen on ${port}: ${ended ?? "still running"}
${lastLines(outputFile)}`);
    },
    async stop() {
      await stopTree(child);
      forget();
    },
  };
}

/** Pins this process and its threads: what generates load must not share the CPU of what is measured. */
export function pinSelf(cpu: number): void {
  spawnSync("taskset", ["-a", "-c", "-p", String(cpu), String(process.pid)]);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function stopTree(child: ChildProcess): Promise<void> {
  // Taken first: once the root has gone its children belong to init and could not be found again.
  const tree = readTree(child.pid!);
  child.kill("SIGTERM");
  const deadline = Date.now() + 3_000;
  while (Date.now() < deadline && tree.some(isAlive)) await sleep(50);
  const stubborn = tree.filter(isAlive);
  for (const one of stubborn) kill(one.pid);
  while (Date.now() < deadline + 2_000 && stubborn.some(isAlive)) await sleep(20);
}

/** The start time guards against a pid that was given to somebody else meanwhile. */
function isAlive(one: { readonly pid: number; readonly startTicks: number }): boolean {
  const [now] = readTree(one.pid);
  return now !== undefined && now.startTicks === one.startTicks && now.state !== "Z";
}

/** Kills the tree when this process ends in a way that runs no clean-up. Returns how to take that back. */
function killAtExit(pid: number): () => void {
  const onExit = (): void => {
    for (const one of readTree(pid)) kill(one.pid);
  };
  // First of all: a directory can only be removed once nobody writes into it.
  process.prependListener("exit", onExit);
  return () => process.off("exit", onExit);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

/** Whether somebody listens. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(1_000, () => done(false));
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    function done(answer: boolean): void {
      socket.destroy();
      resolve(answer);
    }
  });
}

function lastLines(file: string): string {
  return readFileSync(file, "utf8").split("\n").slice(-12).join("\n");
}
