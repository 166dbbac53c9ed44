import fastProxy from "fast-proxy";
import { forwarded, listen, origin } from "./server.mjs";

const { proxy } = fastProxy({ base: origin, undici: { connections: 256, pipelining: 1 } });
listen((request, response) =>
  proxy(request, response, request.url, {
    rewriteRequestHeaders: (_request, headers) => ({
      ...headers,
      host: request.headers.host,
      ...forwarded(request),
    }),
  }),
);
