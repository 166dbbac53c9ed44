import httpProxy from "@fastify/http-proxy";
import fastify from "fastify";
import { forwarded, origin, ports, tls } from "./server.mjs";

for (const [port, https] of [
  [ports.http, null],
  [ports.https, tls],
]) {
  const server = fastify({ https, bodyLimit: 16 * 2 ** 20 });
  server.register(httpProxy, {
    upstream: origin,
    websocket: true,
    undici: { connections: 256, pipelining: 1 },
    replyOptions: {
      rewriteRequestHeaders: (request, headers) => ({
        ...headers,
        host: request.headers.host,
        ...forwarded(request.raw ?? request),
      }),
    },
  });
  await server.listen({ port, host: "127.0.0.1" });
}
