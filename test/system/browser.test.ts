import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { WebSocketServer } from "ws";
import { newDirectory } from "../support/directory.ts";
import { startGateway } from "../support/gateway.ts";
import { hasCommand } from "../support/shared.ts";
import { systemConfig } from "./config.ts";

/** What the page below found. */
interface Findings {
  readonly fetched: string;
  readonly posted: string;
  /** Events, and how many times the stream was opened. */
  readonly events: readonly string[];
  readonly echoed: string;
  readonly protocol: string;
  readonly closed: number;
}

const page = `<!doctype html><title>page</title><script type="module">
const fetched = await (await fetch("/hello?name=value")).text();
const posted = await (await fetch("/echo", { method: "POST", body: JSON.stringify({ a: [1, 2] }), headers: { "Content-Type": "application/json" } })).text();
const events = await new Promise((done) => {
  const seen = [];
  const source = new EventSource("/events");
  source.onmessage = ({ data }) => {
    seen.push(data);
    if (seen.length === 4) { source.close(); done(seen); }
  };
});
const socket = new WebSocket(location.origin.replace("http", "ws") + "/chat", ["chat"]);
await new Promise((done) => { socket.onopen = done; });
const echoed = await new Promise((done) => { socket.onmessage = ({ data }) => done(data); socket.send("from a browser"); });
const closed = await new Promise((done) => { socket.onclose = ({ code }) => done(code); socket.close(4000, "done"); });
await fetch("/result", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ fetched, posted, events, echoed, protocol: socket.protocol, closed }) });
</script>`;

test("Chromium loads a page with fetch, EventSource and WebSocket, over TLS and plain", async (t) => {
  // Not `needs`: .ci/run goes on without a browser where none can be installed.
  if (!hasCommand("chromium")) {
    t.skip("chromium is absent");
    return;
  }
  const { port, results } = await startSite(t);
  const gateway = await startGateway(
    t,
    systemConfig(port, {
      route: 'mode = "websocket"\n[[route]]\npath = "/events"\nupstream = "app"\nmode = "sse_stream"',
    }),
    { tls: true },
  );
  for (const origin of [`https://localhost:${gateway.tlsPort}`, `http://localhost:${gateway.port}`]) {
    const found = await visit(t, `${origin}/`, results);
    assert.deepEqual(found, {
      fetched: "GET /hello?name=value",
      posted: '{"a":[1,2]}',
      // The stream ends after two events: the browser comes back for more, where it was.
      events: ["1", "2", "3", "4"],
      echoed: "from a browser",
      protocol: "chat",
      closed: 4000,
    });
  }
  gateway.signal("SIGTERM");
  await gateway.exited;
  const lines = gateway.accessLog();
  assert.ok(lines.every((line) => line["zion.decision"] === "allow" || line["url.path"] === "/favicon.ico"));
  const versions = lines
    .filter((line) => line["http.response.status_code"] === 101)
    .map((line) => line["network.protocol.version"]);
  t.diagnostic(`WebSocket over HTTP/${versions.join(" and HTTP/")}`);
  assert.equal(versions.length, 2);
});

interface Site {
  readonly port: number;
  /** Resolves with the next findings that a page sends. */
  results(): Promise<Findings>;
}

async function startSite(t: TestContext): Promise<Site> {
  const waiting: ((findings: Findings) => void)[] = [];
  const server = http.createServer(async (request, response) => {
    const body: Buffer[] = [];
    for await (const piece of request) body.push(piece as Buffer);
    const text = Buffer.concat(body).toString();
    if (request.url === "/") {
      response.setHeader("Content-Type", "text/html");
      response.end(page);
    } else if (request.url === "/events") {
      const from = Number(request.headers["last-event-id"] ?? 0);
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("retry: 10\n\n");
      for (const id of [from + 1, from + 2]) response.write(`id: ${id}\ndata: ${id}\n\n`);
      response.end();
    } else if (request.url === "/result") {
      response.end();
      waiting.shift()?.(JSON.parse(text) as Findings);
    } else if (request.url === "/echo") response.end(text);
    else response.end(`${request.method} ${request.url}`);
  });
  const sockets = new WebSocketServer({ server, handleProtocols: () => "chat" });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    results: () => new Promise((done) => waiting.push(done)),
  };
}

/** Opens the page in a browser of its own until it has sent its findings. */
async function visit(t: TestContext, url: string, results: () => Promise<Findings>): Promise<Findings> {
  const profile = newDirectory("chromium");
  const browser = spawn(
    "chromium",
    [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--ignore-certificate-errors",
      `--user-data-dir=${profile}`,
      "--remote-debugging-port=0",
      url,
    ],
    { stdio: "ignore" },
  );
  const gone = once(browser, "exit");
  try {
    const deadline = new Promise<never>((_, fail) => {
      const timer = setTimeout(() => fail(new Error(`no findings from ${url}`)), 40_000);
      t.after(() => clearTimeout(timer));
    });
    return await Promise.race([results(), deadline]);
  } finally {
    browser.kill("SIGKILL");
    await gone;
  }
}
