import type { Socket } from "node:net";
import {
  createSecureContext,
  createServer,
  type TlsOptions as NodeTlsOptions,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import type { ClientAuthPolicy } from "../cert/client-auth.ts";
import { foldServerName } from "../cert/server-name.ts";
import {
  type CertificateChain,
  type CertificateEntry,
  type CertificateStore,
  chainFor,
} from "../cert/store.ts";
import type { ShownCertificate } from "../http/tls-facts.ts";
import { Line, type LineMember } from "../std/line.ts";
import { readTlsFailure, type TlsFailure, unknownNameError } from "./tls-failure.ts";
import { type TlsGroup, takeTlsGroup } from "./tls-group.ts";

/** Facts of a finished handshake, copied once; fixed shape. */
export interface TlsFacts {
  /** "TLSv1.3" or "TLSv1.2". */
  readonly protocol: string;
  /** IANA name of the suite, e.g. "TLS_AES_128_GCM_SHA256". */
  readonly cipher: string;
  /** "http/1.1", "h2"; "" when the client offered none. */
  readonly alpn: string;
  /** How the keys were agreed on. */
  readonly group: TlsGroup;
  /** SNI, folded as certificates are looked up; "" without SNI or with one that is not a host name. */
  readonly serverName: string;
  /** Whether a ticket was taken. */
  readonly resumed: boolean;
  /** `CertificateEntry.id` in the store of this server's generation. */
  readonly certificateId: number;
  /** Id of the policy under which a client certificate was asked for; "" = it was not. */
  readonly clientPolicy: string;
  /** What the client showed, good or bad; also when a ticket was taken, which holds it. */
  readonly clientCertificate: ShownCertificate | undefined;
}

export interface TlsServerOptions {
  /** In order of preference; empty = ALPN is not spoken. A client that offers only others gets an alert. */
  readonly alpn: readonly string[];
  /** From accept to the end of the handshake, whatever trickles in meanwhile. */
  readonly handshakeTimeoutMs: number;
  /** Handshakes in progress at once; further connections are destroyed without an alert. */
  readonly handshakesMax: number;
  /** 48 bytes shared by all workers. */
  readonly ticketKeys: Buffer;
  /** What a client that asks for a name without a certificate gets: the default one, or a closed connection. */
  readonly unknownName: "default" | "refuse";
  /** For sockets after the handshake. During it a client's FIN always ends the connection. */
  readonly allowHalfOpen: boolean;
  /** Clients are asked for a certificate. Bad ones and none at all are no failure here: facts tell of them. */
  readonly clientAuth?: ClientAuthPolicy;
  /** Handshakes that count towards `handshakesMax`, where several servers share it. */
  readonly countHandshakes?: () => number;
  /** The OCSP answer about a certificate that a client that asks for one gets with it (RFC 6066 §8). Must not throw. */
  readonly stapleOf?: (chain: CertificateChain) => Buffer | undefined;
}

/** What a connection becomes: exactly one of the two is called for each that `accept` took. */
export interface TlsEvents<T> {
  /**
   * The handshake is done. Called synchronously in 'secureConnection': nothing has been read from `socket`, nothing
   * listens for its data, and it is not flowing. It destroys itself on 'error'.
   */
  onSecure(socket: TLSSocket, facts: TlsFacts, context: T): void;
  /** There is no TLS connection; its socket is destroyed already. */
  onFailed(failure: TlsFailure, context: T): void;
}

/** Terminates TLS for one snapshot generation and one client-auth policy. `T` is the caller's word on a connection. */
export interface TlsServer<T> {
  /**
   * Takes over `raw`, an accepted connection that nobody reads from. Bytes that were peeked must be unshifted. From
   * then on only the TLS socket may be destroyed, or `raw` alone from the event loop: destroying `raw` and then the
   * TLS socket inside a TLS event ends the process (see `destroySafely`).
   */
  accept(raw: Socket, context: T): void;
  /**
   * 48 bytes; throws on another length. Node replaces the key at once: tickets sealed with the old one are
   * refused from now on, which costs their holders one full handshake and nothing else. All workers must get the
   * keys together. There is no period in which both are taken, so a rotation also revokes.
   */
  setTicketKeys(keys: Buffer): void;
  /** Handshakes in progress. */
  countHandshakes(): number;
  /** New connections are destroyed from now on. Handshakes in progress go on, live connections keep theirs. */
  close(): void;
  /** Ends the handshakes in progress, for a drain whose time is over. */
  destroyHandshakes(): void;
}

/**
 * A `tls.Server` that never listens: the listener feeds it sockets, and a reload replaces it as a whole. This is the
 * only file that may call a TLS getter, and only inside 'secureConnection': on a socket whose handshake failed they
 * end the process with SIGSEGV, which any TLS 1.2 client could cause (reliability.md §0.1 finding 1, N1).
 */
export function buildTlsServer<T>(
  store: CertificateStore,
  options: TlsServerOptions,
  events: TlsEvents<T>,
): TlsServer<T> {
  const pending = new Line<Handshake<T>>();
  let isClosed = false;
  const contextOf = contextsWith(options.clientAuth);
  /** What the connection is served with whose SNI callback is on the stack. */
  let chosen: CertificateChain | undefined;
  const server = createServer({
    ...serverOptions(store, options),
    // Node calls it as a method of the connection, and gives the staple inside `done`.
    SNICallback(this: TLSSocket, name, done) {
      const entry = store.match(name);
      if (entry === undefined && options.unknownName === "refuse" && !isCovered(store, name)) {
        // Node has no way to send unrecognized_name from here: the connection is closed (RFC 6066 §3 allows it).
        done(unknownNameError);
        return;
      }
      chosen = chooseChain(this, entry ?? store.default, store);
      try {
        // Without a context the connection keeps the server's own, the default certificate.
        if (chosen === undefined || (chosen === store.default && store.default.second === undefined))
          done(null);
        else done(null, contextOf(chosen));
      } finally {
        chosen = undefined;
      }
    },
  });
  setTicketKeys(options.ticketKeys);

  function accept(raw: Socket, context: T): void {
    raw.on("error", ignoreError); // until the TLS socket forwards them, and after it is gone
    const refusal = refusalOf(raw);
    if (refusal !== undefined) {
      fail(raw, context, refusal);
      return;
    }
    const handshake: Handshake<T> = { raw, context, before: undefined, behind: undefined };
    (raw as HandshakeSocket<T>)[HANDSHAKE] = handshake;
    pending.add(handshake);
    raw.on("close", onRawClose);
    // With half-open sockets a FIN inside the handshake would hold the connection until the time-out.
    raw.allowHalfOpen = false;
    server.emit("connection", raw);
  }

  function refusalOf(raw: Socket): TlsFailure | undefined {
    if (isClosed) return "closed";
    if (raw.destroyed) return "reset";
    const count = options.countHandshakes?.() ?? pending.size;
    return count >= options.handshakesMax ? "handshake_cap" : undefined;
  }

  function fail(raw: Socket, context: T, failure: TlsFailure): void {
    raw.destroy();
    events.onFailed(failure, context);
  }

  function onRawClose(this: Socket): void {
    settleFailed(this, "reset");
  }

  /** The first of 'secureConnection', 'tlsClientError' and the raw socket's 'close' decides; the others find nothing. */
  function settleFailed(raw: Socket, failure: TlsFailure): void {
    const handshake = (raw as HandshakeSocket<T>)[HANDSHAKE];
    if (handshake !== undefined && pending.delete(handshake)) fail(raw, handshake.context, failure);
  }

  server.on("secureConnection", (socket) => {
    socket.on("error", destroyOnError);
    const raw = rawSocketOf(socket);
    const handshake = (raw as HandshakeSocket<T>)[HANDSHAKE];
    if (handshake === undefined || !pending.delete(handshake)) {
      destroySafely(socket);
      return;
    }
    socket.allowHalfOpen = options.allowHalfOpen;
    events.onSecure(socket, copyFacts(socket, store, options.clientAuth), handshake.context);
  });

  const { stapleOf } = options;
  if (stapleOf !== undefined) {
    server.on("OCSPRequest", (_certificate, _issuer, done) => {
      // Where OpenSSL chooses between the default's two certificates, it does so later than this.
      const chain = chosen ?? (store.default.second === undefined ? store.default : undefined);
      // Undefined is no answer; Node would throw on it.
      done(null, (chain === undefined ? undefined : stapleOf(chain)) ?? (null as unknown as Buffer));
    });
  }

  server.on("tlsClientError", (error, socket) => {
    // After a time-out nothing else would: Node reports it and leaves the socket open.
    destroySafely(socket);
    settleFailed(rawSocketOf(socket), readTlsFailure(error));
  });

  function setTicketKeys(keys: Buffer): void {
    // Node would throw an assertion; the length comes from another process's message.
    if (keys.length !== 48) throw new RangeError(`ticket keys are 48 bytes, not ${keys.length}`);
    // Also for certificates that SNI chose: Node takes only the chain and the key from their contexts.
    server.setTicketKeys(keys);
  }

  return {
    accept,
    setTicketKeys,
    countHandshakes: () => pending.size,
    close: () => {
      isClosed = true;
    },
    destroyHandshakes: () => {
      for (const { raw } of pending.all()) settleFailed(raw, "closed");
    },
  };
}

/** One that is under way. */
interface Handshake<T> extends LineMember<Handshake<T>> {
  readonly raw: Socket;
  readonly context: T;
}

/** On the socket below TLS, where Node leads to from each of its events. */
const HANDSHAKE = Symbol("handshake");

interface HandshakeSocket<T> extends Socket {
  [HANDSHAKE]?: Handshake<T>;
}

function serverOptions(store: CertificateStore, options: TlsServerOptions): NodeTlsOptions {
  const base: NodeTlsOptions = {
    ...store.serverOptions,
    handshakeTimeout: options.handshakeTimeoutMs,
    ...(options.clientAuth === undefined ? {} : clientAuthOptions(options.clientAuth)),
  };
  return options.alpn.length === 0 ? base : { ...base, ALPNProtocols: [...options.alpn] };
}

/**
 * `rejectUnauthorized` would not refuse a bad certificate with an alert either: Node accepts every chain and looks at the
 * result afterwards. Tickets are bound to the policy: one of another policy, which may have asked for no certificate,
 * means a full handshake.
 */
function clientAuthOptions({ id, caPem }: ClientAuthPolicy): NodeTlsOptions {
  return { requestCert: true, rejectUnauthorized: false, ca: [caPem], sessionIdContext: id };
}

/** A connection verifies with the authorities of the context that its name chose, not with the server's. */
function contextsWith(policy: ClientAuthPolicy | undefined): (chain: CertificateChain) => SecureContext {
  if (policy === undefined) return ({ context }) => context;
  const contexts = new Map<CertificateChain, SecureContext>();
  return (chain) => {
    let context = contexts.get(chain);
    if (context === undefined) {
      context = createSecureContext({ ...chain.options, ca: [policy.caPem] });
      contexts.set(chain, context);
    }
    return context;
  };
}

/** Whether the default certificate itself is made out to `name`. */
function isCovered(store: CertificateStore, name: string): boolean {
  const folded = foldServerName(name);
  return folded !== undefined && store.default.leaf.checkHost(folded) !== undefined;
}

/**
 * Undefined: OpenSSL chooses, between the default's two and in TLS 1.2, where it knows the suites and we do not. Calls TLS
 * getters, which is safe here: the handshake is on the stack.
 */
function chooseChain(
  socket: TLSSocket,
  entry: CertificateEntry,
  store: CertificateStore,
): CertificateChain | undefined {
  if (entry.second === undefined) return entry;
  const protocol = socket.getProtocol();
  if (entry === store.default && protocol === "TLSv1.2") return undefined;
  return chainFor(entry, protocol, socket.getSharedSigalgs());
}

function copyFacts(
  socket: TLSSocket,
  store: CertificateStore,
  policy: ClientAuthPolicy | undefined,
): TlsFacts {
  const shown = policy === undefined ? undefined : socket.getPeerX509Certificate();
  const asked = socket.servername as string | false | null; // typed too narrowly for server sockets
  const serverName = typeof asked === "string" ? (foldServerName(asked) ?? "") : "";
  const alpn = socket.alpnProtocol as string | false | null;
  return {
    protocol: socket.getProtocol() ?? "",
    cipher: socket.getCipher().standardName,
    alpn: typeof alpn === "string" ? alpn : "",
    group: takeTlsGroup(socket.getSession()),
    serverName,
    resumed: socket.isSessionReused(),
    certificateId: store.find(serverName).id,
    clientPolicy: policy?.id ?? "",
    clientCertificate: shown === undefined ? undefined : policy!.read(shown, verifyErrorOf(socket)),
  };
}

/** A code such as CERT_HAS_EXPIRED, or undefined; the types say Error. */
function verifyErrorOf(socket: TLSSocket): string | undefined {
  const error = socket.authorizationError as unknown;
  return typeof error === "string" ? error : socket.authorized ? undefined : "UNSPECIFIED";
}

/**
 * The socket that `accept` took. Node keeps it in `_parent` of the TLS socket and tells nobody; without it a finished
 * handshake could not be told from one in progress. Tests fail at once should a Node version rename it.
 */
function rawSocketOf(socket: TLSSocket): Socket {
  return (socket as unknown as { readonly _parent: Socket })._parent;
}

function ignoreError(): void {
  // 'close' follows and says all there is to say; without a listener an ECONNRESET would end the worker (N2).
}

/** After the handshake Node reports a broken record with 'error' but leaves the connection open. */
function destroyOnError(this: TLSSocket): void {
  destroySafely(this);
}

/**
 * Destroys the TLS socket and, through it, the raw one. Never the raw one first: when the TLS socket is destroyed
 * after it and OpenSSL is still on the stack (as in 'secureConnection', and in the ticks and promise reactions that
 * run before it returns), the process ends with SIGSEGV (measured on Node 24.21). Where the raw socket is gone already,
 * Node destroys the TLS socket on its 'close', which comes from the event loop.
 */
export function destroySafely(socket: TLSSocket): void {
  if (!rawSocketOf(socket).destroyed) socket.destroy();
}
