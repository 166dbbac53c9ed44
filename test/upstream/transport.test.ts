import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { Server } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { newDirectory } from "../support/directory.ts";
import { startEdge } from "../support/edge.ts";

/** A folder that goes with the test. */
function folderFor(): string {
  const folder = newDirectory("transport");
  return folder;
}

/** Listens and closes with the test; connections that stay open do not hold it. */
async function listen(
  t: TestContext,
  server: Server,
  where: { port: 0; host: string } | { path: string },
): Promise<void> {
  await new Promise<void>((resolve) => server.listen(where, resolve));
  t.after(() => server.close());
}

async function statusThrough(t: TestContext, upstream: string): Promise<{ status: number; body: string }> {
  const edge = await startEdge(`
[server]
http_mode = "serve"
[upstream.app]
${upstream}
[[route]]
path = "/{*rest}"
upstream = "app"
`);
  t.after(() => edge.stop());
  const answer = await fetch(`http://127.0.0.1:${edge.port}/x`, { method: "POST", body: "hello" });
  return { status: answer.status, body: await answer.text() };
}

/** An HTTPS origin that says which client certificate it saw. */
async function httpsOrigin(t: TestContext, options: tls.TlsOptions): Promise<number> {
  const server = tls.createServer(options, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      const { subject } = socket.getPeerCertificate();
      const text = `client=${subject?.CN ?? "none"}`;
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`);
    });
  });
  server.on("tlsClientError", () => {});
  await listen(t, server, { port: 0, host: "127.0.0.1" });
  return (server.address() as { port: number }).port;
}

test("reaches an upstream behind a Unix socket", async (t) => {
  const folder = folderFor();
  const socketPath = path.join(folder, "app.sock");
  const server = http.createServer((request, response) => {
    response.end(`${request.method} ${request.url} ${request.headers.host}`);
  });
  await listen(t, server, { path: socketPath });
  const answer = await statusThrough(t, `url = "unix:${socketPath}"`);
  assert.deepEqual(answer, { status: 200, body: "POST /x localhost" });
});

test("keeps a TLS upstream's connection from request to request, after uploads too", async (t) => {
  const folder = folderFor();
  const { certPem, keyPem } = makeSelfSigned({ names: ["app.internal"], days: 2 });
  writeFileSync(path.join(folder, "ca.pem"), certPem);
  const server = https.createServer({ cert: certPem, key: keyPem }, (request, response) => {
    let bytes = 0;
    request.on("data", (data: Buffer) => {
      bytes += data.length;
    });
    request.on("end", () => response.end(String(bytes)));
  });
  let connections = 0;
  server.on("secureConnection", () => connections++);
  await listen(t, server, { port: 0, host: "127.0.0.1" });
  const edge = await startEdge(`
[server]
http_mode = "serve"
[upstream.app]
url = "https://127.0.0.1:${(server.address() as { port: number }).port}"
tls = true
server_name = "app.internal"
ca_path = "${folder}/ca.pem"
[[route]]
path = "/{*rest}"
upstream = "app"
`);
  t.after(() => edge.stop());
  for (const size of [0, 5, 20_000, 100_000, 3_000_000, 0]) {
    const answer = await fetch(`http://127.0.0.1:${edge.port}/x`, { method: "POST", body: "x".repeat(size) });
    assert.equal(await answer.text(), String(size));
  }
  assert.equal(connections, 1);
  server.closeAllConnections();
});

test("verifies a TLS upstream against its private CA and server name, and shows its client certificate", async (t) => {
  const folder = folderFor();
  const origin = makeSelfSigned({ names: ["app.internal"], days: 2 });
  const client = makeSelfSigned({ names: ["zion-client"], days: 2 });
  writeFileSync(path.join(folder, "ca.pem"), origin.certPem);
  writeFileSync(path.join(folder, "client.pem"), client.certPem);
  writeFileSync(path.join(folder, "client.key"), client.keyPem, { mode: 0o600 });
  const port = await httpsOrigin(t, {
    cert: origin.certPem,
    key: origin.keyPem,
    requestCert: true,
    // The test's certificate is made for servers; that it is shown, and which, is what counts here.
    rejectUnauthorized: false,
  });
  const upstream = `
url = "https://127.0.0.1:${port}"
tls = true
server_name = "app.internal"
ca_path = "${folder}/ca.pem"`;
  const clientLines = `
client_cert_path = "${folder}/client.pem"
client_key_path = "${folder}/client.key"`;
  const seen = await statusThrough(t, upstream + clientLines);
  assert.equal(seen.status, 200);
  assert.match(seen.body, /^client=zion-client/);
  assert.equal((await statusThrough(t, upstream)).body, "client=none");
});

for (const [what, serverName, withCa] of [
  ["a certificate for another name", "other.internal", true],
  ["a certificate that no known authority signed", "app.internal", false],
] as const) {
  test(`answers 502 to ${what}, and sends the request to nobody`, async (t) => {
    const folder = folderFor();
    const origin = makeSelfSigned({ names: ["app.internal"], days: 2 });
    writeFileSync(path.join(folder, "ca.pem"), origin.certPem);
    let heard = 0;
    const server = tls.createServer({ cert: origin.certPem, key: origin.keyPem }, (socket) => {
      socket.on("error", () => {});
      socket.on("data", (data) => {
        heard += data.length;
      });
    });
    server.on("tlsClientError", () => {});
    await listen(t, server, { port: 0, host: "127.0.0.1" });
    const { port } = server.address() as { port: number };
    const ca = withCa ? `ca_path = "${folder}/ca.pem"` : "";
    const seen = await statusThrough(
      t,
      `url = "https://127.0.0.1:${port}"\ntls = true\nserver_name = "${serverName}"\n${ca}`,
    );
    assert.equal(seen.status, 502);
    assert.equal(heard, 0);
  });
}

test("a plain answer on a TLS upstream is a 502, never a fallback to plain", async (t) => {
  const server = http.createServer((_request, response) => response.end("plain"));
  await listen(t, server, { port: 0, host: "127.0.0.1" });
  const { port } = server.address() as { port: number };
  assert.equal((await statusThrough(t, `url = "https://127.0.0.1:${port}"\ntls = true`)).status, 502);
});
