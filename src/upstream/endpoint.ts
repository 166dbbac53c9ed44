import net from "node:net";
import tls from "node:tls";
import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import type { UpstreamHeadFacts } from "../http/print-request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Outbox } from "../std/outbox.ts";
import type { SharedReader } from "../std/shared-read.ts";
import type { TimerWheel } from "../std/timer-wheel.ts";
import { UpstreamConnection } from "./connection.ts";
import { EndpointState } from "./endpoint-state.ts";

/** What upstream connections of one worker share. */
export interface UpstreamDeps {
  readonly wheel: TimerWheel;
  readonly reader: SharedReader;
  /** Bytes on their way to upstreams. */
  readonly outbox: Outbox;
  readonly responseHead: ResponseHead;
  /** Resolved addresses of upstream host names; written by the control messages, last good ones stay. */
  readonly addresses: Map<string, readonly string[]>;
  nowMs(): number;
  /** A bug of ours was caught; see control/data-plane.ts. */
  onDefect(cause: unknown): void;
  /** Bytes of a log line that name the endpoint. */
  logPiece(upstream: string, url: string): Uint8Array;
}

/** Time-outs that a connection reads; met by UpstreamConfig. */
export type ConnectionSettings = Pick<
  UpstreamConfig,
  | "connectTimeoutMs"
  | "requestTimeoutMs"
  | "idleTimeoutMs"
  | "totalTimeoutMs"
  | "keepaliveTimeoutMs"
  | "keepalive"
>;

/** What the pool around an endpoint decides. */
export interface EndpointOwner {
  /** Secure context of a TLS upstream, built once. */
  readonly secureContext: tls.SecureContext | undefined;
  /** Connections of all endpoints that are being made. */
  connecting: number;
  /** Idle connections of all endpoints. */
  idleCount: number;
  readonly retired: boolean;
}

/** One member of an upstream: its idle connections and how to make new ones. */
export class Endpoint extends EndpointState {
  readonly url: string;
  readonly settings: ConnectionSettings;
  readonly deps: UpstreamDeps;
  readonly headFacts: UpstreamHeadFacts;
  readonly mergedHeadFacts: UpstreamHeadFacts;
  readonly logPiece: Uint8Array;
  /** Open connections, busy ones too. */
  open = 0;
  readonly #config: EndpointConfig;
  readonly #upstream: UpstreamConfig;
  readonly #owner: EndpointOwner;
  /** Last used last: the most recently used connection is taken first, so that surplus ones grow old and go. */
  readonly #idle: UpstreamConnection[] = [];
  readonly #connecting = new Set<UpstreamConnection>();
  #turns = 0;

  constructor(config: EndpointConfig, upstream: UpstreamConfig, owner: EndpointOwner, deps: UpstreamDeps) {
    super(config.url, config.weight);
    this.url = config.url;
    this.settings = upstream;
    this.deps = deps;
    this.#config = config;
    this.#upstream = upstream;
    this.#owner = owner;
    this.logPiece = deps.logPiece(upstream.name, config.url);
    const hostLine = upstream.preserveHost ? undefined : Buffer.from(`Host: ${hostOf(config)}\r\n`, "latin1");
    this.headFacts = { hostLine, mergeSlashes: false };
    this.mergedHeadFacts = { hostLine, mergeSlashes: true };
  }

  /**
   * An idle connection, or one that is being made; undefined when no address of the host is known. `fresh`: no idle
   * one, because an upstream that closed one of them while idle is likely to have closed them all.
   */
  take(fresh: boolean): UpstreamConnection | undefined {
    const idle = fresh ? undefined : this.#idle.pop();
    if (idle !== undefined) {
      this.#owner.idleCount--;
      return idle;
    }
    return this.#connect();
  }

  /** Keeps an idle connection. False: close it. */
  keep(connection: UpstreamConnection): boolean {
    if (this.#owner.retired || this.#owner.idleCount >= this.settings.keepalive) return false;
    this.#idle.push(connection);
    this.#owner.idleCount++;
    return true;
  }

  onConnected(connection: UpstreamConnection): void {
    if (this.#connecting.delete(connection)) this.#owner.connecting--;
  }

  /** The connection is closed. */
  forget(connection: UpstreamConnection): void {
    this.open--;
    this.onConnected(connection);
    const at = this.#idle.indexOf(connection);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#owner.idleCount--;
  }

  /** Closes what is idle, because the upstream is no longer configured like this. */
  closeIdle(): void {
    for (const connection of [...this.#idle]) connection.close();
  }

  #connect(): UpstreamConnection | undefined {
    const socket = this.#dial();
    if (socket === undefined) return undefined;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    const connection = new UpstreamConnection(this, socket, this.#config.scheme === "https");
    this.open++;
    this.#connecting.add(connection);
    this.#owner.connecting++;
    this.deps.reader.attach(socket, connection);
    return connection;
  }

  #dial(): net.Socket | undefined {
    const config = this.#config;
    const target = config.socketPath === "" ? this.#nextAddress() : config.socketPath;
    if (target === undefined) return undefined;
    const where = config.socketPath === "" ? { host: target, port: config.port } : { path: target };
    if (config.scheme === "http") return net.connect(where);
    const name = this.#upstream.serverName ?? config.host;
    return tls.connect({
      ...where,
      ...(this.#owner.secureContext === undefined ? {} : { secureContext: this.#owner.secureContext }),
      // RFC 6066 §3: literal addresses are not SNI.
      servername: net.isIP(name) === 0 ? name : "",
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
    });
  }

  /** Addresses in turn: the pool spreads over all that the name has. */
  #nextAddress(): string | undefined {
    const { host } = this.#config;
    if (net.isIP(host) !== 0) return host;
    const addresses = this.deps.addresses.get(host);
    if (addresses === undefined || addresses.length === 0) return undefined;
    return addresses[this.#turns++ % addresses.length];
  }
}

/** Authority for the Host field: the port is left out when it is the scheme's own. */
function hostOf(config: EndpointConfig): string {
  if (config.socketPath !== "") return "localhost";
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const usual = config.scheme === "https" ? 443 : 80;
  return config.port === usual ? host : `${host}:${config.port}`;
}
