import net from "node:net";
import { readLines, writeLine } from "./control-line.ts";
import { type BequeathedSocket, handleOf, type InheritedSocket } from "./slots.ts";

/** Names the descriptors that a successor was started with, as `LISTEN_FDS` does for systemd. */
export const inheritanceVariable = "ZION_INHERITANCE";
/** The first descriptor after standard input, output and error. */
const firstDescriptor = 3;

interface Will {
  readonly key: string;
  readonly socketPath: string;
  readonly sockets: readonly BequeathedSocket[];
}

/** What the primary of the version before has left to this one. */
export interface Inheritance {
  readonly sockets: readonly InheritedSocket[];
  readonly socketPath: string;
  readonly key: string;
}

/** What a successor goes on with. */
export interface Estate {
  readonly ticketKeys: Buffer;
  readonly tokenDigest: Buffer | undefined;
  /** Says that this process serves; resolves when the predecessor has let go, or is gone. */
  takeOver(): Promise<void>;
}

export function printInheritance(will: Will): string {
  const sockets = will.sockets.map(({ name, host, port }) => ({ name, host, port }));
  return JSON.stringify({ key: will.key, socketPath: will.socketPath, sockets });
}

/** The inheritance, if there is one. It leaves the environment. */
export function readInheritance(environment: NodeJS.ProcessEnv): Inheritance | undefined {
  const text = environment[inheritanceVariable];
  if (text === undefined) return undefined;
  delete environment[inheritanceVariable];
  // Written by a primary for its own child; of another version, but this form stays.
  const { key, socketPath, sockets } = JSON.parse(text) as Will;
  return {
    key,
    socketPath,
    sockets: sockets.map(({ name, host, port }, index) => ({
      name,
      host,
      port,
      handle: handleOf(firstDescriptor + index),
    })),
  };
}

/** Asks the predecessor for what is not in the environment. Rejects when it is gone. */
export async function claimEstate({ socketPath, key }: Inheritance): Promise<Estate> {
  const socket = net.connect(socketPath);
  const released = Promise.withResolvers<void>();
  const estate = await new Promise<Omit<Estate, "takeOver">>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => {
      reject(new Error("the old process is gone, or does not want this one"));
      released.resolve();
    });
    readLines(socket, (message) => {
      if (message["type"] === "released") return released.resolve();
      const { ticketKeys, tokenDigest } = message;
      resolve({
        ticketKeys: Buffer.from(String(ticketKeys), "base64"),
        tokenDigest: tokenDigest === undefined ? undefined : Buffer.from(String(tokenDigest), "base64"),
      });
    });
    writeLine(socket, { type: "takeover", key });
  });
  return {
    ...estate,
    async takeOver() {
      writeLine(socket, { type: "serving" });
      await released.promise;
      socket.destroy();
    },
  };
}
