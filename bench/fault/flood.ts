import { connect, type Socket } from "node:net";
import { percentile } from "./traffic.ts";

// A process of its own, so that what it costs is not counted as the proxy's: `flood.ts PORT RATE SECONDS CONNECTIONS`.
// RATE 0 = as fast as answers come (that is the capacity); else so many a second whatever the answers.
const [port = 0, perSec = 0, seconds = 0, connectionsMax = 0] = process.argv.slice(2).map(Number);
/** A client that waits longer has gone elsewhere. */
const patienceMs = 5000;

/** JSON of about `bytes`, such as an application sends: names, words and numbers. */
function jsonOf(bytes: number): Buffer {
  const rows: string[] = [];
  for (let size = 0, row = 0; size < bytes; row++) {
    const text = JSON.stringify({
      id: row,
      name: `item number ${row}`,
      price: row * 1.5,
      tags: ["new", "blue"],
    });
    rows.push(text);
    size += text.length + 1;
  }
  return Buffer.from(`[${rows.join(",")}]`);
}

function post(body: Buffer): Buffer {
  const head = `POST /upload HTTP/1.1\r\nHost: a.test\r\nUser-Agent: flood\r\nAccept: */*\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

const requests = [
  Buffer.from("GET /item?id=1 HTTP/1.1\r\nHost: a.test\r\nUser-Agent: flood\r\nAccept: */*\r\n\r\n"),
  post(jsonOf(16_384)),
  post(jsonOf(1_000_000)),
] as const;
let sequence = 0;
/** Of a hundred: 80 GET, 15 with 16 kB, 5 with 1 MB. */
function nextRequest(): Buffer {
  const place = (sequence++ * 37) % 100;
  return requests[place < 80 ? 0 : place < 95 ? 1 : 2];
}

const result = { ok: 0, shed: 0, lost: 0, late: 0, refused: 0, unsent: 0 };
const latenciesMs: number[] = [];
const shedMs: number[] = [];

interface Client {
  readonly socket: Socket;
  busy: boolean;
  startedMs: number;
  isReused: boolean;
}
const clients = new Set<Client>();
const free: Client[] = [];

function dial(): Client {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const client: Client = { socket, busy: false, startedMs: 0, isReused: false };
  clients.add(client);
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (part: string) => {
    text += part;
    const headEnd = text.indexOf("\r\n\r\n");
    if (headEnd < 0 || !client.busy) return;
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < headEnd + 4 + length) return;
    const status = Number(text.slice(9, 12));
    const closes = /\r\nconnection: *close/i.test(text.slice(0, headEnd));
    text = text.slice(headEnd + 4 + length);
    client.busy = false;
    const tookMs = performance.now() - client.startedMs;
    if (status === 200) {
      result.ok++;
      latenciesMs.push(tookMs);
    } else {
      result.shed++;
      shedMs.push(tookMs);
    }
    if (closes) socket.destroy();
    else {
      client.isReused = true;
      free.push(client);
      if (perSec === 0) send(free.pop()!);
    }
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (client.busy && error.code === "ECONNREFUSED") {
      result.refused++;
      client.busy = false;
    }
  });
  socket.on("close", () => {
    clients.delete(client);
    if (client.busy) result.lost++;
    const at = free.indexOf(client);
    if (at >= 0) free.splice(at, 1);
    if (perSec === 0 && !isOver) setTimeout(() => send(dial()), 5);
  });
  return client;
}

function send(client: Client): void {
  client.busy = true;
  client.startedMs = performance.now();
  client.socket.write(nextRequest());
}

let isOver = false;
let due = 0;
let lastMs = performance.now();
if (perSec === 0) for (let i = 0; i < connectionsMax; i++) send(dial());
const timer = setInterval(() => {
  const nowMs = performance.now();
  for (const client of clients) {
    if (!client.busy || nowMs - client.startedMs < patienceMs) continue;
    result.late++;
    client.busy = false;
    client.socket.destroy();
  }
  due = Math.min(due + ((nowMs - lastMs) * perSec) / 1000, perSec);
  lastMs = nowMs;
  for (; due >= 1; due--) {
    const client = free.pop() ?? (clients.size < connectionsMax ? dial() : undefined);
    if (client === undefined) result.unsent++;
    else send(client);
  }
}, 10);

setTimeout(() => {
  isOver = true;
  clearInterval(timer);
  const summary = {
    ...result,
    perSec: result.ok / seconds,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    shedP99Ms: percentile(shedMs, 0.99),
  };
  process.stdout.write(`${JSON.stringify(summary)}\n`, () => process.exit());
}, seconds * 1000);
