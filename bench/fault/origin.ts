import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

// Run as a process of its own. It answers a request with its own target, an event stream with an event every quarter of
// a second, and every message of a WebSocket with the same message. `/upload` is answered when the body has been read.
const server = createServer((request, response) => {
  if (request.url === "/events") {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    const timer = setInterval(() => response.write("data: x\n\n"), 250);
    response.on("close", () => clearInterval(timer));
    response.on("error", () => {});
    return;
  }
  request.resume();
  request.on("end", () => {
    const body = request.url ?? "";
    response.writeHead(200, { "Content-Length": body.length, "Content-Type": "text/plain" });
    response.end(body);
  });
});
server.keepAliveTimeout = 600_000;
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket: WebSocket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : ""}\n`);
});
process.stdin.resume().on("end", () => process.exit());
