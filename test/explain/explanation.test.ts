import assert from "node:assert/strict";
import net from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { parseConfig } from "../../src/config/parse.ts";
import type { Explanation } from "../../src/explain/explanation.ts";
import { openPlane } from "../../src/explain/plane.ts";
import { explain } from "../../src/explain/question.ts";
import { parseAddress } from "../../src/identity/address.ts";
import { buildScoreTable, scoreKey } from "../../src/identity/score-table.ts";
import { systemClock } from "../../src/std/clock.ts";
import { openClientAuthority } from "../support/client-ca.ts";

const head = 'schema_version = 1\n[server]\nlisten_http = "127.0.0.1:8080"\n';

async function explained(
  t: TestContext,
  config: string,
  request: string,
  from = "203.0.113.9",
): Promise<Explanation> {
  const read = parseConfig(config, { file: "zion.toml", readFile: () => assert.fail("no files here") });
  assert.ok(read.config !== undefined, JSON.stringify(read.diagnostics));
  const plane = openPlane(read.config, 0, systemClock);
  t.after(() => plane.close());
  const bytes = Buffer.from(request, "latin1");
  return explain(plane, { bytes, from, secure: false, serverName: "" });
}

const says = (explanation: Explanation, name: string): string =>
  explanation.steps.find((step) => step.name === name)?.says ?? `no step ${name}`;

test("nobody is contacted, not even an upstream that is there", async (t) => {
  let connections = 0;
  const server = net.createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  const config = `${head}[upstream.a]\nurl = "http://127.0.0.1:${port}"\n[auth_profile.house]\nkind = "forward"\nservice_upstream = "a"
[[route]]\nname = "asked"\npath = "/asked"\nupstream = "a"\nauth_profile = "house"
[[route]]\nname = "rest"\npath = "/{*rest}"\nupstream = "a"\n`;
  const plain = await explained(
    t,
    config,
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi",
  );
  assert.equal(plain.decision.decision, "allow");
  assert.deepEqual(plain.undecided, []);
  const asked = await explained(t, config, "GET /asked HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(asked.decision.decision, "allow");
  assert.match(asked.undecided.join(), /a service decides who may come in/);
  await new Promise((done) => setImmediate(done));
  assert.equal(connections, 0);
});

test("a limit is shown and not spent: the same question has the same answer", async (t) => {
  const config = `${head}[limit.once]\nrate = 1\nwindow_secs = 60\n[upstream.a]\nurl = "http://10.0.0.1"
[[route]]\nname = "rest"\npath = "/{*rest}"\nupstream = "a"\nlimits = ["once"]\n`;
  const read = parseConfig(config, { file: "zion.toml", readFile: () => assert.fail("no files here") });
  const plane = openPlane(read.config!, 0, systemClock);
  t.after(() => plane.close());
  const question = {
    bytes: Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    from: "203.0.113.9",
    secure: false,
    serverName: "",
  };
  for (let round = 0; round < 3; round++) {
    const explanation = await explain(plane, question);
    assert.equal(explanation.decision.decision, "allow");
    assert.equal(
      says(explanation, "route_limits"),
      "once 1 in 60 s per address (how much is used is not known offline)",
    );
  }
});

test("what other edges say of a client is known to a gateway that runs only", async (t) => {
  const config = `${head}[upstream.a]\nurl = "http://10.0.0.1"\n[valkey]\nurl = "redis://127.0.0.1"
[mesh]\nenabled = true\nidentity_path = "a.key"\ncluster_key_path = "b.key"\ntrusted_keys = ["c.keys"]\nscore_deny_above = 0.95
[[route]]\nname = "rest"\npath = "/{*rest}"\nupstream = "a"\n`;
  const files = { "a.key": "1".repeat(64), "b.key": "2".repeat(64), "c.keys": "" };
  const read = parseConfig(config, {
    file: "zion.toml",
    readFile: (name) => Buffer.from(files[path.basename(name) as keyof typeof files]),
  });
  assert.ok(read.config !== undefined, JSON.stringify(read.diagnostics));
  const bytes = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const question = { bytes, from: "203.0.113.9", secure: false, serverName: "" };
  const offline = openPlane(read.config, 0, systemClock);
  t.after(() => offline.close());
  assert.match(says(await explain(offline, question), "mesh_score"), /is not known offline$/);

  const store = { isUp: true, seed: Buffer.alloc(8), offsetMs: 0 };
  const running = openPlane(read.config, 1, systemClock, { seed: Buffer.alloc(8), store });
  t.after(() => running.close());
  assert.equal(says(await explain(running, question), "mesh_score"), "nothing is known of other edges");
  const [high, low] = scoreKey(parseAddress(question.from)!);
  const scored = [{ high, low, score: 9731, isDenied: true }];
  running.state.mesh.scores = { plain: buildScoreTable(scored, 1), hashed: undefined };
  const refused = await explain(running, question);
  assert.deepEqual([refused.decision.status, refused.decision.reason], [403, "mesh_score"]);
  assert.match(says(refused, "mesh_score"), /other edges give the client 0\.973; a quorum reports it$/);
});

test("a request without a route is told which ones are near, and why they are not its own", async (t) => {
  const config = `${head}[upstream.a]\nurl = "http://10.0.0.1"
[[route]]\nname = "shop"\npath = "/api/{*rest}"\nhosts = ["shop.test"]\nupstream = "a"
[[route]]\nname = "form"\npath = "/api/form"\nmethods = ["POST"]\nupstream = "a"\n`;
  const missing = await explained(t, config, "GET /api/form HTTP/1.1\r\nHost: other.test\r\n\r\n");
  assert.equal(missing.decision.reason, "method_route");
  assert.match(says(missing, "route"), /Near: shop \(hosts shop\.test\), form \(methods POST\)/);
  const found = await explained(t, config, "POST /api/form HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  assert.equal(says(found, "route"), "shop; also fits: form");
});

test("who the client is taken for is said with the reason", async (t) => {
  const config = `${head.replace("[server]", '[server]\ntrusted_proxies = ["10.0.0.1"]')}[upstream.a]\nurl = "http://10.0.0.1"
[[route]]\npath = "/{*rest}"\nupstream = "a"\n`;
  const chain = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n";
  assert.match(
    says(await explained(t, config, chain, "10.0.0.1"), "client"),
    /^198\.51\.100\.7 \(X-Forwarded-For of/,
  );
  assert.match(
    says(await explained(t, config, chain, "10.0.0.2"), "client"),
    /^10\.0\.0\.2 .*not in trusted_proxies/,
  );
});

test("a shadow says what would be refused, and lets pass", async (t) => {
  const config = `${head}[upstream.a]\nurl = "http://10.0.0.1"
[[route]]\nname = "try"\npath = "/{*rest}"\nupstream = "a"\nwaf_shadow = true\n`;
  const { decision, steps, findings } = await explained(
    t,
    config,
    "GET /?q=1'%20or%201=1-- HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  assert.equal(decision.decision, "shadow");
  assert.equal(steps.find(({ name }) => name === "waf")?.verdict, "shadow");
  assert.ok(findings.length > 0);
  for (const { text, from, to } of findings) assert.ok(text.slice(from, to).includes("or 1=1"), text);
});

test("a certificate that a client would have to show is not known, and is said to be missing", async (t) => {
  const { certPem, keyPem } = makeSelfSigned({ names: ["a.test"], days: 30 });
  const files: Readonly<Record<string, string>> = {
    "/a.crt": certPem,
    "/a.key": keyPem,
    "/ca.pem": openClientAuthority().certPem,
  };
  const text = `schema_version = 1
[server]
listen_https = "127.0.0.1:8443"
[tls]
cert_path = "/a.crt"
key_path = "/a.key"
client_auth = "required"
client_ca_path = "/ca.pem"
[upstream.a]
url = "http://10.0.0.1"
[[route]]
path = "/{*rest}"
upstream = "a"
`;
  const read = parseConfig(text, {
    file: "/zion.toml",
    readFile: (file) => files[file] ?? assert.fail(file),
  });
  assert.ok(read.config !== undefined, JSON.stringify(read.diagnostics));
  const plane = openPlane(read.config, 0, systemClock);
  t.after(() => plane.close());
  const bytes = Buffer.from("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  const asked = await explain(plane, { bytes, from: "203.0.113.9", secure: true, serverName: "a.test" });
  assert.equal(asked.decision.decision, "deny");
  assert.equal(asked.steps.find(({ verdict }) => verdict === "refused")?.name, "client_certificate");
  assert.deepEqual(asked.undecided, ["which certificate the client shows: taken as none"]);
});

test("bytes that end in the middle are no refusal", async (t) => {
  const config = `${head}[upstream.a]\nurl = "http://10.0.0.1"\n[[route]]\npath = "/{*rest}"\nupstream = "a"\n`;
  const cut = await explained(t, config, "GET / HTTP/1.1\r\nHost: a\r\n");
  assert.equal(cut.decision.decision, "incomplete");
  const body = await explained(t, config, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
  assert.deepEqual(body.undecided, ["the request has no end: a client would be waited for"]);
});

test("a route that answers itself says with what, and looks for no file", async (t) => {
  const config = `${head}[[route]]\npath = "/{*rest}"\nmode = "static"\nserve_dir = "/srv/none"
[[route]]\npath = "/away"\n[route.redirect]\nto = "/a.txt"\n[[route]]\npath = "/api"\ncors = { allowed_origins = ["https://b.test"] }\n[route.respond]\nbody = "ok"\n`;
  const file = await explained(t, config, "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(file.decision.decision, "answer");
  assert.match(says(file, "file"), /below \/srv\/none, if there is one/);
  const away = await explained(t, config, "GET /away HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(says(away, "reply"), "redirects with 308");
  const post = await explained(t, config, "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  assert.equal(post.decision.reason, "method_route");
  const preflight = await explained(
    t,
    config,
    "OPTIONS /api HTTP/1.1\r\nHost: a\r\nOrigin: https://b.test\r\nAccess-Control-Request-Method: GET\r\n\r\n",
  );
  assert.equal(says(preflight, "answer"), "preflight: 204");
});
