import net from "node:net";
import tls from "node:tls";
import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import type { UpstreamHeadFacts } from "../http/print-request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Outbox } from "../std/outbox.ts";
import type { SharedReader } from "../std/shared-read.ts";
import type { TimerWheel } from "../std/timer-wheel.ts";
import type { Carrier } from "./carrier.ts";
import { UpstreamConnection } from "./connection.ts";
import { EndpointState } from "./endpoint-state.ts";
import { Http2Sessions } from "./http2-sessions.ts";
import { UpstreamStream } from "./http2-stream.ts";
import type { NoCarrier } from "./no-carrier.ts";

/** What upstream connections of one worker share. */
export interface UpstreamDeps {
  readonly wheel: TimerWheel;
  readonly reader: SharedReader;
  /** Bytes on their way to upstreams. */
  readonly outbox: Outbox;
  readonly responseHead: ResponseHead;
  /** Heads on their way from one protocol to the other; used within one call. */
  readonly scratch: Outbox;
  /** Resolved addresses of upstream host names; written by the control messages, last good ones stay. */
  readonly addresses: Map<string, readonly string[]>;
  nowMs(): number;
  /** Since the epoch. */
  wallMs(): number;
  /** Signs cookies of sticky sessions: 32 bytes that all workers of the machine have. Set before the listeners open. */
  stickyRoot: Uint8Array;
  /** A bug of ours was caught; see control/data-plane.ts. */
  onDefect(cause: unknown): void;
  /** Carries what would be sent, and sends nothing: for explanations. Absent while serving. */
  readonly standIn?: (endpoint: Endpoint) => Carrier;
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
  /** Connections that were begun. */
  opened: number;
  /** Idle connections of all endpoints. */
  idleCount: number;
  readonly retired: boolean;
}

/**
 * Connections to one endpoint that may be under way, per worker, when none has come about for CONNECT_STALLED_MS: what
 * an endpoint that swallows connections can hold (reliability.md F10).
 */
const CONNECTING_STALLED_MAX = 256;
const CONNECT_STALLED_MS = 1000;
/** And at any time. Thousands of clients that come at once, after a start, ask an endpoint that answers for as many. */
const CONNECTING_MAX = 8192;

/**
 * Idle connections beyond `keepalive` wait this long for the next request, and are the first to be taken. At 512 clients
 * in turn closing them at once made a connection for every second request: half of the throughput (21,300/s of 42,000),
 * and a port in TIME_WAIT each.
 */
const SURPLUS_MS = 500;

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
  readonly #connecting = new Set<object>();
  /** When a connection was last made, or the first of those under way was begun. */
  #connectedMs = 0;
  /** Undefined where only HTTP/1.1 is spoken. */
  readonly #sessions: Http2Sessions | undefined;
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
    this.#sessions = speaksHttp2(config, upstream) ? new Http2Sessions(this, upstream.protocol) : undefined;
  }

  /** The upstream is no longer configured like this. */
  get isRetired(): boolean {
    return this.#owner.retired;
  }

  /**
   * Something to send a request by, or why there is nothing. `fresh`: not by a connection that has been idle. `http1`:
   * only HTTP/1.1 will do.
   */
  take(fresh: boolean, http1: boolean): Carrier | NoCarrier {
    if (this.deps.standIn !== undefined) return this.deps.standIn(this);
    if (this.#sessions === undefined || http1 || !this.#sessions.isChosen) return this.takeHttp1(fresh);
    const session = this.#sessions.take(fresh);
    return typeof session === "object" ? new UpstreamStream(this, session) : session;
  }

  /** A socket on its way to the endpoint, counted, that will speak HTTP/2. */
  dialHttp2(protocols: string[]): net.Socket | undefined {
    const socket = this.#dial(protocols);
    if (socket === undefined) return undefined;
    tune(socket);
    return socket;
  }

  get encrypted(): boolean {
    return this.#config.scheme === "https";
  }

  /**
   * An idle connection, or one that is being made. `fresh`: no idle one, because an upstream that closed one of them
   * while idle is likely to have closed them all.
   */
  takeHttp1(fresh: boolean): UpstreamConnection | NoCarrier {
    const idle = fresh ? undefined : this.#idle.pop();
    if (idle !== undefined) {
      this.#owner.idleCount--;
      return idle;
    }
    return this.#connect();
  }

  /** For how long an idle connection is kept, in ms; 0: close it. */
  keep(connection: UpstreamConnection): number {
    const { keepalive, keepaliveTimeoutMs } = this.settings;
    if (this.#owner.retired || keepalive === 0) return 0;
    this.#idle.push(connection);
    const isSurplus = ++this.#owner.idleCount > keepalive;
    return isSurplus ? Math.min(SURPLUS_MS, keepaliveTimeoutMs) : keepaliveTimeoutMs;
  }

  /** Counts a connection that is being made. */
  onConnecting(connection: object): void {
    if (this.#connecting.size === 0) this.#connectedMs = this.deps.nowMs();
    this.open++;
    this.#owner.opened++;
    this.#connecting.add(connection);
  }

  onConnected(connection: object): void {
    this.#connectedMs = this.deps.nowMs();
    this.#connecting.delete(connection);
  }

  /** The connection is closed. */
  forget(connection: object): void {
    this.open--;
    this.#connecting.delete(connection);
    const at = this.#idle.indexOf(connection as UpstreamConnection);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#owner.idleCount--;
  }

  /** Closes what is idle, because the upstream is no longer configured like this. */
  closeIdle(): void {
    for (const connection of [...this.#idle]) connection.close();
    this.#sessions?.retire();
  }

  #connect(): UpstreamConnection | NoCarrier {
    if (this.#connecting.size >= CONNECTING_STALLED_MAX && this.#isStalled()) return "connecting";
    const socket = this.#dial(http1Only);
    if (socket === undefined) return "no_address";
    tune(socket);
    const connection = new UpstreamConnection(this, socket, this.encrypted);
    this.onConnecting(connection);
    this.deps.reader.attach(socket, connection);
    return connection;
  }

  #isStalled(): boolean {
    return (
      this.#connecting.size >= CONNECTING_MAX || this.deps.nowMs() - this.#connectedMs > CONNECT_STALLED_MS
    );
  }

  #dial(protocols: string[]): net.Socket | undefined {
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
      ALPNProtocols: protocols,
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

const http1Only = ["http/1.1"];

function speaksHttp2(endpoint: EndpointConfig, { protocol }: UpstreamConfig): boolean {
  if (protocol === "http1") return false;
  return (protocol === "h2c") === (endpoint.scheme === "http");
}

function tune(socket: net.Socket): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 60_000);
}

/** Authority for the Host field: the port is left out when it is the scheme's own. */
export function hostOf(config: EndpointConfig): string {
  if (config.socketPath !== "") return "localhost";
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const usual = config.scheme === "https" ? 443 : 80;
  return config.port === usual ? host : `${host}:${config.port}`;
}
