import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { newDirectory } from "../support/directory.ts";
import { startGateway } from "../support/gateway.ts";
import { startOrigin } from "../support/origin.ts";

const browser = "text/html,application/xhtml+xml,*/*;q=0.8";

test("refusals have the operator's pages, as the client wants them, over both protocols", async (t) => {
  const directory = newDirectory("pages");
  writeFileSync(join(directory, "any.html"), "<h1>Fehler {status} für {request_id}</h1> {reason} {else}");
  writeFileSync(join(directory, "any.json"), '{"status":{status},"id":"{request_id}"}');
  writeFileSync(join(directory, "404.html"), "nothing here");
  const origin = await startOrigin();
  t.after(() => origin.close());
  const gateway = await startGateway(
    t,
    `[server]
h2c = true
[upstream.app]
url = "http://127.0.0.1:${origin.port}"
[[route]]
path = "/app"
upstream = "app"
[error_page.default]
html_file = "${directory}/any.html"
json_file = "${directory}/any.json"
[error_page.404]
html_file = "${directory}/404.html"
`,
  );
  const ask = (path: string, accept: string, method = "GET") =>
    new Promise<readonly [status: number, type: string | undefined, body: string]>((resolve, reject) => {
      const headers = { accept, "x-request-id": "my-id-12345" };
      const options = { host: "127.0.0.1", port: gateway.port, path, method, headers, agent: false };
      http
        .request(options, (answer) => {
          let body = "";
          answer.setEncoding("utf8");
          answer.on("data", (part: string) => (body += part));
          answer.on("end", () => resolve([answer.statusCode!, answer.headers["content-type"], body]));
        })
        .on("error", reject)
        .end();
    });
  const attack = "/app?q=1%20union%20select%20a,b%20from%20users";
  const page = "<h1>Fehler 400 für my-id-12345</h1> Bad Request {else}";
  assert.deepEqual(await ask(attack, browser), [400, "text/html; charset=utf-8", page]);
  assert.deepEqual(await ask(attack, browser, "HEAD"), [400, "text/html; charset=utf-8", ""]);
  const json = '{"status":400,"id":"my-id-12345"}';
  assert.deepEqual(await ask(attack, "application/json, text/html"), [400, "application/json", json]);
  assert.deepEqual(await ask(attack, "*/*"), [400, "text/plain; charset=utf-8", "request rejected"]);
  assert.deepEqual(await ask("/nowhere", browser), [404, "text/html; charset=utf-8", "nothing here"]);
  // It has a page for HTML only.
  assert.deepEqual(await ask("/nowhere", "application/json"), [
    404,
    "text/plain; charset=utf-8",
    "not found\n",
  ]);

  const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
  const overHttp2 = await new Promise<string>((resolve, reject) => {
    session.on("error", reject);
    const stream = session.request({ ":path": attack, accept: browser, "x-request-id": "my-id-12345" });
    let body = "";
    stream.setEncoding("utf8");
    stream.on("data", (part: string) => (body += part));
    stream.on("end", () => resolve(body));
  });
  session.destroy();
  assert.equal(overHttp2, page);

  // Nobody can say what somebody accepts whose head cannot be read.
  const raw = await new Promise<string>((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port: gateway.port });
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString()));
    socket.on("close", () => resolve(text));
    socket.write(`GET /app HTTP/1.1\r\nHost: a\r\nAccept: ${browser}\r\nBad Name: x\r\n\r\n`);
  });
  assert.match(raw, /^HTTP\/1\.1 400 [\s\S]*text\/plain[\s\S]*\r\n\r\nbad request\n$/);
});
