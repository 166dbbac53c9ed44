import assert from "node:assert/strict";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { text } from "../../src/control/control-listener.ts";
import { createExposition } from "../../src/control/exposition.ts";
import { createOverview } from "../../src/control/overview.ts";
import type { Vitals } from "../../src/control/readiness.ts";
import { sharedScrape } from "../../src/control/scrape.ts";
import { createTelemetry } from "../../src/control/telemetry.ts";
import { ask, exchange, listen } from "./control-client.ts";

const well: Vitals = {
  sinceTickMs: 10,
  servingWorkers: 2,
  wantedWorkers: 2,
  configured: true,
  limitStore: "off",
  mesh: "off",
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
  [
    "the gateway drains",
    { draining: true },
    503,
    "not ready\ndraining: it is stopping, or taken out by an operator",
  ],
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
  assert.deepEqual(
    [state, checks.draining, reasons],
    ["not ready", "fail", { draining: "it is stopping, or taken out by an operator" }],
  );
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
  assert.deepEqual(JSON.parse((await get("/version")).body), {
    format_version: "1.0",
    version: "1.2.3",
    node: process.version,
  });
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

async function snapshot(t: TestContext) {
  let asked = 0;
  const overview = createOverview({
    parts: {
      generation: () => 7,
      routes: () => [
        { name: "/{*rest}", waf: { mode: "enforce" } },
        { name: "trial", waf: { mode: "shadow" } },
      ],
      totals: () => ({ requests: asked++ }),
    },
    refresh: async () => {},
  });
  const port = await listen(t, ({ query, header }) =>
    overview({ path: query.get("path") ?? undefined, ifNoneMatch: header("if-none-match") }),
  );
  return { port };
}

test("a part of the snapshot is asked for by its path; what is no path, or leads nowhere, is told", async (t) => {
  const { port } = await snapshot(t);
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
  const { port } = await snapshot(t);
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
