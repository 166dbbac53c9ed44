import http2 from "node:http2";
import https from "node:https";
import type net from "node:net";
import type { TestContext } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";

/** One stream of an HTTP/2 origin, as it came. */
export interface Http2Arrival {
  readonly stream: http2.ServerHttp2Stream;
  readonly headers: http2.IncomingHttpHeaders;
  /** Name and value in turn. */
  readonly raw: readonly string[];
  readonly session: http2.Http2Session;
  /** Resolves when the client ended its side. */
  readonly body: Promise<Buffer>;
  /** Trailers of the request, once its body is complete. */
  readonly trailers: () => http2.IncomingHttpHeaders | undefined;
}

export interface Http2Origin {
  readonly port: number;
  readonly arrivals: readonly Http2Arrival[];
  readonly sessions: readonly http2.Http2Session[];
  /** PEM, over TLS. */
  readonly certPem: string;
}

export interface Http2OriginOptions {
  readonly settings?: http2.Settings;
  /** ALPN and TLS. Undefined: prior knowledge. */
  readonly alpn?: readonly string[];
}

type StreamEvent = [
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  flags: number,
  raw?: readonly string[],
];

/** An HTTP/2 origin that ends with the test. `answer` is called with the head; the body may still come. */
export async function startHttp2Origin(
  t: TestContext,
  answer: (arrival: Http2Arrival) => void,
  { settings, alpn }: Http2OriginOptions = {},
): Promise<Http2Origin> {
  const arrivals: Http2Arrival[] = [];
  const sessions: http2.Http2Session[] = [];
  const sockets = new Set<net.Socket>();
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost"], days: 2 });
  const options = settings === undefined ? {} : { settings };
  const server =
    alpn === undefined
      ? http2.createServer(options)
      : !alpn.includes("h2")
        ? https.createServer({ cert: certPem, key: keyPem })
        : http2.createSecureServer({
            ...options,
            cert: certPem,
            key: keyPem,
            ALPNProtocols: [...alpn],
            allowHTTP1: alpn.includes("http/1.1"),
          });
  server.on("connection", (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("session", (session: http2.Http2Session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (...[stream, headers, , raw]: StreamEvent) => {
    stream.on("error", () => {});
    let trailers: http2.IncomingHttpHeaders | undefined;
    stream.on("trailers", (fields: http2.IncomingHttpHeaders) => {
      trailers = fields;
    });
    const body = new Promise<Buffer>((resolve) => {
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", () => resolve(Buffer.concat(pieces)));
    });
    const session = stream.session!;
    const arrival = { stream, headers, raw: raw ?? [], session, body, trailers: () => trailers };
    arrivals.push(arrival);
    answer(arrival);
  });
  if (alpn?.includes("http/1.1") === true)
    server.on("request", (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => {
      if (request.httpVersionMajor === 1) response.end(`by HTTP/1.1 ${request.url}`);
    });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  return { port, arrivals, sessions, certPem };
}
