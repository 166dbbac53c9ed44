import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { scryptSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { digestApiKey } from "../../src/identity/api-key.ts";
import { childrenOf, type Gateway, launcher, startGateway, until } from "../control/gateway.ts";
import { assertNoCanary, assertNoCanaryBelow, canary } from "../support/canary.ts";
import { startCollector } from "../support/collector.ts";
import { plainAnswer, startOrigin } from "../support/origin.ts";
import { ask, connect } from "../support/raw-client.ts";
import { makeToken } from "../support/tokens.ts";
import { handshake, masked, open, switching } from "../support/websocket.ts";

// Secrets are planted wherever there is a place for one: none may come out of any output of the gateway. (Upstreams get
// what clients send them. The path and the values of query parameters with ordinary names are no secrets to the log.)

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc" };
const jwtSecret = canary("jwt-secret-of-the-profile");
const inlineSecret = canary("inline-secret-of-the-profile");
const password = canary("password");
const environment = {
  CANARY_ADMIN: canary("admin-token"),
  CANARY_JWT: jwtSecret,
  CANARY_IP: canary("ip-hmac-key"),
  CANARY_UNUSED: canary("unused-variable"),
};

const digest = scryptSync(password, "saltsaltsaltsalt", 32, {
  cost: 2 ** 14,
  blockSize: 8,
  parallelization: 1,
});
const tls = makeSelfSigned({ names: ["localhost"], days: 2 });
const files = {
  "tls.crt": tls.certPem,
  "tls.key": tls.keyPem,
  "audit.key": canary("audit-key-of-32-bytes"),
  "valkey.password": canary("valkey-password"),
  "jwt.secret.old": canary("secret-before-that-one"),
  "keys.txt": `ci ${digestApiKey(canary("api-key"))} read\n`,
  "users.txt": `ann:$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$${digest.toString("base64").replace("=", "")}\n`,
};

const toml = (originPort: number, collectorUrl: string): string => `amnesia = false
[server]
listen_http = "127.0.0.1:0"
listen_https = "127.0.0.1:0"
http_mode = "serve"
workers = 2
shutdown_delay_ms = 0
state_dir = "DIRECTORY/state"
expose_internal = true
[tls]
cert_path = "DIRECTORY/tls.crt"
key_path = "DIRECTORY/tls.key"
[upstream.app]
url = "http://127.0.0.1:${originPort}"
[upstream.nowhere]
url = "http://127.0.0.1:9"
[access_log]
path = "DIRECTORY/access.log"
include_headers = ["referer", "x-session-id"]
[redact]
headers = ["x-session-id", "referer"]
ip = "hmac"
ip_hmac_key_env = "CANARY_IP"
[audit]
enabled = true
path = "DIRECTORY/audit"
key_file = "DIRECTORY/audit.key"
requests = true
[tracing]
endpoint = "${collectorUrl}"
sample = 1
[telemetry]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
write_token_env = "CANARY_ADMIN"
[valkey]
url = "redis://127.0.0.1:9"
password_file = "DIRECTORY/valkey.password"
[limit.all]
key = ["address"]
rate = 100000
window_secs = 1
store = "valkey"
[ban]
[auth_profile.users]
secret_env = "CANARY_JWT"
previous_secret_file = "DIRECTORY/jwt.secret.old"
[auth_profile.inline]
secret = "${inlineSecret}"
[auth_profile.machines]
kind = "api_key"
api_keys_file = "DIRECTORY/keys.txt"
[auth_profile.people]
kind = "basic"
users_file = "DIRECTORY/users.txt"
${[
  ["open", ""],
  ["token", 'auth_profile = "users"'],
  ["inline", 'auth_profile = "inline"'],
  ["key", 'auth_profile = "machines"'],
  ["basic", 'auth_profile = "people"'],
  ["shadow", "waf_shadow = true"],
  ["socket", 'mode = "websocket"\nwebsocket_inspect = true'],
]
  .map(
    ([name, more]) =>
      `[[route]]\nname = "${name}"\npath = "/${name}/{*rest}"\nupstream = "app"\nlimits = ["all"]\n${more}\n`,
  )
  .join("")}[[route]]
name = "nowhere"
path = "/nowhere/{*rest}"
upstream = "nowhere"
`;

/** Fields that carry secrets by custom; values with what makes rules of the WAF fire, too. */
const fields = [
  `Authorization: Bearer ${makeToken({ alg: "HS256" }, { sub: canary("subject"), email: canary("claim") }, "x".repeat(32))}`,
  `Cookie: session=${canary("cookie")}; theme=' or '1'='1-${canary("cookie-attack")}`,
  `X-Api-Key: ${canary("api-key-field")}`,
  `X-Session-Id: ${canary("redacted-field")}`,
  `Referer: https://a.test/?token=${canary("referer")}`,
  `Proxy-Authorization: Basic ${Buffer.from(`u:${canary("proxy")}`).toString("base64")}`,
  `X-Custom-Secret: <script>alert('${canary("custom-field")}')</script>`,
];
const query = ["token", "password", "api_key", "%73ecret", "code"]
  .map((name) => `${name}=${canary(name)}`)
  .join("&");
const bodies: readonly (readonly [type: string, text: string])[] = [
  ["application/json", JSON.stringify({ password: canary("json"), q: "' or '1'='1" })],
  ["application/json", `{"password":"${canary("broken-json")}"`],
  ["application/x-www-form-urlencoded", `pw=${canary("form")}&q=1'+or+'1'='1`],
  ["application/xml", `<a><!DOCTYPE x [<!ENTITY e "${canary("xml")}">]>&e;</a>`],
  ["text/plain", `<script>${canary("text")}</script>`],
];

function requestText(target: string, more: readonly string[], body?: readonly [string, string]): string {
  const framing = body === undefined ? [] : [`Content-Type: ${body[0]}`, `Content-Length: ${body[1].length}`];
  const lines = [
    `${body === undefined ? "GET" : "POST"} ${target} HTTP/1.1`,
    "Host: localhost",
    ...more,
    ...framing,
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body?.[1] ?? ""}`;
}

/** Sends everything that can be refused, let through, broken or cut. Answers of the gateway's own may not hold anything. */
async function sendAll(gateway: Gateway): Promise<void> {
  const sent: string[] = [];
  for (const route of ["open", "token", "inline", "key", "basic", "shadow", "nowhere", "none"]) {
    sent.push(requestText(`/${route}/x?${query}`, fields));
    for (const field of fields) sent.push(requestText(`/${route}/x`, [field]));
    for (const body of bodies) sent.push(requestText(`/${route}/x?${query}`, fields.slice(2, 3), body));
  }
  const basic = Buffer.from(`ann:${password}`).toString("base64");
  const good = makeToken(
    { alg: "HS256" },
    { exp: Math.floor(Date.now() / 1000) + 600, email: canary("good-claim") },
    jwtSecret,
  );
  sent.push(
    requestText("/basic/x", [`Authorization: Basic ${basic}`]),
    requestText("/basic/x", [
      `Authorization: Basic ${Buffer.from(`ann:${canary("wrong")}`).toString("base64")}`,
    ]),
    requestText("/key/x", [`X-Api-Key: ${canary("api-key")}`]),
    requestText("/token/x", [`Authorization: Bearer ${good}`]),
    requestText("/token/x", [`Authorization: Bearer ${canary("not-a-token")}`]),
    // Heads that cannot be read.
    requestText("/open/x", [`Authorization : ${canary("space-before-colon")}`]),
    requestText("/open/x", [`X-A: ${canary("control")}\u0001`]),
    requestText("/open/x", [`X-Api-Key: ${canary("too-long")}${"x".repeat(20_000)}`]),
    `${canary("no-http-at-all")}\r\n\r\n`,
    requestText(`http://u:${canary("userinfo")}@localhost/open/x`, []),
  );
  for (const text of sent) {
    const answer = await ask(gateway.port, text, { deadlineMs: 30_000 });
    assertNoCanary(
      `${answer.statusLine} ${answer.fields.join()} ${answer.body.toString("latin1")}`,
      text.slice(0, 80),
    );
  }
  // A body that stops, and a client that leaves.
  const cut = await connect(gateway.port);
  cut.send(`POST /open/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n${canary("cut-body")}`);
  await new Promise((done) => setImmediate(done));
  cut.reset();
  await overHttp2(gateway);
  await overWebSocket(gateway);
}

async function overHttp2({ httpsPort }: Gateway): Promise<void> {
  const session = http2.connect(`https://localhost:${httpsPort}`, { rejectUnauthorized: false });
  for (const name of ["authorization", "cookie", "x-api-key", "x-session-id"]) {
    const stream = session.request({
      ":path": `/open/h2?token=${canary("h2-query")}`,
      [name]: canary(`h2-${name}`),
    });
    let answer = "";
    for await (const part of stream as AsyncIterable<Buffer>) answer += part.toString("latin1");
    assertNoCanary(answer, `the answer over HTTP/2 to ${name}`);
  }
  session.close();
}

async function overWebSocket({ port }: Gateway): Promise<void> {
  const client = await open(
    port,
    {},
    handshake(`Cookie: s=${canary("websocket-cookie")}`).replace("/chat", "/socket/x"),
  );
  client.send(masked(1, `<script>alert('${canary("message")}')</script>`));
  await client.untilOver();
}

const admin = { authorization: `Bearer ${environment.CANARY_ADMIN}` };

/** Status, fields and body. A stream of events has no end: what it begins with. */
function fetchPage(port: number, page: string, headers: http.OutgoingHttpHeaders = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ port, host: "127.0.0.1", path: page, headers, agent: false }, (answer) => {
      let text = `${answer.statusCode} ${JSON.stringify(answer.headers)}`;
      answer.setEncoding("latin1").on("data", (part: string) => {
        text += part;
      });
      answer.on("error", () => {});
      answer.on("close", () => resolve(text));
      if (String(answer.headers["content-type"]).startsWith("text/event-stream")) answer.destroy();
    });
    request.on("error", reject);
  });
}

/** Pages that operators read: every one of the admin listener's list that can be read, telemetry, and those on the listener of clients. */
async function readAll(gateway: Gateway): Promise<string[]> {
  const list = await fetchPage(gateway.adminPort, "/", { ...admin, accept: "application/json" });
  const pages = [...list.matchAll(/"method": "GET",\s*"path": "([^"{]+)"/g)].map(([, page]) => page!);
  assert.ok(pages.length >= 5, list);
  return Promise.all([
    ...pages.map((page) => fetchPage(gateway.adminPort, page, admin)),
    ...["/metrics", "/readyz?verbose"].map((page) => fetchPage(gateway.telemetryPort, page)),
    fetchPage(gateway.telemetryPort, "/metrics", { accept: "application/openmetrics-text" }),
    ...["/metrics", "/_zion/snapshot.json"].map((page) => fetchPage(gateway.port, page)),
  ]);
}

/** What the admin listener tells while all this happens. */
function followEvents(t: TestContext, { adminPort }: Gateway): () => string {
  let text = "";
  const request = http.get({
    port: adminPort,
    host: "127.0.0.1",
    path: "/v1/events",
    headers: admin,
    agent: false,
  });
  request.on("error", () => {});
  request.on("response", (answer) => {
    answer.on("error", () => {});
    answer.setEncoding("latin1").on("data", (part: string) => {
      text += part;
    });
  });
  t.after(() => request.destroy());
  return () => text;
}

function zion(...args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [launcher, ...args],
      { env: { ...process.env, ...environment } },
      (_error, out, err) => resolve(out + err),
    );
  });
}

test("planted secrets are in no output of the gateway", { ...onLinux, timeout: 180_000 }, async (t) => {
  const origin = await startOrigin({
    script: (request, connection) => {
      if (request.fields.some(([name]) => name === "upgrade")) connection.socket.write(switching(request));
      else return plainAnswer(request, connection);
    },
  });
  t.after(() => origin.close());
  const collector = await startCollector(t);
  // The gateway's helper searches its log and its directory at the end of every test; here nothing of it is left out but
  // what the secrets came in.
  const gateway = await startGateway(t, { toml: toml(origin.port, collector.url), environment, files });
  const configFile = path.join(gateway.directory, "zion.toml");
  const events = followEvents(t, gateway);
  await sendAll(gateway);
  assert.ok(origin.requests.length > 20, "much of it was let through");

  // What a broken configuration is answered, told, and shown by commands.
  const good = readFileSync(configFile, "utf8");
  const outputs = [
    await zion("check", "-c", configFile),
    await zion("check", "-c", configFile, "--format", "json"),
  ];
  for (const line of [
    `secret = "${canary("unclosed")}`,
    `[auth_profile.next]\nsecret_env = "${canary("token-for-a-name")}"`,
    `[upstream.next]\nurl = "http://u:${canary("userinfo-of-an-url")}@127.0.0.1/x y"`,
    `[admin.token]\npassword = "${canary("unknown-key")}"`,
  ]) {
    const reloads = (): number =>
      gateway.log().filter((one) => one["event.name"] === "zion.config.reload").length;
    const before = reloads();
    writeFileSync(configFile, `${good}${line}\n`);
    gateway.signal("SIGHUP");
    await until("the reload is refused", () => reloads() > before);
    outputs.push(await zion("check", "-c", configFile));
  }
  writeFileSync(configFile, good);

  // Ends of processes, and the state for whoever asks for it.
  gateway.signal("SIGQUIT");
  process.kill(gateway.workers()[0]!, "SIGSEGV");
  await gateway.logged((line) => line["event.name"] === "zion.worker.exit");
  await until("spans have come", () => collector.spans.length > 50);
  assert.ok(events().length > 500, "the admin listener told of it");
  outputs.push(...(await readAll(gateway)), events());
  for (const [i, output] of outputs.entries()) assertNoCanary(output, `output ${i}: ${output.slice(0, 60)}`);
  assertNoCanary(
    JSON.stringify(collector.spans, (_key, value) => (typeof value === "bigint" ? `${value}` : value)),
    "spans",
  );

  // Nobody else on the machine learns of them by looking at processes; children get no secret of the primary's.
  const children = childrenOf(gateway.pid);
  assert.ok(children.length >= 3);
  for (const pid of [gateway.pid, ...children])
    assertNoCanary(readFileSync(`/proc/${pid}/cmdline`, "latin1"), `the command line of ${pid}`);
  for (const pid of gateway.workers())
    assertNoCanary(readFileSync(`/proc/${pid}/environ`, "latin1"), `the environment of worker ${pid}`);

  const written = ["zion.toml", ...Object.keys(files)];
  await until(
    "lines are written",
    () => readFileSync(path.join(gateway.directory, "access.log"), "utf8").length > 10_000,
  );
  assertNoCanaryBelow(gateway.directory, written);
  // The key itself: its first line, as it stands between the marks.
  const keyLine = tls.keyPem.split("\n")[1]!;
  for (const output of [...outputs, gateway.stderr()]) assert.ok(!output.includes(keyLine.slice(0, 40)));
});

test("a canary is found in every form that an output could give it", () => {
  const secret = canary("x");
  for (const form of [
    secret,
    secret.toUpperCase(),
    Buffer.from(secret).toString("hex"),
    ...["", "a", "ab"].map((before) => Buffer.from(`${before}:${secret}`).toString("base64")),
    ...["", "a", "ab"].map((before) => Buffer.from(`${before}${secret}`).toString("base64url")),
    [...Buffer.from(secret)].map((byte) => `%${byte.toString(16)}`).join(""),
  ])
    assert.throws(() => assertNoCanary(`before ${form} after`, "here"), /is in here/, form);
  assertNoCanary("canary c4n4 r4nc4", "here");
});
