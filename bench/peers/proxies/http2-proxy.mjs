import proxy from "http2-proxy";
import { agent, forwarded, listen, originAt } from "./server.mjs";

const toOrigin = {
  ...originAt,
  onReq: (request, { headers }) => {
    headers.host = request.headers.host;
    Object.assign(headers, forwarded(request));
  },
};
listen(
  (request, response) =>
    proxy.web(request, response, { ...toOrigin, agent }, (error) => {
      if (error && !response.headersSent) response.writeHead(502);
      if (error) response.end();
    }),
  (request, socket, head) =>
    proxy.ws(request, socket, head, toOrigin, (error) => {
      if (error) socket.destroy();
    }),
);
