import assert from "node:assert/strict";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { type AdminEndpoint, type AdminWrite, createAdmin } from "../../src/control/admin.ts";
import { type AccessRules, createAdminAccess } from "../../src/control/admin-access.ts";
import { adminEndpoints } from "../../src/control/admin-endpoints.ts";
import { isOurHost } from "../../src/control/admin-host.ts";
import { type AdminToken, digestToken } from "../../src/control/admin-tokens.ts";
import { readConsole } from "../../src/control/console.ts";
import { json } from "../../src/control/control-listener.ts";
import { createOpJournal } from "../../src/control/op-journal.ts";
import { adminSources } from "./admin-sources.ts";
import { ask, exchange, listen } from "./control-client.ts";

const dayMs = 86_400_000;
const startMs = Date.UTC(2030, 0, 1);

const tokens: readonly AdminToken[] = (["read", "operate", "admin"] as const).map((role) => ({
  name: `the-${role}`,
  digest: digestToken(`${role}-token`),
  role,
  expiresMs: startMs + dayMs,
}));

interface Setup {
  readonly rules?: Partial<AccessRules>;
  readonly endpoints?: readonly AdminEndpoint[];
  /** The audit log takes it. */
  readonly recorded?: () => boolean;
}

async function start(t: TestContext, { rules = {}, endpoints = [], recorded = () => true }: Setup = {}) {
  let nowMs = 0;
  let port = 0;
  const clock = { nowMs: () => nowMs, wallMs: () => startMs + nowMs };
  const failures: string[] = [];
  const begun: AdminWrite[] = [];
  const ended: number[] = [];
  const current: AccessRules = { tokens, readNeedsToken: true, write: true, ...rules };
  const handle = createAdmin({
    access: createAdminAccess({
      rules: () => current,
      onFailure: (failure) => failures.push(failure),
      clock,
    }),
    endpoints: [...adminEndpoints(adminSources()), ...endpoints],
    isOurHost: (host, reached) =>
      isOurHost(host, reached, { hosts: ["zion.example"] }, { host: "127.0.0.1", port }),
    page: readConsole(),
    journal: createOpJournal(clock),
    begin: async (write) => {
      if (recorded()) begun.push(write);
      return recorded();
    },
    ended: (_write, status) => ended.push(status),
  });
  port = await listen(t, handle, true);
  return { port, failures, begun, ended, advance: (ms: number) => (nowMs += ms) };
}

const as = (role: string) => [`Authorization: Bearer ${role}-token`, "Content-Type: application/json"];

/** A write that counts, and answers with its count. */
function counting() {
  const seen: string[] = [];
  const endpoint: AdminEndpoint = {
    method: "POST",
    path: "/v1/count",
    role: "operate",
    does: "counts",
    answer: ({ body, actor }) => {
      seen.push(`${actor} ${body}`);
      return json(200, { count: seen.length });
    },
  };
  return { seen, endpoint };
}

const post = (text: string, fields: readonly string[], target = "/v1/count") =>
  [`POST ${target}`, [...fields, `Content-Length: ${text.length}`], text] as const;

test("the admin listener answers under loopback names, the address reached and its own names only", async (t) => {
  const { port } = await start(t, { rules: { readNeedsToken: false } });
  for (const host of [
    "localhost",
    "127.0.0.1",
    "[::1]",
    `localhost:${port}`,
    `127.0.0.1:${port}`,
    "zion.example",
    "ZION.example:1",
  ]) {
    assert.equal((await ask(port, "GET /", [`Host: ${host}`]))[0], 200, host);
  }
  for (const host of [
    "evil.example",
    `evil.example:${port}`,
    "localhost.evil.example",
    `localhost:${port + 1}`,
    "127.0.0.1.evil.example",
    "192.168.0.1",
    "zion.example.evil.example",
    "",
  ]) {
    assert.equal((await ask(port, "GET /", [`Host: ${host}`]))[0], 421, host);
  }
});

test("the admin listener lists what it offers, and which role it takes", async (t) => {
  const { port } = await start(t);
  const [, body] = await ask(port, "GET /", as("read"));
  const { endpoints, format_version } = JSON.parse(body);
  assert.equal(format_version, "1.0");
  for (const { method, path, role } of endpoints) {
    if (path === "/v1/events") continue;
    const fields =
      path === "/v1/config"
        ? ["Authorization: Bearer admin-token", "Content-Type: application/toml"]
        : as(role);
    const [status] = await ask(port, `${method} ${path}`, fields);
    // Some want a body.
    assert.ok(status === 200 || status === 400, `${method} ${path}: ${status}`);
  }
  assert.equal((await ask(port, "GET /v1/reload", as("admin")))[0], 405);
  assert.equal((await ask(port, "GET /v1/nothing", as("admin")))[0], 404);
});

test("each role may do what its endpoints ask for, and what those below it may", async (t) => {
  const run = await start(t);
  const toml = (role: string) => [`Authorization: Bearer ${role}-token`, "Content-Type: application/toml"];
  for (const [role, get, reload, config] of [
    ["read", 200, 403, 403],
    ["operate", 200, 200, 403],
    ["admin", 200, 200, 200],
  ] as const) {
    assert.equal((await ask(run.port, "GET /v1/generations", as(role)))[0], get, role);
    assert.equal((await ask(run.port, "POST /v1/reload", as(role)))[0], reload, role);
    assert.equal((await ask(run.port, "POST /v1/config", toml(role)))[0], config, role);
  }
  assert.deepEqual(run.failures, ["admin_role", "admin_role", "admin_role"]);
});

test("a write needs the whole token, JSON, and a request that no foreign page sent", async (t) => {
  const run = await start(t);
  const refused: readonly (readonly [number, readonly string[]])[] = [
    [401, ["Content-Type: application/json"]],
    [401, ["Authorization: Bearer operate-toke", "Content-Type: application/json"]],
    [401, ["Authorization: Bearer operate-tokenx", "Content-Type: application/json"]],
    [401, ["Authorization: Basic operate-token", "Content-Type: application/json"]],
    [415, ["Authorization: Bearer operate-token"]],
    [415, ["Authorization: Bearer operate-token", "Content-Type: text/plain"]],
    [415, ["Authorization: Bearer operate-token", "Content-Type: application/toml"]],
    [403, [...as("operate"), "Sec-Fetch-Site: cross-site"]],
    [403, [...as("operate"), "Sec-Fetch-Site: same-site"]],
  ];
  for (const [status, fields] of refused)
    assert.equal((await ask(run.port, "POST /v1/reload", fields))[0], status, fields.join(", "));
  assert.deepEqual(run.begun, []);
  const [status, body] = await ask(run.port, "POST /v1/reload", as("operate"));
  assert.deepEqual([status, JSON.parse(body)], [200, { format_version: "1.0", generation: 2 }]);
  assert.deepEqual(
    run.begun.map(({ actor, method, path }) => `${actor} ${method} ${path}`),
    ["the-operate POST /v1/reload"],
  );
  assert.deepEqual(run.ended, [200]);
});

test("no answer has a CORS field, whatever page asks", async (t) => {
  const { port } = await start(t);
  const head =
    "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n";
  assert.doesNotMatch(await exchange(port, head), /access-control/i);
  const preflight = head
    .replace("GET", "OPTIONS")
    .replace("\r\n\r\n", "\r\nAccess-Control-Request-Method: POST\r\n\r\n");
  const answer = await exchange(port, preflight);
  assert.match(answer, /^HTTP\/1\.1 405 /);
  assert.doesNotMatch(answer, /access-control/i);
});

test("without `write` no token changes anything", async (t) => {
  const run = await start(t, { rules: { write: false } });
  assert.equal((await ask(run.port, "POST /v1/reload", as("admin")))[0], 403);
  assert.equal((await ask(run.port, "GET /v1/generations", as("read")))[0], 200);
  assert.deepEqual(run.begun, []);
});

test("without tokens everybody who can connect may read, and nobody write", async (t) => {
  const run = await start(t, { rules: { tokens: [], readNeedsToken: false } });
  assert.equal((await ask(run.port, "GET /v1/generations"))[0], 200);
  assert.equal((await ask(run.port, "POST /v1/reload", as("admin")))[0], 401);
});

test("reading takes a token as soon as there is one", async (t) => {
  const run = await start(t);
  assert.equal((await ask(run.port, "GET /v1/generations"))[0], 401);
  assert.deepEqual(run.failures, ["admin_no_token"]);
});

test("a token ends by itself", async (t) => {
  const run = await start(t);
  run.advance(dayMs - 1);
  assert.equal((await ask(run.port, "GET /", as("read")))[0], 200);
  run.advance(1);
  assert.equal((await ask(run.port, "GET /", as("read")))[0], 401);
  assert.deepEqual(run.failures, ["admin_expired"]);
});

test("after five wrong tokens a source waits, longer each time, also with the right one", async (t) => {
  const run = await start(t);
  const wrong = ["Authorization: Bearer guess"];
  const retryAfter = async (fields: readonly string[]) => {
    const answer = await exchange(
      run.port,
      `GET / HTTP/1.1\r\nHost: localhost\r\n${fields[0]}\r\nConnection: close\r\n\r\n`,
    );
    return `${answer.split(" ")[1]} ${/^Retry-After: (\d+)\r$/m.exec(answer)?.[1]}`;
  };
  for (let i = 0; i < 5; i++) assert.equal((await ask(run.port, "GET /", wrong))[0], 401, `guess ${i}`);
  assert.equal(await retryAfter(as("admin")), "429 1");
  assert.equal(await retryAfter(wrong), "429 1");
  run.advance(1000);
  assert.equal((await ask(run.port, "GET /", wrong))[0], 401);
  assert.equal(await retryAfter(as("admin")), "429 2");
  run.advance(2000);
  assert.equal((await ask(run.port, "GET /", as("admin")))[0], 200);
  assert.equal((await ask(run.port, "GET /", wrong))[0], 401, "the right one has made good for the others");
  assert.deepEqual(
    run.failures.filter((failure) => failure === "admin_locked"),
    ["admin_locked", "admin_locked", "admin_locked"],
  );
});

test("a write without a token is no guess", async (t) => {
  const run = await start(t);
  for (let i = 0; i < 20; i++) assert.equal((await ask(run.port, "GET /"))[0], 401);
  assert.equal((await ask(run.port, "GET /", as("read")))[0], 200);
});

test("a write that is sent again with its op_id is answered again, and done once", async (t) => {
  const { seen, endpoint } = counting();
  const run = await start(t, { endpoints: [endpoint] });
  const first = await ask(run.port, ...post("a", [...as("operate"), "Op-Id: one"]));
  const again = await ask(run.port, ...post("a", as("operate"), "/v1/count?op_id=one"));
  assert.deepEqual([first[0], JSON.parse(first[1]).count], [200, 1]);
  assert.deepEqual(again, first);
  assert.deepEqual(seen, ["the-operate a"]);
  assert.equal(run.begun.length, 1);
  const answer = await exchange(
    run.port,
    "POST /v1/count HTTP/1.1\r\nHost: localhost\r\nOp-Id: one\r\nContent-Length: 1\r\nConnection: close\r\n" +
      `${as("operate").join("\r\n")}\r\n\r\na`,
  );
  assert.match(answer, /^Op-Replayed: yes\r$/m);
});

test("the op_id of one request is a conflict for another one, and means nothing for another caller", async (t) => {
  const { seen, endpoint } = counting();
  const run = await start(t, { endpoints: [endpoint] });
  const own = [...as("operate"), "Op-Id: one"];
  await ask(run.port, ...post("a", own));
  assert.equal((await ask(run.port, ...post("b", own)))[0], 409);
  assert.equal((await ask(run.port, ...post("a", own, "/v1/count?more=1")))[0], 409);
  assert.equal((await ask(run.port, "POST /v1/reload", own))[0], 409);
  assert.equal((await ask(run.port, ...post("b", [...as("admin"), "Op-Id: one"])))[0], 200);
  assert.deepEqual(seen, ["the-operate a", "the-admin b"]);
});

test("of fifty equal writes at once one is done", async (t) => {
  const { seen, endpoint } = counting();
  const run = await start(t, { endpoints: [endpoint] });
  const all = Array.from({ length: 50 }, () => ask(run.port, ...post("a", [...as("operate"), "Op-Id: one"])));
  const answers = await Promise.all(all);
  assert.deepEqual(
    new Set(answers.map(([status, body]) => `${status} ${JSON.parse(body).count}`)),
    new Set(["200 1"]),
  );
  assert.equal(seen.length, 1);
});

test("an op_id is forgotten after an hour", async (t) => {
  const { seen, endpoint } = counting();
  const run = await start(t, { endpoints: [endpoint] });
  const own = [...as("operate"), "Op-Id: one"];
  await ask(run.port, ...post("a", own));
  run.advance(3_600_000);
  await ask(run.port, ...post("a", own));
  assert.equal(seen.length, 2);
});

test("an op_id is a short word", async (t) => {
  const run = await start(t);
  for (const id of ["a b", "a%0ab", "x".repeat(65), "ä"])
    assert.equal(
      (await ask(run.port, `POST /v1/reload?op_id=${encodeURIComponent(id)}`, as("admin")))[0],
      400,
      id,
    );
});

test("what the audit log does not take has no effect, and may be tried again with its op_id", async (t) => {
  const { seen, endpoint } = counting();
  let isUp = false;
  const run = await start(t, { endpoints: [endpoint], recorded: () => isUp });
  const own = [...as("operate"), "Op-Id: one"];
  assert.equal((await ask(run.port, ...post("a", own)))[0], 503);
  assert.deepEqual(seen, []);
  isUp = true;
  assert.equal((await ask(run.port, ...post("a", own)))[0], 200);
  assert.deepEqual(seen, ["the-operate a"]);
});

test("a body that is larger than its endpoint takes is refused, also without a length", async (t) => {
  const run = await start(t);
  const large = "x".repeat(65_537);
  const fields = [...as("operate"), `Content-Length: ${large.length}`];
  assert.equal((await ask(run.port, "POST /v1/reload", fields, large))[0], 413);
  const chunked = `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`;
  const answer = await ask(
    run.port,
    "POST /v1/reload",
    [...as("operate"), "Transfer-Encoding: chunked"],
    chunked,
  );
  assert.equal(answer[0], 413);
});

test("a body is not read before its sender has shown a token", async (t) => {
  const run = await start(t);
  const socket = net.connect(run.port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write("POST /v1/config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
  const [answer] = (await new Promise((resolve) =>
    socket.once("data", (part) => resolve([String(part)])),
  )) as [string];
  assert.match(answer, /^HTTP\/1\.1 401 /);
});

test("an endpoint may take the last segment of its path", async (t) => {
  const asked: string[] = [];
  const run = await start(t, {
    endpoints: [
      {
        method: "GET",
        path: "/v1/things/{name}",
        role: "read",
        does: "a thing",
        answer: (_request, segment) => {
          asked.push(segment);
          return json(200, {});
        },
      },
    ],
  });
  for (const [target, status] of [
    ["/v1/things/2001:db8::1", 200],
    ["/v1/things/a%2Fb", 200],
    ["/v1/things/", 404],
    ["/v1/things/a/b", 404],
    ["/v1/things/%zz", 404],
  ] as const) {
    assert.equal((await ask(run.port, `GET ${target}`, as("read")))[0], status, target);
  }
  assert.deepEqual(asked, ["2001:db8::1", "a/b"]);
});

test("a page of another site cannot have anything read or proven either, but may link to the page", async (t) => {
  const { port } = await start(t, { rules: { readNeedsToken: false } });
  for (const path of ["/snapshot", "/v1/events", "/v1/exclusion?route=a&rule=b&field=c"]) {
    const [status] = await ask(port, `GET ${path}`, ["Sec-Fetch-Site: cross-site"]);
    assert.equal(status, 403, path);
  }
  assert.equal((await ask(port, "GET /v1/decisions", ["Sec-Fetch-Site: same-origin"]))[0], 200);
  assert.equal((await ask(port, "GET /", ["Sec-Fetch-Site: cross-site", "Accept: text/html"]))[0], 200);
});
