import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { startOrigin } from "./origin.ts";
import { accepting, afterHead, frame, readFrame } from "./websocket.ts";

/** An origin in a process of its own, for more WebSockets than one process may hold both ends of. */
export interface WebSocketOrigin {
  readonly port: number;
  /** Sends a text frame to every WebSocket. */
  say(text: string): Promise<void>;
  /** Opcodes of the first frames received, each once, and how many WebSockets got one. */
  heard(): Promise<{ readonly texts: readonly string[]; readonly count: number }>;
}

export async function startWebSocketOrigin(t: Pick<TestContext, "after">): Promise<WebSocketOrigin> {
  const child = fork(import.meta.filename, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  t.after(() => void child.kill("SIGKILL"));
  const [port] = (await once(child, "message")) as [number];
  return {
    port,
    say: async (text) => void (await ask(child, { say: text })),
    heard: async () => (await ask(child, {})) as { texts: string[]; count: number },
  };
}

async function ask(child: ChildProcess, message: object): Promise<unknown> {
  child.send(message);
  const [answer] = (await once(child, "message")) as [unknown];
  return answer;
}

async function serve(): Promise<void> {
  const origin = await startOrigin({ script: accepting });
  process.on("disconnect", () => process.exit());
  process.on("message", (message: { readonly say?: string }) => {
    if (message.say !== undefined) {
      for (const { socket } of origin.connections) if (!socket.destroyed) socket.write(frame(1, message.say));
      process.send!({});
      return;
    }
    const first = origin.connections
      .map((connection) => readFrame(afterHead(connection)))
      .filter((read) => read !== undefined);
    process.send!({ texts: [...new Set(first.map((read) => read.payload.toString()))], count: first.length });
  });
  process.send!(origin.port);
}

if (process.argv[1] === import.meta.filename && process.send !== undefined) await serve();
