import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { Server as NetServer } from "node:net";
import { TLSSocket } from "node:tls";
import type { AdminTlsConfig, ControlAddress } from "../config/config.ts";
import { BindError, type BoundHandle } from "./slots.ts";
import { listenAtPath } from "./socket-file.ts";

/** What a request says before its body. */
export interface ControlHead {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names; the first value of a repeated field, "" = absent. */
  readonly header: (name: string) => string;
}

export interface ControlRequest extends ControlHead {
  readonly peer: ControlPeer;
  /** Undefined: it has more than `bytesMax`. Rejects when the client leaves. At most once. */
  readonly readBody: (bytesMax: number) => Promise<Buffer | undefined>;
}

/** Who is at the other end. */
export interface ControlPeer {
  /** "" on a Unix socket. */
  readonly address: string;
  /** SHA-256 fingerprint of the client's certificate, which was verified; "" = none was asked for. */
  readonly certificate: string;
  /** The address of ours that it reached; "" on a Unix socket. */
  readonly reached: string;
}

export interface ControlAnswer {
  readonly status: number;
  readonly body: string;
  /** "text/plain; charset=utf-8" when not given. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Comes instead of `body` and goes on until one side ends it. */
  readonly stream?: (sink: ControlSink) => void;
}

/** An answer without an end of its own. */
export interface ControlSink {
  write(text: string): void;
  /** What was written and the client has not taken. */
  readonly unsentBytes: number;
  end(): void;
  onClose(run: () => void): void;
}

export type ControlHandler = (request: ControlRequest) => ControlAnswer | Promise<ControlAnswer>;

export interface ControlListenerOptions {
  /** For messages. */
  readonly name: string;
  readonly address: ControlAddress;
  /** A socket that is bound to it already. */
  readonly bound?: BoundHandle | undefined;
  /** TLS 1.3 with certificates of clients; undefined = plain. */
  readonly tls?: AdminTlsConfig | undefined;
  /** False: a request with a body is refused. */
  readonly takesBodies: boolean;
  readonly handle: ControlHandler;
  /** After each answer; `path` as asked. */
  readonly onAnswer: (path: string, status: number) => void;
}

export interface ControlListener {
  readonly name: string;
  readonly address: ControlAddress;
  /** For a later version of this process. */
  readonly fd: number;
  /** For new connections. Only where the listener has TLS already. */
  setTls(tls: AdminTlsConfig): void;
  /** Accepts no more; what is connected is answered. */
  release(): void;
  close(): void;
}

/** Own and small, so that a scraper that hangs can starve nobody. */
const maxConnections = 64;
/** From the answer's first byte to its last: a page of metrics has a few megabytes at most. */
const takeWithinMs = 5000;

/**
 * An HTTP listener of the control plane: `node:http`, low rate, for operators and machines of the house. It shares no
 * connection cap, time-out or metric with client traffic. Throws BindError.
 */
export async function openControlListener(options: ControlListenerOptions): Promise<ControlListener> {
  const { address, name, tls } = options;
  const { server, setTls } = createControlServer(
    tls,
    (request, response) => void serve(options, request, response),
  );
  server.maxConnections = maxConnections;
  server.maxRequestsPerSocket = 1000;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // Browsers open connections ahead of need: what is said on one that asked nothing is read as the answer to what it
    // asks first.
    if (socket.writable && error.code !== "ERR_HTTP_REQUEST_TIMEOUT")
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else socket.destroy();
  });
  const removeFile = await listen(server, options);
  // Accept errors (EMFILE) must not end the primary.
  server.on("error", () => {});
  const bound = server.address();
  return {
    name,
    address:
      "path" in address || typeof bound !== "object" || bound === null
        ? address
        : { host: address.host, port: bound.port },
    fd: (server as unknown as { readonly _handle?: { readonly fd: number } })._handle?.fd ?? -1,
    setTls,
    // Not its own `close`, which ends connections whose first request is on the way.
    release: () => {
      removeFile();
      NetServer.prototype.close.call(server);
    },
    close: () => {
      removeFile();
      server.close();
      server.closeAllConnections();
    },
  };
}

const httpOptions = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};
const handshakeWithinMs = 5000;

function createControlServer(
  tls: AdminTlsConfig | undefined,
  onRequest: RequestListener,
): { readonly server: Server | TlsServer; readonly setTls: (tls: AdminTlsConfig) => void } {
  if (tls === undefined) {
    return {
      server: createServer(httpOptions, onRequest),
      setTls: () => {
        throw new Error("a plain listener has no certificate");
      },
    };
  }
  const server = createTlsServer(
    {
      ...httpOptions,
      ...tlsOptions(tls),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: handshakeWithinMs,
    },
    onRequest,
  );
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  // With the new context come new ticket keys: nobody resumes what the old authorities allowed.
  return { server, setTls: (next) => server.setSecureContext(tlsOptions(next)) };
}

function tlsOptions({ certPem, keyPem, clientCaPem }: AdminTlsConfig) {
  return {
    cert: certPem,
    key: keyPem,
    ca: clientCaPem,
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
  } as const;
}

/** Resolves with what removes the file of the socket, where it has one. Throws BindError. */
async function listen(
  server: NetServer,
  { address, name, bound }: ControlListenerOptions,
): Promise<() => void> {
  if ("path" in address) return listenAtPath(server, address.path, name);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const code = error.code ?? "EUNKNOWN";
      reject(new BindError(code, `cannot listen on ${address.host}:${address.port} (${name}): ${code}`));
    });
    if (bound !== undefined) server.listen(bound, resolve);
    else server.listen({ host: address.host, port: address.port, exclusive: true }, resolve);
  });
  return () => {};
}

/** Of every JSON answer: grows by a whole when a reader of the old one would misread the new. */
export const formatVersion = "1.0";

export function json(
  status: number,
  value: object,
  headers?: Readonly<Record<string, string>>,
): ControlAnswer {
  const body = `${JSON.stringify({ format_version: formatVersion, ...value }, undefined, 2)}\n`;
  const answer = { status, body, type: "application/json" };
  return headers === undefined ? answer : { ...answer, headers };
}

/** A part of such an answer: whatever value it is. */
export function part(value: unknown): ControlAnswer {
  return { status: 200, body: `${JSON.stringify(value, undefined, 2)}\n`, type: "application/json" };
}

export function text(
  status: number,
  body: string,
  headers?: Readonly<Record<string, string>>,
): ControlAnswer {
  return headers === undefined ? { status, body: `${body}\n` } : { status, body: `${body}\n`, headers };
}

async function serve(
  options: ControlListenerOptions,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = targetOf(message);
  const header = (name: string) => {
    const value = message.headers[name];
    return Array.isArray(value) ? (value[0] ?? "") : (value ?? "");
  };
  let answer: ControlAnswer;
  if (message.headers.upgrade !== undefined) {
    // Nothing here becomes anything else; what follows would be read as another request.
    response.setHeader("Connection", "close");
    answer = text(400, "no upgrade is offered here");
  } else if (hasBody(message) && !options.takesBodies) answer = text(400, "no body is expected here");
  else {
    try {
      answer = await options.handle({
        method: message.method ?? "",
        path: pathname,
        query: searchParams,
        header,
        peer: peerOf(message),
        readBody: (bytesMax) => readBody(message, bytesMax),
      });
    } catch (cause) {
      // The client left in the middle of its body.
      if (message.destroyed && !message.complete) return;
      answer = text(500, "internal error");
      // A defect, not an answer: it takes the road of every other one.
      process.nextTick(() => {
        throw cause;
      });
    }
  }
  options.onAnswer(pathname, answer.status);
  // What is left of a body is not read.
  if (!message.complete && hasBody(message)) response.setHeader("Connection", "close");
  // A 304 speaks of an answer that is elsewhere (RFC 9110 §15.4.5), and a stream has no length.
  const isBare = answer.status === 304;
  response.writeHead(answer.status, {
    ...(isBare ? {} : { "Content-Type": answer.type ?? "text/plain; charset=utf-8" }),
    ...(isBare || answer.stream !== undefined ? {} : { "Content-Length": Buffer.byteLength(answer.body) }),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...answer.headers,
  });
  if (answer.stream !== undefined) return answer.stream(sinkOf(response));
  response.end(message.method === "HEAD" ? undefined : answer.body);
  // Whoever does not read holds one of few places.
  const overdue = setTimeout(() => message.destroy(), takeWithinMs);
  response.once("close", () => clearTimeout(overdue));
}

function sinkOf(response: ServerResponse): ControlSink {
  response.flushHeaders();
  response.on("error", () => {});
  return {
    write: (part) => void response.write(part),
    get unsentBytes() {
      return response.writableLength;
    },
    // Who does not read would never come to the end.
    end: () => void (response.writableLength > 0 ? response.destroy() : response.end()),
    onClose: (run) => void response.on("close", run),
  };
}

function peerOf({ socket }: IncomingMessage): ControlPeer {
  return {
    address: socket.remoteAddress ?? "",
    certificate:
      socket instanceof TLSSocket
        ? (socket.getPeerX509Certificate()?.fingerprint256.replaceAll(":", "").toLowerCase() ?? "")
        : "",
    reached: socket.localAddress ?? "",
  };
}

/** The target in origin or absolute form; anything else is no path of ours. */
function targetOf(message: IncomingMessage): {
  readonly pathname: string;
  readonly searchParams: URLSearchParams;
} {
  const url = URL.parse(message.url ?? "", "http://control");
  return url ?? { pathname: "", searchParams: new URLSearchParams() };
}

function hasBody({ headers }: IncomingMessage): boolean {
  const declared = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (declared !== undefined && declared !== "0");
}

async function readBody(message: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> {
  if (Number(message.headers["content-length"] ?? 0) > bytesMax) return undefined;
  const parts: Buffer[] = [];
  let bytes = 0;
  // Not by iteration, which destroys the connection when it ends early: the refusal is to be read.
  return new Promise((resolve, reject) => {
    message.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes <= bytesMax) parts.push(part);
      else {
        message.pause();
        resolve(undefined);
      }
    });
    message.on("end", () => resolve(Buffer.concat(parts)));
    message.on("error", reject);
    message.on("close", () => reject(new Error("the client left")));
  });
}
