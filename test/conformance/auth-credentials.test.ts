import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { digestApiKey, makeApiKey } from "../../src/identity/api-key.ts";
import { canary } from "../support/canary.ts";
import { newDirectory } from "../support/directory.ts";
import { get as getFrames, openFrames, request as requestFrames } from "../support/h2-frames.ts";
import { ask, field } from "../support/raw-client.ts";
import { jwks, makeKeys, makeToken } from "../support/tokens.ts";
import { askRaw, type BenchOptions, startBench } from "./bench.ts";

// API keys, passwords and several issuers in the path of a request.

const { ec, rsa } = makeKeys();
const apiKey = makeApiKey();
const password = canary("password");
const expSecs = Math.floor(Date.now() / 1000) + 600;

/** scrypt at its lowest cost: `ann` and the password. */
const users =
  "# who may come in\nann:$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$REPLACED\nbob:$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

async function start(t: TestContext, route: string, options: BenchOptions = {}) {
  const { scryptSync } = await import("node:crypto");
  const digest = scryptSync(password, Buffer.from("saltsaltsaltsalt"), 32, {
    cost: 2 ** 14,
    blockSize: 8,
    parallelization: 1,
  });
  const folder = newDirectory("auth");
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text);
    return JSON.stringify(path.join(folder, name));
  };
  return startBench(t, {
    ...options,
    route,
    tables: `
[auth_profile.machines]
kind = "api_key"
api_keys_file = ${file("keys.txt", `ci ${digestApiKey(apiKey)} read\n`)}

[auth_profile.people]
kind = "basic"
users_file = ${file("users.txt", users.replace("REPLACED", digest.toString("base64").replace("=", "")))}

[auth_profile.inside]
issuer = "https://in.test"
algorithm = "ES256"
keys_file = ${file("in.json", jwks([ec.publicKey, { kid: "k" }]))}

[auth_profile.outside]
issuer = "https://out.test"
keys_file = ${file("out.json", jwks([rsa.publicKey, { kid: "k" }]))}
`,
  });
}

function get(...fields: readonly string[]): string {
  return `GET /a HTTP/1.1\r\nHost: a.test\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`;
}

function basic(text: string): string {
  return `Authorization: Basic ${Buffer.from(text).toString("base64")}`;
}

test("an API key lets in, tells the upstream whose it is, and goes no further", async (t) => {
  const { edge, origin } = await start(t, 'auth_profile = "machines"\nrequired_scopes = ["read"]');
  for (const name of ["X-API-Key", "x-api-key"]) {
    assert.equal((await ask(edge.port, get(`${name}: ${apiKey}`, "X-Auth-Subject: eve"))).status, 200);
    const { fields, head } = origin.requests.at(-1)!;
    assert.deepEqual(
      fields.filter(([known]) => /^x-(auth|api)/.test(known)),
      [["x-auth-subject", "ci"]],
    );
    assert.ok(!head.includes(apiKey));
  }
});

test("other keys, two of them, and none are refused", async (t) => {
  const { edge, origin } = await start(t, 'auth_profile = "machines"');
  const cases: readonly (readonly [status: number, code: string, ...fields: readonly string[]])[] = [
    [403, "api_key", `X-API-Key: ${apiKey}x`],
    [403, "api_key", `X-API-Key: ${apiKey.slice(0, -1)}`],
    [403, "api_key", `X-API-Key: ${digestApiKey(apiKey)}`],
    [403, "api_key", "X-API-Key:"],
    [403, "api_key", `X-API-Key: ${"a".repeat(5000)}`],
    [403, "api_key", `X-API-Key: ${apiKey}`, `x-api-key: ${apiKey}`],
    [401, "auth_missing"],
    [401, "auth_missing", `Authorization: Bearer ${apiKey}`],
  ];
  for (const [status, code, ...fields] of cases) {
    const answer = await ask(edge.port, get(...fields));
    assert.equal(answer.status, status, fields.join());
    assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], code);
    if (status === 401) assert.equal(field(answer, "www-authenticate"), 'ApiKey header="X-API-Key"');
  }
  assert.equal(origin.requests.length, 0);
});

test("an API key lacks the scopes that its line does not give it", async (t) => {
  const { edge } = await start(t, 'auth_profile = "machines"\nrequired_scopes = ["read", "write"]');
  const answer = await ask(edge.port, get(`X-API-Key: ${apiKey}`));
  assert.deepEqual([answer.status, field(answer, "www-authenticate")], [403, undefined]);
});

test("a name and its password let in, again without deriving, and go no further", async (t) => {
  const { edge, origin } = await start(t, 'auth_profile = "people"');
  for (let round = 0; round < 3; round++) {
    assert.equal((await ask(edge.port, get(basic(`ann:${password}`)))).status, 200);
    const { fields } = origin.requests.at(-1)!;
    assert.deepEqual(
      fields.filter(([name]) => name === "x-auth-subject" || name === "authorization"),
      [["x-auth-subject", "ann"]],
    );
  }
});

test("wrong passwords and unknown names are told the same", async (t) => {
  const { edge, origin } = await start(t, 'auth_profile = "people"');
  const told = new Set<string>();
  for (const line of [
    basic("ann:correct hors"),
    basic("ann:"),
    basic(`eve:${password}`),
    basic("ann"),
    basic(""),
    `${basic(`ann:${password}`)}=`,
    "Authorization: Basic !!!!",
    `Authorization: Basic ${"A".repeat(4000)}`,
  ]) {
    const answer = await ask(edge.port, get(line));
    // A scheme with nothing behind it is no credential at all.
    if (line === basic("")) assert.equal(answer.status, 401);
    else told.add(`${answer.status} ${field(answer, "www-authenticate")} ${answer.body}`);
  }
  assert.deepEqual([...told], ['401 Basic realm="people", charset="UTF-8" unauthorized\n']);
  assert.equal(origin.requests.length, 0);
});

test("a flood of wrong passwords is turned away before it costs more than its lane", async (t) => {
  const { edge } = await start(t, 'auth_profile = "people"');
  // 66 derivations on a machine that has much else to do.
  const patient = { deadlineMs: 50_000 };
  const statuses = await Promise.all(
    Array.from(
      { length: 200 },
      async (_none, i) => (await ask(edge.port, get(basic(`ann:guess${i}`)), patient)).status,
    ),
  );
  const busy = statuses.filter((status) => status === 503).length;
  assert.equal(busy + statuses.filter((status) => status === 401).length, 200);
  assert.ok(busy > 0);
  assert.equal(edge.metric("zion_reject_total", "password_busy"), busy);
  // The lane is free again.
  assert.equal((await ask(edge.port, get(basic(`ann:${password}`)), patient)).status, 200);
});

test("a client that leaves while its password is verified costs nothing more", async (t) => {
  const { edge, origin } = await start(t, 'auth_profile = "people"');
  const net = await import("node:net");
  await Promise.all(
    Array.from(
      { length: 20 },
      () =>
        new Promise<void>((resolve) => {
          const socket = net.connect(edge.port, "127.0.0.1", () => {
            socket.write(get(basic(`ann:${password}`)), () => {
              socket.destroy();
              resolve();
            });
          });
          socket.on("error", () => {});
        }),
    ),
  );
  assert.equal((await ask(edge.port, get(basic(`ann:${password}`)))).status, 200);
  assert.equal(origin.requests.filter((request) => request.method !== "GET").length, 0);
  assert.equal(edge.metric("zion_defects_total"), 0);
});

test("a body follows a password that had to be verified first", async (t) => {
  const { edge, origin } = await start(t, 'auth_profile = "people"');
  const request = `POST /a HTTP/1.1\r\nHost: a.test\r\n${basic(`ann:${password}`)}\r\nContent-Length: 5\r\n\r\nhello`;
  assert.equal((await ask(edge.port, request)).status, 200);
  assert.equal((await origin.requests.at(-1)!.body).toString(), "hello");
});

test("pipelined requests wait for a password in their order", async (t) => {
  const { edge, origin } = await start(t, 'auth_profile = "people"');
  const good = basic(`ann:${password}`);
  const pipelined = await askRaw(
    edge.port,
    [
      get(good),
      get(basic("ann:wrong")).replace("/a", "/b"),
      get(good, "Connection: close").replace("/a", "/c"),
    ].join(""),
  );
  assert.deepEqual(
    [...pipelined.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ["200", "401", "200"],
  );
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ["/a", "/c"],
  );
});

test("HTTP/2 streams wait for their passwords beside each other", async (t) => {
  const { edge } = await start(t, 'auth_profile = "people"', { tlsNames: [], tls: 'alpn = ["h2"]' });
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  const stream = (id: number, text: string) =>
    requestFrames(id, getFrames("/a", ["authorization", `Basic ${Buffer.from(text).toString("base64")}`]));
  client.send(stream(1, `ann:${password}`), stream(3, "ann:wrong"), stream(5, `ann:${password}`));
  assert.deepEqual(
    [await client.outcome(1), await client.outcome(3), await client.outcome(5)],
    ["200", "401", "200"],
  );
});

test("several profiles: each request is judged by the credential that it brings", async (t) => {
  const { edge, origin } = await start(t, 'auth_profile = ["machines", "people", "inside", "outside"]');
  const token = (iss: string, alg: string, key: typeof ec.privateKey, more: object = {}) =>
    `Authorization: Bearer ${makeToken({ alg, kid: "k" }, { iss, sub: iss, exp: expSecs, ...more }, key)}`;
  const cases: readonly (readonly [status: number, subject: string, ...fields: readonly string[]])[] = [
    [200, "ci", `X-API-Key: ${apiKey}`],
    [200, "ann", basic(`ann:${password}`)],
    [200, "https://in.test", token("https://in.test", "ES256", ec.privateKey)],
    [200, "https://out.test", token("https://out.test", "RS256", rsa.privateKey)],
    // Signed by one issuer in the name of the other.
    [403, "", token("https://out.test", "ES256", ec.privateKey)],
    [403, "", token("https://in.test", "RS256", rsa.privateKey)],
    [403, "", token("https://nobody.test", "ES256", ec.privateKey)],
    [403, "", token("", "ES256", ec.privateKey, { iss: undefined })],
    [403, "", token("", "ES256", ec.privateKey, { iss: ["https://in.test"] })],
    // A bad token is no better for a good key beside it.
    [403, "", token("https://nobody.test", "ES256", ec.privateKey), `X-API-Key: ${apiKey}`],
  ];
  for (const [status, subject, ...fields] of cases) {
    const sent = origin.requests.length;
    const answer = await ask(edge.port, get(...fields));
    assert.equal(answer.status, status, subject);
    if (status !== 200) assert.equal(origin.requests.length, sent);
    else assert.deepEqual(new Map(origin.requests.at(-1)!.fields).get("x-auth-subject"), subject);
  }
});
