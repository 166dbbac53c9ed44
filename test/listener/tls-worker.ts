/**
 * A process with one TLS server, forked by tests that would not see a native crash otherwise. Sends its port, and on
 * each message its counts, as soon as no accepted socket is left.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { buildCertificateStore } from "../../src/cert/store.ts";
import { buildTlsServer } from "../../src/listener/tls.ts";
import { certificateFor, ticketKeys } from "./tls-front.ts";

export interface WorkerReport {
  readonly secured: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly open: number;
  readonly handshakes: number;
}

/** Where the socket is destroyed after its handshake; the first four run on top of OpenSSL's stack. */
const endings: readonly ((socket: TLSSocket) => void)[] = [
  (socket) => socket.destroy(),
  (socket) => process.nextTick(() => socket.destroy()),
  (socket) => queueMicrotask(() => socket.destroy()),
  (socket) => {
    socket.write(Buffer.alloc(100_000));
    socket.destroy();
  },
  (socket) => setImmediate(() => socket.destroy()),
  (socket) => socket.end("bye"),
];

const failures: Record<string, number> = Object.create(null);
const open = new Set<Socket>();
let secured = 0;
const certificate = certificateFor("localhost");
const tls = buildTlsServer<undefined>(
  buildCertificateStore({
    minVersion: "1.3",
    alpn: [],
    sessionTickets: 2,
    pqMode: "prefer",
    default: certificate,
    sni: [],
  }),
  {
    alpn: ["http/1.1"],
    handshakeTimeoutMs: 10_000,
    handshakesMax: 1_000,
    ticketKeys,
    unknownName: "default",
    allowHalfOpen: true,
  },
  {
    onSecure: (socket) => {
      socket.resume();
      socket.on("end", () => socket.end());
      endings[secured++ % endings.length]!(socket);
    },
    onFailed: (failure) => {
      failures[failure] = (failures[failure] ?? 0) + 1;
    },
  },
);
const listening = createServer({ allowHalfOpen: true }, (raw) => {
  open.add(raw);
  raw.on("close", () => open.delete(raw));
  tls.accept(raw, undefined);
});
listening.listen(0, "127.0.0.1", () => process.send!((listening.address() as AddressInfo).port));

process.on("message", report);

function report(): void {
  if (open.size > 0) {
    setImmediate(report);
    return;
  }
  const counts: WorkerReport = { secured, failures, open: open.size, handshakes: tls.countHandshakes() };
  process.send!(counts);
}
