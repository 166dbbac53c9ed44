import net from "node:net";
import type { ClientAuthTable } from "../cert/client-auth.ts";
import { namedPeer, type PeerFacts, readPeer } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import type { State } from "../state.ts";
import { forgetListeners } from "../std/gone-socket.ts";
import { Line } from "../std/line.ts";
import type { AcmeHandshakes } from "./acme-handshake.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import type { ConnectionCaps } from "./connection-caps.ts";
import type { HandshakeRate } from "./handshake-rate.ts";
import { awaitHello } from "./hello-wait.ts";
import { Http1Connection } from "./http1.ts";
import { Http2Connection } from "./http2.ts";
import { Http2Desk } from "./http2-desk.ts";
import { awaitPreface } from "./preface.ts";
import { awaitProxyHeader } from "./proxy-wait.ts";
import type { TlsFacts } from "./tls.ts";
import { reasonOfTlsFailure, type TlsFailure } from "./tls-failure.ts";
import type { TlsFront } from "./tls-front.ts";

const BACKLOG = 4096;
const NOTHING = Buffer.alloc(0);

/** What a TLS server is told about a connection, and tells back. */
export interface Accepted {
  readonly peer: PeerFacts;
  readonly listener: Listener;
  /** Monotonic ms. */
  readonly acceptedMs: number;
}

/**
 * One traffic listener of a worker: accepts on the sockets of its slots (its own, and those of a stuck neighbour),
 * applies the caps before anything is read, and hands the connection to HTTP/1.1 at once or after TLS. Only
 * `net.Server`s listen.
 */
export class Listener implements ConnectionOwner {
  readonly name: "http" | "https";
  readonly connections = new Line<ClientConnection>();
  /** The TLS servers of the current snapshot; undefined on the plain listener. */
  tls: TlsFront<Accepted> | undefined = undefined;
  /** While a CA validates by TLS; hellos are read before OpenSSL only then. */
  acme: AcmeHandshakes | undefined = undefined;
  readonly #state: State;
  readonly #caps: ConnectionCaps;
  readonly #handshakes: HandshakeRate;
  readonly #http2: Http2Desk;
  readonly #servers = new Map<number, net.Server>();

  constructor(name: "http" | "https", state: State, caps: ConnectionCaps, handshakes: HandshakeRate) {
    this.#handshakes = handshakes;
    this.name = name;
    this.#state = state;
    this.#caps = caps;
    this.#http2 = new Http2Desk(state);
  }

  /** Open HTTP/2 connections. */
  get http2Count(): number {
    return this.#http2.connections;
  }

  /**
   * Accepts on a bound handle, or binds the address. What the slot accepted on before is closed once this listens: a
   * listener that moves to other addresses of its port leaves no moment in which the kernel refuses.
   */
  open(slot: number, source: unknown, tcpKeepaliveSecs: number): Promise<void> {
    const former = this.#servers.get(slot);
    const server = net.createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: tcpKeepaliveSecs > 0,
      keepAliveInitialDelay: tcpKeepaliveSecs * 1000,
    });
    server.on("connection", (socket) => this.#accept(socket));
    this.#servers.set(slot, server);
    // All ends of this beginning: nobody else knows the former one any more.
    for (const event of ["listening", "error", "close"]) server.once(event, () => former?.close());
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      const listening = (): void => {
        server.removeListener("error", reject);
        // EMFILE and the like while accepting: the connection is lost, the listener is not.
        server.on("error", () => {});
        resolve();
      };
      if (isAddress(source)) {
        server.listen(
          { host: source.host, port: source.port, reusePort: true, exclusive: true, backlog: BACKLOG },
          listening,
        );
      } else {
        server.listen(source as net.Server, BACKLOG, listening);
      }
    });
  }

  /** Stops accepting on the slot. Connections stay. */
  close(slot: number): void {
    this.#servers.get(slot)?.close();
    this.#servers.delete(slot);
  }

  closeAll(): void {
    for (const slot of [...this.#servers.keys()]) this.close(slot);
    this.tls?.close();
  }

  forget(connection: ClientConnection): void {
    if (this.connections.delete(connection) && connection instanceof Http2Connection)
      this.#http2.connections--;
  }

  /**
   * A reload may have changed whose certificates are good. Requests are judged one by one; here what has no end of its
   * own ends too: WebSockets, event streams, long answers.
   */
  enforceClientAuth(clientAuth: ClientAuthTable | undefined): void {
    if (clientAuth === undefined) return;
    for (const connection of this.connections.all()) {
      // Nobody asked the others for a certificate.
      if (connection.tls === undefined || connection.tls.clientPolicy === "") continue;
      const { clientPolicy, clientCertificate } = connection.tls;
      const policy = clientAuth.byId(clientPolicy);
      if (policy === undefined) connection.drain();
      else if (clientCertificate !== undefined) {
        const reason = policy.judge(clientCertificate);
        if (reason !== undefined) connection.close(reason);
      }
    }
  }

  onSecure(socket: net.Socket, facts: TlsFacts, accepted: Accepted): void {
    const { clock, counters } = this.#state;
    counters.countHandshake("ok", facts.protocol, (clock.nowMs() - accepted.acceptedMs) / 1000);
    counters.countTlsGroup(facts.group);
    this.#connect(socket, accepted.peer, facts, facts.alpn === "h2");
  }

  onTlsFailed(failure: TlsFailure): void {
    this.#state.counters.countHandshake(failure, "");
    this.#state.counters.rejects[reasonOfTlsFailure(failure).index]!++;
  }

  #accept(socket: net.Socket): void {
    const peer = readPeer(socket.remoteAddress, this.#state.snapshot.trustedProxies);
    if (peer === undefined) {
      // Gone between accept and now.
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    const { level } = this.#state.pressure;
    // Idle connections hold memory too.
    if (level > 0) this.#shedIdle();
    if (level === 3) {
      this.#refuse(socket, reasons.shedConnection);
      return;
    }
    if (!this.#caps.enter()) {
      this.#refuse(socket, reasons.connCap);
      this.#shedIdle();
      return;
    }
    const { proxyProtocol } = this.#state.snapshot;
    if (proxyProtocol?.has(peer.address) === true) this.#awaitProxyHeader(socket, peer);
    else this.#admit(socket, peer, NOTHING);
  }

  /** The peer is known, by its address or by its proxy's word. `rest` was read already. */
  #admit(socket: net.Socket, peer: PeerFacts, rest: Buffer): void {
    // A trusted proxy is many people: it is counted by no address, and its clients by their requests.
    const group = peer.trusted ? undefined : this.#caps.join(peer.address);
    if (group === undefined && !peer.trusted) {
      this.#caps.leave(undefined);
      this.#refuse(socket, reasons.connCapAddress);
      return;
    }
    if (
      this.tls !== undefined &&
      !peer.trusted &&
      !this.#handshakes.allows(peer.address, this.#state.clock.nowMs())
    ) {
      this.#caps.leave(group);
      this.#refuse(socket, reasons.handshakeRate);
      return;
    }
    this.#state.counters.connectionsTotal[this.name]++;
    socket.once("close", () => {
      this.#caps.leave(group);
      forgetListeners(socket);
    });
    if (this.tls === undefined && !this.#state.snapshot.connection.h2c) {
      this.#giveRest(this.#connect(socket, peer, undefined, false), rest);
      return;
    }
    // These read from the socket.
    if (rest.length > 0) socket.unshift(rest);
    if (this.tls === undefined) this.#awaitPreface(socket, peer);
    else if (this.acme === undefined && !this.tls.needsName) this.#handshake(socket, peer, "");
    else this.#awaitHello(socket, peer);
  }

  #refuse(socket: net.Socket, reason: Reason): void {
    this.#state.counters.rejects[reason.index]!++;
    socket.on("error", () => {});
    socket.destroy();
  }

  /** The proxy's connections are not counted for its own address: it has those of all its clients. */
  #awaitProxyHeader(socket: net.Socket, proxy: PeerFacts): void {
    const onGone = (): void => this.#caps.leave(undefined);
    socket.once("close", onGone);
    const reading = awaitProxyHeader(socket, this, this.#state, ({ version, source }, rest) => {
      socket.off("close", onGone);
      const { counters, snapshot } = this.#state;
      counters.proxyHeaders[version === 1 ? "v1" : "v2"]++;
      this.#admit(socket, source === undefined ? proxy : namedPeer(source, snapshot.trustedProxies), rest);
    });
    this.connections.add(reading);
  }

  #handshake(socket: net.Socket, peer: PeerFacts, serverName: string): void {
    const acceptedMs = this.#state.clock.nowMs();
    this.tls!.accept(socket, { peer, listener: this, acceptedMs }, serverName);
  }

  #awaitHello(socket: net.Socket, peer: PeerFacts): void {
    const reading = awaitHello(socket, this, this.#state, (hello, bytes) => {
      socket.unshift(bytes);
      if (hello !== undefined && this.acme?.isFor(hello) === true) this.acme.answer(socket);
      else this.#handshake(socket, peer, hello?.serverName ?? "");
    });
    this.connections.add(reading);
  }

  #awaitPreface(socket: net.Socket, peer: PeerFacts): void {
    const reading = awaitPreface(socket, this, this.#state, (isHttp2, bytes) => {
      this.#giveRest(this.#connect(socket, peer, undefined, isHttp2), bytes);
    });
    this.connections.add(reading);
  }

  /** A connection takes what was read before it was there. */
  #giveRest(connection: Http1Connection | Http2Connection, rest: Buffer): void {
    if (rest.length === 0) return;
    try {
      connection.onRead(rest, rest.length);
    } catch (cause) {
      connection.onDefect(cause);
    }
  }

  #connect(
    socket: net.Socket,
    peer: PeerFacts,
    tls: TlsFacts | undefined,
    isHttp2: boolean,
  ): Http1Connection | Http2Connection {
    if (!isHttp2) {
      const connection = new Http1Connection(socket, peer, tls, this, this.#state);
      this.connections.add(connection);
      return connection;
    }
    const connection = new Http2Connection(socket, peer, tls, this, this.#http2, this.#state);
    this.connections.add(connection);
    this.#http2.connections++;
    return connection;
  }

  /** At the cap, idle connections make room for new ones: a few at a time, oldest first. */
  #shedIdle(): void {
    let shed = 0;
    let next: ClientConnection | undefined;
    for (let connection = this.connections.first; connection !== undefined; connection = next) {
      // Closed, it is in no line any more.
      next = connection.behind;
      if (!connection.idle) continue;
      connection.close(reasons.idleTimeout);
      if (++shed === 16) return;
    }
  }
}

function isAddress(source: unknown): source is { readonly host: string; readonly port: number } {
  return typeof source === "object" && source !== null && "host" in source && "port" in source;
}
