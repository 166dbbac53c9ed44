import proxy from "http2-proxy";
import { agent, forwarded, listen, originAt } from "./server.mjs";

listen((request, response) =>
  proxy.web(
    request,
    response,
    {
      ...originAt,
      agent,
      onReq: (_request, { headers }) => {
        headers.host = request.headers.host;
        Object.assign(headers, forwarded(request));
      },
    },
    (error) => {
      if (error && !response.headersSent) response.writeHead(502);
      if (error) response.end();
    },
  ),
);
