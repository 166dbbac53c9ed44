import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { acceptOf } from "../../src/http/websocket.ts";
import type { Load } from "./generator.ts";
import { loadOf } from "./handshakes.ts";
import { getSmall, type Traffic } from "./traffic.ts";

/** Streams that are held open (a gateway takes 256 connections of an address), and what each gets: an event of 100 bytes. */
export const streams = 200;
const text = `data: ${"x".repeat(92)}\n\n`;

export const eventStream: Traffic = {
  ...getSmall,
  target: "/events",
  fields: [["Accept", "text/event-stream"]],
  answerBytes: text.length,
};

/** The same bytes as text messages of a WebSocket. */
export const webSocket: Traffic = {
  ...eventStream,
  fields: [
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ],
};

/** An origin that answers requests with a stream, and handshakes with a WebSocket, and sends when it is told to. */
export interface EventsOrigin {
  readonly port: number;
  /** Streams open by path, oldest first. */
  readonly open: ReadonlyMap<string, ReadonlySet<Stream>>;
  close(): void;
}

interface Stream {
  readonly socket: Socket;
  readonly event: Buffer;
}

/** In this process: it shares the CPU of the generator. */
export async function startEventsOrigin(): Promise<EventsOrigin> {
  const open = new Map<string, Set<Stream>>();
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    let head = "";
    const listen = (bytes: Buffer): void => {
      head += bytes.latin1Slice();
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", listen);
      socket.resume();
      const path = head.split(" ", 2)[1]!;
      const key = /^sec-websocket-key: (\S+)/im.exec(head)?.[1];
      socket.write(key === undefined ? streamHead : switchHead(key));
      const group = open.get(path) ?? new Set();
      open.set(path, group);
      const stream = { socket, event: key === undefined ? chunk : frame };
      group.add(stream);
      socket.on("close", () => group.delete(stream));
    };
    socket.on("data", listen);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    open,
    close() {
      server.close();
      for (const group of open.values()) for (const { socket } of group) socket.destroy();
    },
  };
}

/**
 * Streams through one candidate, and their events. A wave is one event to each; the next follows when all have it.
 * A delivered event counts as a request. The streams stay open between windows.
 */
export class FanOut {
  readonly #origin: EventsOrigin;
  readonly #port: number;
  readonly #traffic: Traffic;
  /** Tells this candidate's streams from others'. */
  readonly #path: string;
  readonly #clients: Client[] = [];

  constructor(origin: EventsOrigin, port: number, traffic: Traffic) {
    this.#origin = origin;
    this.#port = port;
    this.#traffic = traffic;
    this.#path = `${traffic.target}/${port}`;
  }

  async run(seconds: number, count: number = streams): Promise<Load> {
    await this.#join(count);
    const reached = this.#origin.open.get(this.#path);
    if (reached === undefined) throw new Error("no stream came through to the origin");
    const times: number[] = [];
    let bytes = 0;
    const start = performance.now();
    while (performance.now() - start < seconds * 1000) {
      const begun = performance.now();
      for (const { socket, event } of reached) socket.write(event);
      await Promise.all(this.#clients.map((client) => client.next()));
      const ms = performance.now() - begun;
      for (let n = 0; n < this.#clients.length; n++) times.push(ms);
      bytes += this.#clients.length * text.length;
    }
    return loadOf(times, {
      seconds: (performance.now() - start) / 1000,
      bytes,
      socketErrors: this.#clients.filter((client) => client.isGone).length * 100,
      statusErrors: 0,
    });
  }

  async #join(count: number): Promise<void> {
    const head = `GET ${this.#path} HTTP/1.1\r\nHost: localhost:${this.#port}\r\n${lines(this.#traffic)}\r\n`;
    const joining: Promise<void>[] = [];
    while (this.#clients.length < count) {
      const client = new Client(this.#port);
      this.#clients.push(client);
      joining.push(client.open(head));
    }
    await Promise.all(joining);
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

/** One stream's reader. Answers may be chunked anew on the way: the text of an event counts, wherever it is cut. */
class Client {
  isGone = false;
  readonly #socket: Socket;
  #text = "";
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1").setEncoding("latin1");
    this.#socket.on("data", (piece: string) => {
      this.#text += piece;
      this.#wake();
    });
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.isGone = true;
      this.#wake();
    });
  }

  async open(request: string): Promise<void> {
    this.#socket.write(request, "latin1");
    await this.#until("\r\n\r\n");
  }

  /** The next event is here. Rejects when none comes within 15 s. */
  next(): Promise<void> {
    return this.#until(text);
  }

  close(): void {
    this.#socket.destroy();
  }

  #until(wanted: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("nothing came within 15 s")), 15_000);
      this.#wake = () => {
        const at = this.#text.indexOf(wanted);
        if (at < 0 && !this.isGone) return;
        clearTimeout(timer);
        this.#text = this.#text.slice(at + wanted.length);
        resolve();
      };
      this.#wake();
    });
  }
}

function lines({ fields }: Traffic): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

function switchHead(key: string): string {
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`;
}

/** The last field: nginx would gather events otherwise. */
const streamHead =
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nX-Accel-Buffering: no\r\n\r\n";
const chunk = Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
const frame = Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
