import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type net from "node:net";
import { readLines, writeLine } from "./control-line.ts";
import { inheritanceVariable, printInheritance } from "./inheritance.ts";
import type { Log } from "./log.ts";
import type { BequeathedSocket } from "./slots.ts";
import { startChild } from "./start-child.ts";

/** From the start of the new process to its first served request; it may have lists and rules to compile. */
const servingWithinMs = 60_000;

export interface UpgradeOptions {
  /** All that this process and its workers listen on. */
  readonly sockets: () => readonly BequeathedSocket[];
  readonly socketPath: string;
  readonly ticketKeys: () => Buffer;
  readonly tokenDigest: Buffer | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** What the successor is told beside the command: what this process insists on. */
  readonly insists: readonly string[];
  /** No upgrade now, and why. */
  readonly obstacle: () => string | undefined;
  /** The new process serves: let go of what only one can have. From here on there is no way back. */
  readonly release: () => void;
  /** It has taken over. */
  readonly onUpgraded: () => void;
  readonly log: Log;
}

/**
 * The old primary's part of `zion upgrade`: starts the program of the new version with our listening sockets as open
 * descriptors, and goes on until that one says that it serves. Both accept from the same sockets meanwhile, so that no
 * connection is refused or reset, neither when one begins nor when the other ends: what is queued on a socket is lost
 * only when nobody has it open. Returns what a connection to the control socket is given to.
 */
export function createUpgrade(options: UpgradeOptions): (socket: net.Socket) => void {
  const { log } = options;
  /** `succeed` once; before the new process serves. */
  let running: { readonly key: string; readonly succeed: () => void } | undefined;

  const begin = (asker: net.Socket, command: readonly string[]) => {
    const obstacle = running === undefined ? options.obstacle() : "an upgrade is under way";
    if (obstacle !== undefined) return writeLine(asker, { type: "failed", problem: obstacle });
    const key = randomBytes(16).toString("hex");
    const sockets = options.sockets();
    const [program = "", ...args] = [...command, ...options.insists];
    const child = startChild(() =>
      spawn(program, args, {
        // Descriptor 3 and on: the sockets, in this order.
        stdio: ["ignore", "inherit", "inherit", ...sockets.map(({ fd }) => fd)],
        env: {
          ...options.environment,
          [inheritanceVariable]: printInheritance({ key, socketPath: options.socketPath, sockets }),
        },
      }),
    );
    const pid = child.pid ?? 0;
    let isOver = false;
    const end = () => {
      isOver = true;
      clearTimeout(timer);
    };
    const fail = (problem: string) => {
      if (isOver) return;
      end();
      running = undefined;
      child.kill("SIGKILL");
      log.error({ "event.name": "zion.upgrade.failed", pid, problem }, "this version goes on");
      writeLine(asker, { type: "failed", problem });
    };
    const succeed = () => {
      if (isOver) return;
      end();
      // This process ends before that one.
      child.unref();
      log.info({ "event.name": "zion.upgrade.done", pid }, "another process serves now");
      writeLine(asker, { type: "upgraded", pid });
    };
    running = { key, succeed };
    const timer = setTimeout(() => fail(`not serving within ${servingWithinMs / 1000} s`), servingWithinMs);
    child.on("error", (error) => fail(error.message));
    child.on("exit", (code, signal) =>
      fail(`the new process ended with ${signal ?? code}, its log says why`),
    );
    log.info({ "event.name": "zion.upgrade.started", pid, command: command.join(" ") }, "a successor starts");
    writeLine(asker, { type: "started", pid });
  };

  return (socket) => {
    let claimed: typeof running;
    socket.on("error", () => socket.destroy());
    socket.setTimeout(2 * servingWithinMs, () => socket.destroy());
    readLines(socket, (message) => {
      if (message["type"] === "upgrade" && isCommand(message["command"])) {
        begin(socket, message["command"]);
      } else if (message["type"] === "takeover" && running !== undefined && message["key"] === running.key) {
        claimed = running;
        writeLine(socket, {
          type: "estate",
          ticketKeys: options.ticketKeys().toString("base64"),
          tokenDigest: options.tokenDigest?.toString("base64"),
        });
      } else if (message["type"] === "serving" && claimed !== undefined && claimed === running) {
        options.release();
        writeLine(socket, { type: "released" });
        claimed.succeed();
        options.onUpgraded();
      } else {
        socket.destroy();
      }
    });
  };
}

function isCommand(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === "string");
}
