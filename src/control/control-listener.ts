import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
import type { SocketAddress } from "../config/config.ts";
import { BindError, type BoundHandle } from "./slots.ts";

export interface ControlRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names; the first value of a repeated field, "" = absent. */
  readonly header: (name: string) => string;
  /** At most `maxBodyBytes` bytes. */
  readonly body: Buffer;
}

export interface ControlAnswer {
  readonly status: number;
  readonly body: string;
  /** "text/plain; charset=utf-8" when not given. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type ControlHandler = (request: ControlRequest) => ControlAnswer | Promise<ControlAnswer>;

export interface ControlListenerOptions {
  /** For messages. */
  readonly name: string;
  readonly address: SocketAddress;
  /** A socket that is bound to it already. */
  readonly bound?: BoundHandle | undefined;
  /** 0: a request with a body is refused. */
  readonly maxBodyBytes: number;
  readonly handle: ControlHandler;
  /** After each answer; `path` as asked. */
  readonly onAnswer: (path: string, status: number) => void;
}

export interface ControlListener {
  readonly name: string;
  readonly address: SocketAddress;
  /** For a later version of this process. */
  readonly fd: number;
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
  const { address, name } = options;
  const server = createServer({
    maxHeaderSize: 8192,
    headersTimeout: 5000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5000,
    connectionsCheckingInterval: 1000,
  });
  server.maxConnections = maxConnections;
  server.maxRequestsPerSocket = 1000;
  server.on("request", (request, response) => void serve(options, request, response));
  server.on("clientError", (_error, socket) => {
    if (socket.writable)
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const code = error.code ?? "EUNKNOWN";
      reject(new BindError(code, `cannot listen on ${address.host}:${address.port} (${name}): ${code}`));
    });
    if (options.bound !== undefined) server.listen(options.bound, resolve);
    else server.listen({ host: address.host, port: address.port, exclusive: true }, resolve);
  });
  // Accept errors (EMFILE) must not end the primary.
  server.on("error", () => {});
  const bound = server.address();
  return {
    name,
    address: {
      host: address.host,
      port: typeof bound === "object" && bound !== null ? bound.port : address.port,
    },
    fd: (server as unknown as { readonly _handle?: { readonly fd: number } })._handle?.fd ?? -1,
    // Not its own `close`, which ends connections whose first request is on the way.
    release: () => void NetServer.prototype.close.call(server),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

export function json(status: number, value: unknown): ControlAnswer {
  return { status, body: `${JSON.stringify(value, undefined, 2)}\n`, type: "application/json" };
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
  const body = await readBody(message, options.maxBodyBytes).catch(() => undefined);
  let answer: ControlAnswer;
  if (body === undefined) return void message.destroy();
  if (message.headers.upgrade !== undefined) {
    // Nothing here becomes anything else; what follows would be read as another request.
    response.setHeader("Connection", "close");
    answer = text(400, "no upgrade is offered here");
  } else if (typeof body === "number") {
    response.setHeader("Connection", "close");
    answer = text(body, body === 413 ? "body too large" : "no body is expected here");
  } else {
    try {
      answer = await options.handle({
        method: message.method ?? "",
        path: pathname,
        query: searchParams,
        header,
        body,
      });
    } catch (cause) {
      answer = text(500, "internal error");
      // A defect, not an answer: it takes the road of every other one.
      process.nextTick(() => {
        throw cause;
      });
    }
  }
  options.onAnswer(pathname, answer.status);
  // A 304 speaks of an answer that is elsewhere (RFC 9110 §15.4.5).
  const content = {
    "Content-Type": answer.type ?? "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(answer.body),
  };
  response.writeHead(answer.status, {
    ...(answer.status === 304 ? {} : content),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...answer.headers,
  });
  response.end(message.method === "HEAD" ? undefined : answer.body);
  // Whoever does not read holds one of few places.
  const overdue = setTimeout(() => message.destroy(), takeWithinMs);
  response.once("close", () => clearTimeout(overdue));
}

/** The target in origin or absolute form; anything else is no path of ours. */
function targetOf(message: IncomingMessage): {
  readonly pathname: string;
  readonly searchParams: URLSearchParams;
} {
  const url = URL.parse(message.url ?? "", "http://control");
  return url ?? { pathname: "", searchParams: new URLSearchParams() };
}

/** The body, or the status that refuses it. Rejects when the client leaves. */
async function readBody(message: IncomingMessage, maxBytes: number): Promise<Buffer | number> {
  const declared = message.headers["content-length"];
  const hasBody =
    message.headers["transfer-encoding"] !== undefined || (declared !== undefined && declared !== "0");
  if (!hasBody) return Buffer.alloc(0);
  if (maxBytes === 0) return 400;
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes) return 413;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
