import { createProxyServer } from "http-proxy-3";
import { agent, forwarded, listen, origin } from "./server.mjs";

const proxy = createProxyServer({ target: origin, agent });
// A WebSocket has a socket in place of a response.
proxy.on("error", (_error, _request, response) =>
  response.writeHead === undefined ? response.destroy() : response.writeHead(502).end(),
);
listen(
  (request, response) => proxy.web(request, response, { headers: forwarded(request) }),
  (request, socket, head) => proxy.ws(request, socket, head, { headers: forwarded(request) }),
);
