import { createProxyServer } from "http-proxy-3";
import { agent, forwarded, listen, origin } from "./server.mjs";

const proxy = createProxyServer({ target: origin, agent });
proxy.on("error", (_error, _request, response) => response.writeHead(502).end());
listen((request, response) => proxy.web(request, response, { headers: forwarded(request) }));
