import { createHash } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";

/** One end of a connection that bytes are pushed into and counted at. */
export interface TunnelEnd {
  readonly socket: net.Socket;
  /** What came first, up to the empty line. */
  readonly head: string;
  /** Bytes behind the head, so far. */
  bytes(): number;
  /** SHA-256 of those. */
  hash(): string;
  /** How the other side ended it: not at all, in order, or otherwise. */
  ended(): "open" | "end" | "reset";
}

/** Connects and sends a head; resolves when one has come back. */
export async function openTunnel(
  port: number,
  secure: boolean,
  head: string,
  mostMs: number,
): Promise<TunnelEnd> {
  const where = { port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true };
  const socket = secure
    ? tls.connect({
        ...where,
        servername: "localhost",
        ALPNProtocols: ["http/1.1"],
        rejectUnauthorized: false,
      })
    : net.connect(where);
  socket.write(head);
  return await readHead(socket, mostMs);
}

/** An origin that leaves all answers to whoever takes its connections. */
export interface TunnelOrigin {
  readonly port: number;
  /** The next connection whose head has come. */
  next(mostMs: number): Promise<TunnelEnd>;
  close(): void;
}

export async function startTunnelOrigin(): Promise<TunnelOrigin> {
  const sockets = new Set<net.Socket>();
  const arrived: TunnelEnd[] = [];
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // Proxies connect before they have something to say, and ask how their upstream is.
    readHead(socket).then(
      (end) => {
        if (end.head.startsWith("GET /chat ")) arrived.push(end);
        else socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      },
      () => socket.destroy(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as net.AddressInfo).port,
    async next(mostMs) {
      for (const deadline = Date.now() + mostMs; arrived.length === 0; await sleep(5))
        if (Date.now() > deadline) throw new Error("the origin was not asked");
      return arrived.shift()!;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function readHead(socket: net.Socket, mostMs?: number): Promise<TunnelEnd> {
  const digest = createHash("sha256");
  let received: Buffer = Buffer.alloc(0);
  let head: string | undefined;
  let count = 0;
  let ended: ReturnType<TunnelEnd["ended"]> = "open";
  return await new Promise((resolve, reject) => {
    const timer =
      mostMs === undefined ? undefined : setTimeout(() => reject(new Error("no answer came")), mostMs);
    const over = (how: "end" | "reset"): void => {
      if (ended === "open") ended = how;
      if (head === undefined) reject(new Error("closed without an answer"));
      clearTimeout(timer);
    };
    const take = (bytes: Buffer): void => {
      count += bytes.length;
      digest.update(bytes);
    };
    socket.on("error", () => over("reset"));
    socket.on("end", () => over("end"));
    socket.on("close", () => over("reset"));
    socket.on("data", (bytes: Buffer) => {
      if (head !== undefined) return take(bytes);
      received = Buffer.concat([received, bytes]);
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      head = received.latin1Slice(0, end + 4);
      clearTimeout(timer);
      take(received.subarray(end + 4));
      resolve({
        socket,
        head,
        bytes: () => count,
        hash: () => digest.copy().digest("hex"),
        ended: () => ended,
      });
    });
  });
}

/** Writes in pieces of the given sizes, over and over, as fast as they are taken. */
export async function push(socket: net.Socket, bytes: Uint8Array, pieces: readonly number[]): Promise<void> {
  for (let at = 0, turn = 0; at < bytes.length && !socket.destroyed; turn++) {
    const piece = bytes.subarray(at, at + pieces[turn % pieces.length]!);
    at += piece.length;
    if (!socket.write(piece) && !socket.destroyed) await flushed(socket);
    // A segment of its own for each.
    else await new Promise((done) => setImmediate(done));
  }
}

function flushed(socket: net.Socket): Promise<void> {
  return new Promise((done) => {
    const over = (): void => {
      socket.off("drain", over);
      socket.off("close", over);
      done();
    };
    socket.on("drain", over);
    socket.on("close", over);
  });
}
