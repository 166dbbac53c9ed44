import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import type { EndpointConfig, UpstreamConfig } from "../../src/config/config.ts";
import { probeByHttp } from "../../src/control/probe.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";

const [template] = goodConfig(minimal).upstreams;
const [plain] = template!.endpoints;

function upstream(
  health: Partial<UpstreamConfig["health"]>,
  more: Partial<UpstreamConfig> = {},
): UpstreamConfig {
  return { ...template!, ...more, health: { ...template!.health, ...health } };
}

/** Listens on a port of loopback, or on a path. */
async function listen(t: TestContext, server: net.Server, path?: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(path ?? { host: "127.0.0.1", port: 0 }, resolve));
  t.after(() => server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function at(port: number, more: Partial<EndpointConfig> = {}): EndpointConfig {
  return { ...plain!, host: "127.0.0.1", port, ...more };
}

test("a probe asks for the configured path and host, with GET", async (t) => {
  let seen: http.IncomingMessage | undefined;
  const server = http.createServer((request, response) => {
    seen = request;
    response.end();
  });
  const port = await listen(t, server);
  assert.deepEqual(await probeByHttp(upstream({ path: "/up?x=1", host: "app.test" }), at(port), undefined), {
    healthy: true,
  });
  assert.equal(`${seen!.method} ${seen!.url} ${seen!.headers.host}`, "GET /up?x=1 app.test");
  await probeByHttp(upstream({}), at(port), undefined);
  assert.equal(seen!.headers.host, `127.0.0.1:${port}`);
});

test("the expected statuses decide; a redirect is an answer, not followed", async (t) => {
  let status = 200;
  let requests = 0;
  const server = http.createServer((_, response) => {
    requests++;
    response.writeHead(status, { Location: "/elsewhere" }).end("x");
  });
  const port = await listen(t, server);
  const expect = upstream({
    expectedStatus: [
      [200, 204],
      [301, 301],
    ],
  });
  for (const [given, healthy] of [
    [200, true],
    [204, true],
    [205, false],
    [301, true],
    [302, false],
    [503, false],
  ] as const) {
    status = given;
    assert.equal((await probeByHttp(expect, at(port), undefined)).healthy, healthy, `status ${given}`);
  }
  assert.equal(requests, 6);
});

test("an upstream that never answers, or never ends its head, is unhealthy after the time-out", async (t) => {
  for (const greeting of ["", "HTTP/1.1 200 OK\r\nX: "]) {
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.write(greeting);
    });
    const port = await listen(t, server);
    const result = await probeByHttp(upstream({ timeoutMs: 100 }), at(port), undefined);
    assert.deepEqual(result, { healthy: false, cause: "timeout" });
  }
});

test("a body without end neither holds a probe up nor is it read to the end", async (t) => {
  let written = 0;
  const server = http.createServer((_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384))) written += 16_384;
    };
    response.on("drain", more);
    more();
  });
  const port = await listen(t, server);
  const result = await probeByHttp(upstream({ timeoutMs: 5000 }), at(port), undefined);
  assert.deepEqual(result, { healthy: true });
  server.closeAllConnections();
  assert.ok(written < 100_000_000);
});

test("garbage, a refused connection and a name without addresses are unhealthy, with the cause", async (t) => {
  const garbage = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.end("SSH-2.0-OpenSSH_9.2\r\n");
  });
  const port = await listen(t, garbage);
  assert.equal((await probeByHttp(upstream({}), at(port), undefined)).healthy, false);

  const closed = net.createServer();
  const freePort = await listen(t, closed);
  await new Promise((resolve) => closed.close(resolve));
  assert.deepEqual(await probeByHttp(upstream({}), at(freePort), undefined), {
    healthy: false,
    cause: "ECONNREFUSED",
  });
  assert.deepEqual(await probeByHttp(upstream({}), at(port, { host: "app.test" }), []), {
    healthy: false,
    cause: "name does not resolve",
  });
});

test("a name is reached through the resolver's addresses", async (t) => {
  const server = http.createServer((request, response) => response.end(request.headers.host));
  const port = await listen(t, server);
  const result = await probeByHttp(upstream({}), at(port, { host: "app.invalid" }), ["127.0.0.1"]);
  assert.deepEqual(result, { healthy: true });
});

test("a Unix socket is probed", async (t) => {
  const directory = newDirectory("probe");
  const path = join(directory, "app.sock");
  const server = http.createServer((_, response) => response.end());
  await listen(t, server, path);
  const endpoint = at(0, { host: "", socketPath: path });
  assert.deepEqual(await probeByHttp(upstream({}), endpoint, undefined), { healthy: true });
});

test("a TLS upstream is verified against its private CA and the configured name", async (t) => {
  const { certPem, keyPem } = makeSelfSigned({ names: ["app.test"], days: 1 });
  // As old as upstreams may be: the process-wide minimum is for clients.
  const server = https.createServer({ cert: certPem, key: keyPem, maxVersion: "TLSv1.2" }, (_, response) =>
    response.end(),
  );
  server.on("tlsClientError", () => {});
  const port = await listen(t, server);
  const endpoint = at(port, { scheme: "https" });
  const probe = (more: Partial<UpstreamConfig>) => probeByHttp(upstream({}, more), endpoint, undefined);
  assert.deepEqual(await probe({ caPem: certPem, serverName: "app.test" }), { healthy: true });
  assert.equal((await probe({ serverName: "app.test" })).healthy, false);
  assert.equal((await probe({ caPem: certPem, serverName: "other.test" })).healthy, false);
});
