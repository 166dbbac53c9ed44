import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { readAnswer } from "./client.ts";
import type { Load } from "./generator.ts";
import { loadOf } from "./handshakes.ts";

/** One upload after the other on one connection for `seconds`; the one under way then is finished. */
export async function runUploads(port: number, request: string, seconds: number): Promise<Load> {
  const bytes = Buffer.from(request, "latin1");
  const times: number[] = [];
  let read = 0;
  let statusErrors = 0;
  let socketErrors = 0;
  let text = "";
  let answered: (() => void) | undefined;
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  let gone = false;
  socket.on("data", (chunk: string) => {
    text += chunk;
    if (readAnswer(text) !== undefined) answered?.();
  });
  socket.setTimeout(20_000, () => socket.destroy(new Error("nothing moved for 20 s")));
  socket.on("error", () => socketErrors++);
  socket.on("close", () => {
    gone = true;
    answered?.();
  });

  const start = performance.now();
  while (!gone && performance.now() - start < seconds * 1000) {
    text = "";
    const begun = performance.now();
    await new Promise<void>((resolve) => {
      answered = resolve;
      socket.write(bytes);
    });
    read += text.length;
    const status = readAnswer(text)?.status;
    if (status === 200) times.push(performance.now() - begun);
    else if (status !== undefined) statusErrors++;
    else socketErrors += 100;
  }
  socket.destroy();
  return loadOf(times, {
    seconds: (performance.now() - start) / 1000,
    bytes: read,
    socketErrors,
    statusErrors,
  });
}
