// Entry file of the demo's upstream; demo.ts forks it. An ordinary application: node:http, no care taken.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Of an echoed body. */
const maxEchoBytes = 65_536;

const page = `<!doctype html>
<html lang="en">
<title>zion demo</title>
<meta name="viewport" content="width=device-width">
<h1>It works</h1>
<p>This page comes from the demo upstream, through the gateway.</p>
<ul>
<li><a href="/api/hello">/api/hello</a> answers JSON</li>
<li><a href="/echo?a=1">/echo</a> shows the request as the upstream received it</li>
<li>/upload counts the bytes of a body</li>
</ul>
</html>
`;

// Ctrl-C reaches the whole group; the demo ends its upstream when the gateway has drained.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));

const server = createServer((request, response) => {
  request.on("error", () => {});
  const path = request.url?.split("?")[0];
  if (path === "/") send(response, 200, "text/html; charset=utf-8", page);
  else if (path === "/api/hello") sendJson(response, 200, { hello: "world" });
  else if (path === "/echo") echo(request, response);
  else if (path === "/upload") count(request, response);
  else sendJson(response, 404, { error: "not found", path });
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));

function echo(request: IncomingMessage, response: ServerResponse): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  request.on("data", (part: Buffer) => {
    if (bytes < maxEchoBytes) parts.push(part);
    bytes += part.length;
  });
  request.on("end", () => {
    const body = Buffer.concat(parts).subarray(0, maxEchoBytes).toString("utf8");
    const { method, url, headers } = request;
    sendJson(response, 200, { method, url, headers, body_bytes: bytes, body });
  });
}

function count(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on("data", (part: Buffer) => {
    bytes += part.length;
  });
  request.on("end", () => sendJson(response, 200, { bytes }));
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, "application/json", `${JSON.stringify(value)}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}
