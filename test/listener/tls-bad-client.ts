import { connect } from "node:net";
import type { BadHello } from "./tls-bad-hellos.ts";

/** Does what `hello` says; resolves with every byte that came back once the connection is closed. */
export function sendBadHello(port: number, hello: BadHello): Promise<Buffer> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    const socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      allowHalfOpen: hello.afterwards === "wait",
    });
    socket.on("connect", () => {
      for (const segment of hello.segments) socket.write(segment);
      if (hello.afterwards === "end") socket.end();
      // The bytes first, so that the server sees them before the reset.
      if (hello.afterwards === "reset") socket.write("", () => socket.resetAndDestroy());
    });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
    socket.on("close", () => done(Buffer.concat(chunks)));
  });
}

/** Number of the last plain-text alert in `answer`. */
export function alertIn(answer: Buffer): number | undefined {
  let alert: number | undefined;
  for (let at = 0; at + 5 <= answer.length; at += 5 + answer.readUInt16BE(at + 3)) {
    if (answer[at] === 0x15 && answer.readUInt16BE(at + 3) === 2) alert = answer[at + 6];
  }
  return alert;
}
