import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { newDirectory } from "../support/directory.ts";
import { get as getFrames, openFrames, request as requestFrames } from "../support/h2-frames.ts";
import { ask, field } from "../support/raw-client.ts";
import { jwks, makeKeys, makeToken } from "../support/tokens.ts";
import { handshake } from "../support/websocket.ts";
import { type BenchOptions, startBench } from "./bench.ts";

// Bearer tokens in the path of a request: what the client, the upstream and the metrics see of them.

const { rsa, ec } = makeKeys();
const now = Math.floor(Date.now() / 1000);
const claims = { iss: "https://id.test", sub: "ann", email: "ann@a.test", exp: now + 600, tenant: "red" };

function start(t: TestContext, options: BenchOptions & { readonly profile?: string } = {}) {
  const folder = newDirectory("auth");
  const file = path.join(folder, "keys.json");
  writeFileSync(file, jwks([ec.publicKey, { kid: "e" }], [rsa.publicKey, { kid: "r" }]));
  return startBench(t, {
    ...options,
    route: `auth_profile = "users"\n${options.route ?? ""}`,
    tables: `
[auth_profile.users]
issuer = "https://id.test"
algorithms = ["ES256", "RS256"]
keys_file = ${JSON.stringify(file)}
${options.profile ?? ""}
${options.tables ?? ""}`,
  });
}

function token(more: object = {}): string {
  return makeToken({ alg: "ES256", kid: "e" }, { ...claims, ...more }, ec.privateKey);
}

function get(...fields: readonly string[]): string {
  return `GET /a HTTP/1.1\r\nHost: a.test\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`;
}

function bearer(text: string): string {
  return `Authorization: Bearer ${text}`;
}

test("a good token lets a request in, and tells the upstream whose it is", async (t) => {
  const { edge, origin } = await start(t, { profile: 'claim_headers = { tenant = "X-Tenant" }' });
  for (const scheme of ["Bearer", "bearer", "BEARER"]) {
    const request = get(
      `Authorization: ${scheme} ${token()}`,
      "X-Auth-Subject: eve",
      "X-Auth-Email: eve@a.test",
      "x-tenant: blue",
      "X-Tenant: green",
    );
    assert.equal((await ask(edge.port, request)).status, 200);
    const sent = origin.requests.at(-1)!.fields.filter(([name]) => /^x-(auth|tenant)/.test(name));
    assert.deepEqual(sent, [
      ["x-auth-subject", "ann"],
      ["x-auth-email", "ann@a.test"],
      ["x-tenant", "red"],
    ]);
  }
});

test("a field of an identity is removed on routes that ask for none", async (t) => {
  const { edge, origin } = await start(t, {
    profile: 'forward_claims = false\nclaim_headers = { tenant = "X-Tenant" }',
    tables: '[[route]]\npath = "/open"\nupstream = "app"\nwaf = false',
  });
  const request = get("X-Tenant: blue", "X-Auth-Subject: eve").replace("/a", "/open");
  assert.equal((await ask(edge.port, request)).status, 200);
  const sent = origin.requests.at(-1)!.fields.map(([name]) => name);
  assert.ok(!sent.includes("x-tenant") && !sent.includes("x-auth-subject"));
  assert.equal((await ask(edge.port, get(bearer(token()), "X-Auth-Subject: eve"))).status, 200);
  assert.deepEqual(
    origin.requests.at(-1)!.fields.filter(([name]) => /^x-(auth|tenant)/.test(name)),
    [["x-tenant", "red"]],
  );
});

const refusals: readonly (readonly [what: string, line: string, status: number, code: string])[] = [
  ["no credentials", "Accept: */*", 401, "auth_missing"],
  ["another scheme", "Authorization: Basic YTpi", 401, "auth_missing"],
  ["a scheme alone", "Authorization: Bearer", 401, "auth_missing"],
  ["two spaces", `Authorization: Bearer  ${token()}`, 403, "token_syntax"],
  ["an expired one", bearer(token({ exp: now - 31 })), 401, "token_expired"],
  ["another issuer", bearer(token({ iss: "https://evil.test" })), 403, "token_claims"],
  [
    "a kid that is not known",
    bearer(makeToken({ alg: "ES256", kid: "x" }, claims, ec.privateKey)),
    403,
    "token_kid",
  ],
  ["a wrong signature", bearer(`${token().slice(0, -86)}${"A".repeat(86)}`), 403, "token_signature"],
];

test("other requests are refused, reach no upstream, and are counted", async (t) => {
  const { edge, origin } = await start(t);
  for (const [what, line, status, code] of refusals) {
    const answer = await ask(edge.port, get(line));
    assert.equal(answer.status, status, what);
    const challenge = field(answer, "www-authenticate");
    if (status === 401) assert.match(challenge!, /^Bearer/, what);
    else assert.equal(challenge, undefined, what);
    const line2 = await edge.logLine(field(answer, "x-request-id")!);
    assert.equal(line2["zion.reason"], code, what);
    assert.ok(edge.metric("zion_reject_total", code) > 0, what);
  }
  assert.equal(origin.requests.length, 0);
});

test("a token in the query is none", async (t) => {
  const { edge } = await start(t);
  const request = get().replace("/a", `/a?access_token=${token()}`);
  assert.equal((await ask(edge.port, request)).status, 401);
});

test("two Authorization fields are refused before anyone chooses", async (t) => {
  const { edge } = await start(t);
  assert.equal((await ask(edge.port, get(bearer(token()), bearer("x")))).status, 400);
});

test("who may not come in learns neither of the WAF nor of the upstream", async (t) => {
  const { edge, origin } = await start(t, { waf: true });
  await origin.close();
  const attack = get().replace("/a", "/a?q=%27%20UNION%20SELECT%20password%20FROM%20users--%20-");
  assert.equal((await ask(edge.port, attack)).status, 401);
  assert.equal((await ask(edge.port, get())).status, 401);
  assert.equal((await ask(edge.port, get(bearer(token())))).status, 502);
});

test("scopes are all asked for, of roles one", async (t) => {
  const { edge } = await start(t, {
    profile: 'roles_claim = "realm.roles"',
    route: 'required_scopes = ["read", "write"]\nrequired_roles = ["admin", "clerk"]',
  });
  const cases: readonly (readonly [more: object, status: number])[] = [
    [{ scope: "read write x", realm: { roles: ["clerk"] } }, 200],
    [{ scope: "read", realm: { roles: ["clerk"] } }, 403],
    [{ scope: "read write", realm: { roles: ["guest"] } }, 403],
    [{ scope: "read write" }, 403],
    [{ scope: "readwrite", realm: { roles: ["admin"] } }, 403],
  ];
  for (const [more, status] of cases) {
    const answer = await ask(edge.port, get(bearer(token(more))));
    assert.equal(answer.status, status, JSON.stringify(more));
    if (status === 403) assert.equal(field(answer, "www-authenticate"), 'Bearer error="insufficient_scope"');
  }
});

test("a claim of roles may be a URL, whose dots are no steps", async (t) => {
  const { edge } = await start(t, {
    profile: 'roles_claim = "https://shop.test/roles"',
    route: 'required_roles = ["clerk"]',
  });
  const asked = async (more: object) => (await ask(edge.port, get(bearer(token(more))))).status;
  assert.equal(await asked({ "https://shop.test/roles": ["clerk"] }), 200);
  assert.equal(await asked({ "https://shop": { "test/roles": ["clerk"] } }), 403);
});

test("a head with as many fields as may be has room for the identity", async (t) => {
  const { edge, origin } = await start(t);
  const many = Array.from({ length: 62 }, (_, i) => `X-Field-${i}: ${i}`);
  assert.equal((await ask(edge.port, get(bearer(token()), ...many))).status, 200);
  const sent = new Map(origin.requests.at(-1)!.fields);
  assert.equal(sent.get("x-auth-subject"), "ann");
  assert.equal(sent.get("x-field-61"), "61");
});

test("HTTP/2 requests and WebSocket handshakes are asked for tokens too", async (t) => {
  const { edge, origin } = await start(t, {
    tlsNames: [],
    tls: 'alpn = ["h2"]',
    route: 'mode = "websocket"',
  });
  assert.equal((await ask(edge.port, handshake())).status, 401);
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  client.send(
    requestFrames(1, getFrames("/a")),
    requestFrames(5, getFrames("/a", ["authorization", `Bearer ${token()}`], ["x-auth-subject", "eve"])),
  );
  assert.equal(await client.outcome(1), "401");
  assert.equal(await client.outcome(5), "200");
  assert.deepEqual(
    origin.requests.map(({ fields }) => fields.filter(([name]) => name === "x-auth-subject")),
    [[["x-auth-subject", "ann"]]],
  );
});

test("a preflight needs no token, and the request after it does", async (t) => {
  const { edge, origin } = await start(t, {
    tables:
      '[[route]]\npath = "/api"\nupstream = "app"\nwaf = false\nauth_profile = "users"\n[route.cors]\nallowed_origins = ["https://shop.test"]',
  });
  const from = "Origin: https://shop.test";
  const preflight = get(from, "Access-Control-Request-Method: PUT").replace("GET /a", "OPTIONS /api");
  assert.equal((await ask(edge.port, preflight)).status, 204);
  assert.equal((await ask(edge.port, get(from).replace("/a", "/api"))).status, 401);
  assert.equal(origin.requests.length, 0);
});

test("a trailer cannot name anyone either", async (t) => {
  const { edge, origin } = await start(t, {
    profile: 'claim_headers = { tenant = "X-Tenant" }',
    route: "trailers = true",
  });
  const request = [
    "POST /a HTTP/1.1",
    "Host: a.test",
    bearer(token()),
    "Transfer-Encoding: chunked",
    "",
    "1",
    "x",
    "0",
    "X-Tenant: blue",
    "X-Sum: 1",
    "",
    "",
  ];
  assert.equal((await ask(edge.port, request.join("\r\n"))).status, 200);
  const received = origin.connections[0]!.received().toString("latin1");
  assert.ok(received.endsWith("\r\n0\r\nx-sum: 1\r\n\r\n"), received);
});
