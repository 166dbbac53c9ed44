import { type ChildProcess, spawn } from "node:child_process";
import net from "node:net";
import type { TestContext } from "node:test";
import { newDirectory } from "./directory.ts";
import { freePort } from "./free-port.ts";
import { hasCommand, needs } from "./shared.ts";

/** A real redis-server on loopback, ended with the test. */
export interface RedisServer {
  readonly port: number;
  /** Stands still: takes connections and answers nothing. */
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  /** On the same port, with nothing in it. */
  restart(): Promise<void>;
  /** Asks it by its own client; the answer's text. */
  ask(...command: readonly string[]): Promise<string>;
}

/** Undefined: there is none here, and the test is skipped. `args` are options of redis-server. */
export async function startRedis(
  t: TestContext,
  args: readonly string[] = [],
): Promise<RedisServer | undefined> {
  if (!needs(t, "redis-server", hasCommand("redis-server"))) return undefined;
  const directory = newDirectory("redis");
  const isTls = args.includes("--tls-port");
  const port = await freePort();
  const place = isTls
    ? ["--port", "0", ...args.map((arg) => (arg === "PORT" ? String(port) : arg))]
    : ["--port", String(port), ...args];
  let child: ChildProcess | undefined;

  const start = async () => {
    child = spawn("redis-server", [...place, "--bind", "127.0.0.1", "--save", "", "--dir", directory], {
      stdio: "ignore",
    });
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child!.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  };
  t.after(kill);
  await start();
  return {
    port,
    pause: () => void child!.kill("SIGSTOP"),
    resume: () => void child!.kill("SIGCONT"),
    kill,
    async restart() {
      await kill();
      await start();
    },
    ask: (...command) => askRedis(port, command),
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** Answers here are one line, but for `$n` before the line with the text. */
function askRedis(port: number, command: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("latin1").on("data", (part) => {
      text += part;
      const answer = /^(?:\$(?!-1)\d+\r\n([^\r]*)|([^$][^\r]*|\$-1))\r\n$/.exec(text);
      if (answer === null) return;
      socket.destroy();
      resolve(answer[1] ?? answer[2]!);
    });
    socket.on("error", reject);
    socket.write(`*${command.length}\r\n${command.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
  });
}
