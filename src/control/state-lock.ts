import { linkSync, lstatSync, mkdirSync, renameSync, unlinkSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { stateDirProblem } from "../config/state-directory.ts";

/** The socket of the gateway that owns `stateDir`. */
export function controlSocketPath(stateDir: string): string {
  return join(stateDir, "control.sock");
}

/** Linux keeps the path of a Unix socket in 108 bytes, with a zero at its end. */
const pathBytesMax = 107;
const connectionsMax = 16;

/** Why the state directory cannot be had; the text is for people. `temporary`: trying again later can help. */
export class StateError extends Error {
  readonly temporary: boolean;
  constructor(message: string, temporary: boolean) {
    super(message);
    this.temporary = temporary;
  }
}

/**
 * One gateway per state directory. The lock is a listening Unix socket, because the kernel takes it back however its
 * owner ends: a process id in a file outlives its process, and means another one in a container that shares the
 * directory. Whoever can connect is the owner of the directory or root, for it has mode 0700: that is the check of the
 * peer, which Node cannot ask the kernel for (SO_PEERCRED).
 */
export class StateLock {
  readonly path: string;
  readonly #server: net.Server;
  readonly #ownPath: string;
  #isOwner = false;
  /** The previous owner was killed: its workers may still be finishing. */
  foundStale = false;

  private constructor(server: net.Server, path: string, ownPath: string) {
    this.#server = server;
    this.path = path;
    this.#ownPath = ownPath;
  }

  /** Listens, but not yet by the name that counts: `acquire` or `takeOver` follow. Throws StateError. */
  static async open(stateDir: string, onConnection: (socket: net.Socket) => void): Promise<StateLock> {
    checkDirectory(stateDir);
    const path = controlSocketPath(stateDir);
    const ownPath = join(stateDir, `control.${process.pid}.sock`);
    if (Buffer.byteLength(ownPath) > pathBytesMax) {
      throw new StateError(`state_dir: ${stateDir} is too long for a socket in it`, false);
    }
    remove(ownPath);
    const server = net.createServer(onConnection);
    server.maxConnections = connectionsMax;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) =>
        reject(new StateError(`state_dir: no socket in ${stateDir}: ${error.message}`, false)),
      );
      server.listen(ownPath, resolve);
    });
    server.on("error", () => {});
    // The lock alone holds no process.
    server.unref();
    return new StateLock(server, path, ownPath);
  }

  /** Becomes the owner, or throws StateError when another process is. */
  async acquire(): Promise<void> {
    // Linking fails when the name is there, so of two that start at once one loses. The second round is for a name
    // that a killed process left behind.
    for (let round = 0; round < 2; round++) {
      try {
        linkSync(this.#ownPath, this.path);
        this.#own();
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw asStateError(error, this.path);
      }
      if (await answers(this.path)) break;
      this.foundStale = true;
      remove(this.path);
    }
    throw new StateError(`state_dir: another zion runs with ${this.path}`, true);
  }

  /** Becomes the owner in place of the one that has agreed to it. At no time is there none. */
  takeOver(): void {
    renameSync(this.#ownPath, this.path);
    this.#isOwner = true;
  }

  /** Another process has the name, or is about to take it. */
  handOver(): void {
    this.#isOwner = false;
  }

  close(): void {
    this.#server.close();
    if (this.#isOwner) remove(this.path);
    this.#isOwner = false;
  }

  #own(): void {
    remove(this.#ownPath);
    this.#isOwner = true;
  }
}

/** Ours, and closed to everybody else. It is made when it is not there. */
function checkDirectory(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const facts = lstatSync(stateDir);
    const problem = stateDirProblem(stateDir, facts, process.getuid?.() ?? facts.uid);
    if (problem !== undefined) throw new StateError(`state_dir: ${problem}`, false);
  } catch (error) {
    throw asStateError(error, stateDir);
  }
}

function asStateError(error: unknown, path: string): StateError {
  if (error instanceof StateError) return error;
  return new StateError(
    `state_dir: ${path}: ${error instanceof Error ? error.message : String(error)}`,
    false,
  );
}

/** Whether somebody listens on a Unix socket. A process that is stopped does, too: it may go on. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was not there.
  }
}
