import { createServer, type ServerHttp2Stream } from "node:http2";
import { join } from "node:path";
import { freePort, type Running, startPinned } from "./process.ts";
import type { Traffic } from "./traffic.ts";

/** One message of 100 bytes, with its prefix. */
const message = `\0\0\0\0\x64${"a small message, ".repeat(6).slice(0, 100)}`;

/** A unary call: one message there, one back. */
export const grpcUnary: Traffic = {
  method: "POST",
  target: "/bench.Echo/Unary",
  fields: [
    ["Content-Type", "application/grpc"],
    ["TE", "trailers"],
    ["User-Agent", "grpc-go/1.66.0"],
    ["grpc-accept-encoding", "identity,gzip"],
  ],
  body: message,
  answerBytes: message.length,
};

export interface GrpcOrigin {
  readonly port: number;
  readonly process: Running;
}

/** A service over HTTP/2 without TLS, on `cpu`, that sends each call's message back. */
export async function startGrpcOrigin(cpu: number, directory: string): Promise<GrpcOrigin> {
  const port = await freePort();
  const command = [process.execPath, import.meta.filename, String(port)];
  const running = startPinned(cpu, command, join(directory, "grpc-origin"));
  await running.listening(port);
  return { port, process: running };
}

function serve(port: number): void {
  const server = createServer({
    settings: { maxConcurrentStreams: 1000 },
    streamResetBurst: 1e6,
    streamResetRate: 1e6,
  });
  server.on("stream", (stream: ServerHttp2Stream) => {
    const pieces: Buffer[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (piece: Buffer) => void pieces.push(piece));
    stream.on("end", () => {
      // At the end of a window proxies give up what is under way.
      if (stream.destroyed || stream.closed) return;
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => {
        if (!stream.destroyed && !stream.closed) stream.sendTrailers({ "grpc-status": "0" });
      });
      stream.end(Buffer.concat(pieces));
    });
  });
  server.on("sessionError", () => undefined);
  server.listen(port, "127.0.0.1");
}

if (process.argv[1] === import.meta.filename) serve(Number(process.argv[2]));
