import assert from "node:assert/strict";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { createAdmin, digestToken, maxAdminBodyBytes } from "../../src/control/admin.ts";
import { adminEndpoints } from "../../src/control/admin-endpoints.ts";
import { type ControlHandler, openControlListener, text } from "../../src/control/control-listener.ts";
import { createExposition } from "../../src/control/exposition.ts";
import { createOverview } from "../../src/control/overview.ts";
import type { Vitals } from "../../src/control/readiness.ts";
import { sharedScrape } from "../../src/control/scrape.ts";
import { createTelemetry } from "../../src/control/telemetry.ts";

async function listen(t: TestContext, handle: ControlHandler, maxBodyBytes = 0): Promise<number> {
  const address = { host: "127.0.0.1", port: 0 };
  const listener = await openControlListener({
    name: "test",
    address,
    maxBodyBytes,
    handle,
    onAnswer: () => {},
  });
  t.after(() => listener.close());
  return listener.address.port;
}

/** Sends raw bytes and resolves with everything that comes back until the server closes. */
function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(request));
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (part) => {
      answer += part;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

/** Status and body. */
async function ask(
  port: number,
  requestLine: string,
  fields: readonly string[] = [],
  body = "",
): Promise<[number, string]> {
  const host = fields.some((field) => field.startsWith("Host:")) ? [] : ["Host: localhost"];
  const head = [`${requestLine} HTTP/1.1`, ...host, ...fields, "Connection: close", "", ""].join("\r\n");
  const answer = await exchange(port, head + body);
  return [Number(answer.split(" ")[1]), answer.slice(answer.indexOf("\r\n\r\n") + 4)];
}

const well: Vitals = {
  sinceTickMs: 10,
  servingWorkers: 2,
  wantedWorkers: 2,
  configured: true,
  limitStore: "off",
  acme: undefined,
  audit: "off",
  auditRequired: false,
  certificates: "off",
  keys: "off",
  postQuantum: "off",
  configRefused: undefined,
  started: true,
  draining: false,
  replaced: false,
};

function telemetry(vitals: Partial<Vitals> = {}, scrapeWorkers: () => Promise<void> = async () => {}) {
  let nowMs = 0;
  const handle = createTelemetry({
    version: "1.2.3",
    vitals: () => ({ ...well, ...vitals }),
    exposition: createExposition(),
    scrape: sharedScrape(scrapeWorkers, { nowMs: () => nowMs }),
  });
  const get = async (path: string) => {
    const url = new URL(path, "http://x");
    return handle({ method: "GET", path: url.pathname, query: url.searchParams, header: () => "" });
  };
  return { handle, get, advance: (ms: number) => (nowMs += ms) };
}

const readiness: readonly (readonly [string, Partial<Vitals>, number, string])[] = [
  ["all workers serve", {}, 200, "ready"],
  ["a worker is missing", { servingWorkers: 1 }, 200, "degraded\nworkers: 1 of 2 serve"],
  ["the store of limits is gone", { limitStore: "down" }, 200, "degraded\nlimit_store: it does not answer"],
  ["the store of limits is there", { limitStore: "up" }, 200, "ready"],
  [
    "the newest configuration was refused",
    { configRefused: "zion.toml:3:1: Z1042" },
    200,
    "degraded\nconfig: refused: zion.toml:3:1: Z1042",
  ],
  [
    "a certificate ends within days",
    { certificates: "degraded" },
    200,
    "degraded\ntls_certs: one ends within days, or has ended",
  ],
  ["nothing is recorded", { audit: "down" }, 200, "degraded\naudit: nothing is recorded"],
  [
    "nothing is recorded and it must be",
    { audit: "down", auditRequired: true },
    503,
    "not ready\naudit: nothing is recorded",
  ],
  [
    "others can read a key",
    { keys: "exposed" },
    503,
    "not ready\nkey_permissions: others can read or write a private key",
  ],
  [
    "required post-quantum keys cannot be had",
    { postQuantum: "missing" },
    503,
    "not ready\npost_quantum: it is required, and OpenSSL does not have it",
  ],
  ["no worker serves", { servingWorkers: 0 }, 503, "not ready\nworkers: no worker serves"],
  ["the gateway drains", { draining: true }, 503, "not ready\ndraining: it is stopping"],
  ["another version has taken over", { replaced: true, servingWorkers: 0 }, 200, "ready"],
  [
    "no configuration was loaded",
    { configured: false },
    503,
    "not ready\nconfig: no configuration is in force",
  ],
  ["it has not served yet", { started: false }, 503, "not ready\nstartup: it has not served yet"],
];
for (const [when, vitals, status, body] of readiness) {
  test(`readiness is ${status} when ${when}, and says so`, async () => {
    const answer = await telemetry(vitals).get("/readyz");
    assert.deepEqual([answer.status, answer.body], [status, `${body}\n`]);
  });
}

test("verbose readiness names the check that fails", async () => {
  const answer = await telemetry({ draining: true }).get("/readyz?verbose");
  assert.equal(answer.status, 503);
  const { state, checks, reasons } = JSON.parse(answer.body);
  assert.deepEqual([state, checks.draining, reasons], ["not ready", "fail", { draining: "it is stopping" }]);
  assert.equal(checks.workers, "ok");
});

test("readiness is a metric: 0 not ready, 1 ready, 2 degraded", async () => {
  for (const [vitals, value] of [
    [{ draining: true }, 0],
    [{}, 1],
    [{ servingWorkers: 1 }, 2],
  ] as const) {
    const { body } = await telemetry(vitals).get("/metrics");
    assert.match(body, new RegExp(`^zion_readyz_state ${value}$`, "m"));
  }
});

test("telemetry says which version it is, and answers to the name that Kubernetes used to use", async () => {
  const { get } = telemetry();
  assert.deepEqual(JSON.parse((await get("/version")).body), { version: "1.2.3", node: process.version });
  assert.deepEqual(await get("/healthz"), await get("/livez"));
});

test("liveness fails only when the primary itself stands still", async () => {
  assert.equal((await telemetry({ servingWorkers: 0, draining: true }).get("/livez")).status, 200);
  assert.equal((await telemetry({ sinceTickMs: 60_000 }).get("/livez")).status, 503);
});

test("start-up is over when the workers have served once", async () => {
  assert.equal((await telemetry({ started: false }).get("/startupz")).status, 503);
  assert.equal((await telemetry({ servingWorkers: 0 }).get("/startupz")).status, 200);
});

test("however many scrapers ask, workers are asked once a second", async () => {
  let rounds = 0;
  const { get, advance } = telemetry({}, async () => void rounds++);
  await Promise.all([get("/metrics"), get("/metrics"), get("/metrics")]);
  advance(999);
  await get("/metrics");
  assert.equal(rounds, 1);
  advance(2);
  const answer = await get("/metrics");
  assert.equal(rounds, 2);
  assert.match(answer.body, /^zion_workers 2$/m);
  assert.match(answer.type!, /^text\/plain; version=0\.0\.4/);
});

test("telemetry serves GET and nothing else, and takes no body", async (t) => {
  const port = await listen(t, telemetry().handle);
  for (const method of ["POST", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
    assert.equal((await ask(port, `${method} /livez`))[0], 405, method);
  }
  assert.equal((await ask(port, "GET /livez", ["Content-Length: 1"], "x"))[0], 400);
  assert.equal((await ask(port, "GET /livez", ["Transfer-Encoding: chunked"], "0\r\n\r\n"))[0], 400);
  assert.equal((await ask(port, "GET /livez", ["Upgrade: websocket", "Connection: upgrade"]))[0], 400);
  assert.equal((await ask(port, "PRI * HTTP/2.0\r\n\r\nSM"))[0], 400);
  assert.equal((await ask(port, "GET /nothing"))[0], 404);
  assert.equal((await ask(port, "GET //livez"))[0], 404);
  assert.equal((await ask(port, "GET /livez"))[0], 200);
});

test("control answers are neither cached nor sniffed", async (t) => {
  const port = await listen(t, telemetry().handle);
  const answer = await exchange(port, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert.match(answer, /^Cache-Control: no-store\r$/m);
  assert.match(answer, /^X-Content-Type-Options: nosniff\r$/m);
});

test("bytes that are not HTTP, and heads that are too large, are refused", async (t) => {
  const port = await listen(t, telemetry().handle);
  assert.match(await exchange(port, "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.match(
    await exchange(port, `GET / HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(9000)}\r\n\r\n`),
    /^HTTP\/1\.1 4/,
  );
});

test("a control listener holds at most 64 connections", async (t) => {
  const port = await listen(t, () => text(200, "ok"));
  const sockets: net.Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let i = 0; i < 64; i++) {
    const socket = net.connect(port, "127.0.0.1");
    sockets.push(socket);
    // Answered, so accepted and counted.
    await new Promise((resolve) => socket.once("data", resolve).write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  const late = net.connect(port, "127.0.0.1");
  sockets.push(late);
  late.on("error", () => {});
  await new Promise((resolve) => late.once("close", resolve));
});

test("who does not read an answer is let go, so that 64 of them keep nobody out for long", async (t) => {
  const port = await listen(t, () => text(200, "x".repeat(64 * 1_048_576)));
  const reader = net.connect(port, "127.0.0.1");
  t.after(() => reader.destroy());
  reader.on("error", () => {});
  const closed = new Promise((resolve) => reader.once("close", resolve));
  reader.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  reader.once("data", () => {
    reader.pause();
    // Longer than the listener waits: then what is on its way is taken, and the end with it.
    setTimeout(() => reader.resume(), 6000).unref();
  });
  let bytes = 0;
  reader.on("data", (part) => {
    bytes += part.length;
  });
  await closed;
  assert.ok(bytes < 64 * 1_048_576);
});

const token = "0123456789abcdef0123456789abcdef";
const write = [`Authorization: Bearer ${token}`, "Content-Type: application/json"];

async function admin(t: TestContext, withToken = true) {
  let port = 0;
  let reloads = 0;
  let asked = 0;
  const handle = createAdmin({
    record: async () => true,
    tokenDigest: () => (withToken ? digestToken(token) : undefined),
    port: () => port,
    endpoints: adminEndpoints({
      overview: createOverview({
        parts: {
          generation: () => 7,
          routes: () => [
            { name: "/{*rest}", waf: { mode: "enforce" } },
            { name: "trial", waf: { mode: "shadow" } },
          ],
          totals: () => ({ requests: asked++ }),
        },
        refresh: async () => {},
      }),
      generations: {
        generation: 2,
        cut: { manifest: [], parts: new Map() },
        history: () => [],
        reload: async () => {
          reloads++;
          return reloads === 1
            ? { kind: "loaded", generation: 2 }
            : { kind: "refused", generation: 2, reason: "invalid", problem: "zion.toml:1:1: Z1000 bad" };
        },
        rollBack: async () => ({ kind: "loaded", generation: 3 }),
      },
      decisions: { find: () => [] },
      explain: () => Promise.reject(new Error("not asked for")),
      bans: { list: () => [], add: () => ({ problem: "" }), lift: () => true },
      acme: {
        status: () => ({ elected: true, certificates: [] }),
        renew: () => undefined,
        rollOver: async () => undefined,
      },
      certificates: { served: [], ocspOf: () => undefined },
      tickets: { rotate: () => {} },
      revocations: { list: () => [], add: () => "added", remove: () => "removed" },
    }),
  });
  port = await listen(t, handle, maxAdminBodyBytes);
  return {
    port,
    get reloads() {
      return reloads;
    },
  };
}

test("a part of the snapshot is asked for by its path; what is no path, or leads nowhere, is told", async (t) => {
  const { port } = await admin(t);
  const part = async (path: string) => ask(port, `GET /snapshot?path=${encodeURIComponent(path)}`);
  assert.deepEqual((await ask(port, "GET /snapshot")).map(String)[0], "200");
  for (const [path, value] of [
    ["generation", 7],
    ["routes.1.waf", { mode: "shadow" }],
    ["routes.trial.waf.mode", "shadow"],
    ['routes."/{*rest}".waf.mode', "enforce"],
    ['"generation"', 7],
  ] as const) {
    const [status, body] = await part(path);
    assert.deepEqual([status, JSON.parse(body)], [200, value], path);
  }
  for (const path of ["", ".", "routes.", ".routes", "routes..0", "a b", 'routes."x', "x".repeat(600)]) {
    const [status, body] = await part(path);
    assert.deepEqual([status, body.startsWith("path: names with dots")], [400, true], path);
  }
  for (const [path, text] of [
    ["nothing", 'there is no "nothing" here; there are: generation, routes, totals\n'],
    ["routes.9", 'there is no "9" in routes; there are: "/{*rest}", trial\n'],
    ["generation.x", 'there is no "x" in generation, which is a value\n'],
    ["__proto__", 'there is no "__proto__" here; there are: generation, routes, totals\n'],
    ["routes.length", 'there is no "length" in routes; there are: "/{*rest}", trial\n'],
  ] as const) {
    assert.deepEqual(await part(path), [404, text], path);
  }
});

test("the snapshot has a tag that stays while only figures change, and a figure has one of its own", async (t) => {
  const { port } = await admin(t);
  const get = (path: string, tag?: string) =>
    exchange(
      port,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${tag === undefined ? "" : `If-None-Match: ${tag}\r\n`}\r\n`,
    );
  const tagOf = (answer: string) => /^ETag: (.*)\r$/m.exec(answer)![1]!;
  const tag = tagOf(await get("/snapshot"));
  assert.match(tag, /^W\/"[\w-]{22}"$/);
  for (const asked of [tag, tag.slice(2), `"x", ${tag}`, "*"]) {
    const answer = await get("/snapshot", asked);
    assert.match(answer, /^HTTP\/1\.1 304 /, asked);
    assert.equal(tagOf(answer), tag);
    assert.ok(answer.endsWith("\r\n\r\n") && !/^Content-Length/m.test(answer));
  }
  assert.match(await get("/snapshot", '"x"'), /^HTTP\/1\.1 200 /);
  assert.match(
    await get("/snapshot?path=totals", tagOf(await get("/snapshot?path=totals"))),
    /^HTTP\/1\.1 200 /,
  );
});

test("the admin listener answers under loopback names only", async (t) => {
  const { port } = await admin(t);
  for (const host of ["localhost", "127.0.0.1", "[::1]", `localhost:${port}`, `127.0.0.1:${port}`]) {
    assert.equal((await ask(port, "GET /", [`Host: ${host}`]))[0], 200, host);
  }
  for (const host of [
    "evil.example",
    `evil.example:${port}`,
    "localhost.evil.example",
    `localhost:${port + 1}`,
    "127.0.0.1.evil.example",
    "192.168.0.1",
  ]) {
    assert.equal((await ask(port, "GET /", [`Host: ${host}`]))[0], 421, host);
  }
});

test("the admin listener lists what it offers", async (t) => {
  const { port } = await admin(t);
  const [, body] = await ask(port, "GET /");
  const { endpoints } = JSON.parse(body);
  for (const { method, path } of endpoints) {
    const [status] = await ask(port, `${method} ${path}`, write);
    // Some want a body.
    assert.ok(status === 200 || status === 400, `${method} ${path}: ${status}`);
  }
  assert.equal((await ask(port, "GET /v1/reload"))[0], 405);
  assert.equal((await ask(port, "GET /v1/nothing"))[0], 404);
});

test("a reload needs the whole token, JSON, and a request that no foreign page sent", async (t) => {
  const run = await admin(t);
  const refused: readonly (readonly [number, readonly string[]])[] = [
    [401, ["Content-Type: application/json"]],
    [401, [`Authorization: Bearer ${token.slice(1)}`, "Content-Type: application/json"]],
    [401, [`Authorization: Bearer ${token}x`, "Content-Type: application/json"]],
    [401, [`Authorization: Basic ${token}`, "Content-Type: application/json"]],
    [415, [`Authorization: Bearer ${token}`]],
    [415, [`Authorization: Bearer ${token}`, "Content-Type: text/plain"]],
    [403, [...write, "Sec-Fetch-Site: cross-site"]],
    [403, [...write, "Sec-Fetch-Site: same-site"]],
  ];
  for (const [status, fields] of refused) {
    assert.equal((await ask(run.port, "POST /v1/reload", fields))[0], status, fields.join(", "));
  }
  assert.equal(run.reloads, 0);
  assert.deepEqual(
    await ask(run.port, "POST /v1/reload", write).then(([status, body]) => [status, JSON.parse(body)]),
    [200, { generation: 2 }],
  );
});

test("a refused configuration is a 422 with the problem", async (t) => {
  const { port } = await admin(t);
  await ask(port, "POST /v1/reload", write);
  const [status, body] = await ask(port, "POST /v1/reload", write);
  assert.equal(status, 422);
  assert.deepEqual(JSON.parse(body), { generation: 2, reason: "invalid", error: "zion.toml:1:1: Z1000 bad" });
});

test("without a token nothing can be written", async (t) => {
  const run = await admin(t, false);
  assert.equal((await ask(run.port, "POST /v1/reload", write))[0], 403);
  assert.equal(run.reloads, 0);
});

test("a body larger than the limit is refused", async (t) => {
  const { port } = await admin(t);
  const body = "x".repeat(maxAdminBodyBytes + 1);
  const [status] = await ask(port, "POST /v1/reload", [...write, `Content-Length: ${body.length}`], body);
  assert.equal(status, 413);
});

test("an endpoint may take the last segment of its path", async (t) => {
  let port = 0;
  const asked: string[] = [];
  const handle = createAdmin({
    record: async () => true,
    tokenDigest: () => undefined,
    port: () => port,
    endpoints: [
      {
        method: "GET",
        path: "/v1/things/{name}",
        does: "a thing",
        answer: (_request, segment) => {
          asked.push(segment);
          return text(200, "ok");
        },
      },
    ],
  });
  port = await listen(t, handle, maxAdminBodyBytes);
  for (const [target, status] of [
    ["/v1/things/2001:db8::1", 200],
    ["/v1/things/a%2Fb", 200],
    ["/v1/things/", 404],
    ["/v1/things/a/b", 404],
    ["/v1/things/%zz", 404],
  ] as const) {
    assert.equal((await ask(port, `GET ${target}`))[0], status, target);
  }
  assert.deepEqual(asked, ["2001:db8::1", "a/b"]);
});
