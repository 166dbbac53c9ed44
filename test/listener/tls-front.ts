import { randomBytes } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { buildCertificateStore } from "../../src/cert/store.ts";
import type { CertificateConfig, TlsConfig } from "../../src/config/config.ts";
import {
  buildTlsServer,
  type TlsFacts,
  type TlsServer,
  type TlsServerOptions,
} from "../../src/listener/tls.ts";
import type { TlsFailure } from "../../src/listener/tls-failure.ts";

/** A listener as the gateway has it: a net.Server that hands its sockets to whatever `tls` is at that moment. */
export interface Front {
  readonly port: number;
  /** Replaced by a test that reloads. */
  tls: TlsServer<Socket>;
  readonly secured: Secured[];
  readonly failures: TlsFailure[];
  /** Every socket that was accepted and is not closed. */
  readonly open: ReadonlySet<Socket>;
  /** The next handshake that is finished. */
  nextSecured(): Promise<Secured>;
  nextFailure(): Promise<TlsFailure>;
  /** Resolves when no accepted socket is left. */
  emptied(): Promise<void>;
  /** A server with its own store for this front's events. */
  build(config: TlsConfig, options?: Partial<TlsServerOptions>): TlsServer<Socket>;
}

export interface Secured {
  readonly socket: TLSSocket;
  readonly facts: TlsFacts;
  readonly raw: Socket;
}

export interface FrontOptions {
  readonly config?: TlsConfig;
  readonly server?: Partial<TlsServerOptions>;
  /** Of the raw sockets. */
  readonly allowHalfOpen?: boolean;
  /** What is done with a finished connection; default: it says "hello" and ends. */
  readonly serve?: (socket: TLSSocket, facts: TlsFacts) => void;
}

export const ticketKeys = randomBytes(48);

export async function openFront(t: TestContext, options: FrontOptions = {}): Promise<Front> {
  const serve = options.serve ?? ((socket) => socket.end("hello"));
  const open = new Set<Socket>();
  const securedWaiters: ((secured: Secured) => void)[] = [];
  const failureWaiters: ((failure: TlsFailure) => void)[] = [];
  const emptyWaiters: (() => void)[] = [];
  const listening = createServer({ allowHalfOpen: options.allowHalfOpen ?? true }, (raw) => {
    open.add(raw);
    raw.on("close", () => {
      open.delete(raw);
      if (open.size === 0) for (const done of emptyWaiters.splice(0)) done();
    });
    front.tls.accept(raw, raw);
  });
  await new Promise<void>((done) => listening.listen(0, "127.0.0.1", done));
  const secured: Secured[] = [];
  const failures: TlsFailure[] = [];

  function build(config: TlsConfig, server: Partial<TlsServerOptions> = {}): TlsServer<Socket> {
    return buildTlsServer(
      buildCertificateStore(config),
      { ...defaults, ...server },
      {
        onSecure: (socket, facts, raw) => {
          const one = { socket, facts, raw };
          secured.push(one);
          serve(socket, facts);
          securedWaiters.shift()?.(one);
        },
        onFailed: (failure) => {
          failures.push(failure);
          failureWaiters.shift()?.(failure);
        },
      },
    );
  }

  const front: Front = {
    port: (listening.address() as AddressInfo).port,
    tls: build(options.config ?? tlsConfig(), options.server),
    secured,
    failures,
    open,
    nextSecured: () => new Promise((done) => securedWaiters.push(done)),
    nextFailure: () => new Promise((done) => failureWaiters.push(done)),
    emptied: () => (open.size === 0 ? Promise.resolve() : new Promise((done) => emptyWaiters.push(done))),
    build,
  };
  t.after(async () => {
    const closed = new Promise((done) => listening.close(done));
    for (const raw of open) raw.destroy();
    await closed;
  });
  return front;
}

const defaults: TlsServerOptions = {
  alpn: ["http/1.1"],
  handshakeTimeoutMs: 10_000,
  handshakesMax: 1_000,
  ticketKeys,
  unknownName: "default",
  allowHalfOpen: true,
};

/** A fresh certificate for `names`; the path is only a label. */
export function certificateFor(...names: string[]): CertificateConfig {
  const { certPem, keyPem } = makeSelfSigned({ names, days: 2 });
  return { certPath: `${names[0]}.crt`, keyPath: `${names[0]}.key`, certPem, keyPem };
}

const localhost = certificateFor("localhost", "127.0.0.1");

export function tlsConfig(overrides: Partial<TlsConfig> = {}): TlsConfig {
  return {
    minVersion: "1.3",
    alpn: ["http/1.1"],
    sessionTickets: 2,
    pqMode: "prefer",
    default: localhost,
    sni: [],
    ...overrides,
  };
}

/** What a client of Node's saw. */
export interface ClientView {
  readonly socket: TLSSocket;
  /** Common name of the certificate. */
  readonly name: string;
  readonly alpn: string | false | null;
  readonly text: string;
  readonly resumed: boolean;
  /** The last ticket it was given. */
  readonly session: Buffer | undefined;
}

/** Connects, reads until the server ends and closes. Rejects with the client's error. */
export function visit(port: number, options: ConnectionOptions = {}): Promise<ClientView> {
  return new Promise((done, failed) => {
    let session: Buffer | undefined;
    let text = "";
    let name = "";
    let resumed = false;
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
    socket.on("session", (ticket: Buffer) => {
      session = ticket;
    });
    socket.on("secureConnect", () => {
      name = String(socket.getPeerX509Certificate()?.subject ?? "").replace("CN=", "");
      resumed = socket.isSessionReused();
    });
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", failed);
    socket.on("close", () => done({ socket, name, alpn: socket.alpnProtocol, text, resumed, session }));
  });
}

/** Resolves when `socket` is closed, by an error or without; `once` of node:events would reject on the error. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((done) => socket.once("close", () => done()));
}
