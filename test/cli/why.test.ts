import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { ShownDecision } from "../../src/explain/past.ts";
import { newDirectory } from "../support/directory.ts";
import { startGateway } from "../support/gateway.ts";
import { ask, field } from "../support/raw-client.ts";

const root = path.resolve(import.meta.dirname, "../..");

const config = (routes: string): string => `schema_version = 1
[server]
listen_http = "127.0.0.1:8080"
[telemetry]
listen = "off"
[admin]
listen = "off"
[upstream.shop]
url = "http://10.0.0.1"
${routes}`;

const searchRoute = '[[route]]\nname = "search"\npath = "/search"\nupstream = "shop"\n';

const blocked: ShownDecision = {
  time: "2026-11-22T10:14:02.117Z",
  requestId: "1f3c-000042",
  traceId: "0".repeat(32),
  client: "203.0.113.9",
  peer: "203.0.113.9",
  method: "GET",
  host: "shop.example",
  path: "/search",
  route: "search",
  status: 400,
  decision: "deny",
  gate: "patterns",
  reason: "sqli-union-select",
  detail: "",
  score: 5,
  findings: [{ rule: "sqli-union-select", place: "query:q", start: 2, end: 17, decoders: [], shadow: false }],
  generation: 6,
  totalMs: 0.4,
  upstream: "",
};

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command beside this process, which may be the one that it asks. */
function zion(cwd: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [path.join(root, "src/main.ts"), ...args], { cwd });
  let out = "";
  let err = "";
  child.stdout.on("data", (part) => (out += part));
  child.stderr.on("data", (part) => (err += part));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
}

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = newDirectory("why");
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

/** An admin listener that remembers these. */
async function startAdmin(t: TestContext, decisions: readonly ShownDecision[]): Promise<string> {
  const server = http.createServer((request, response) => {
    const wanted = new URL(request.url!, "http://a").searchParams.get("request_id");
    response.end(JSON.stringify({ decisions: decisions.filter(({ requestId }) => requestId === wanted) }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a refusal is told with its rule and place, and what today's configuration makes of it", async (t) => {
  const admin = await startAdmin(t, [blocked]);
  const told = `1f3c-000042 at 2026-11-22T10:14:02.117Z, by generation 6, as the decisions of the gateway that runs has it
   GET shop.example/search from 203.0.113.9, route search
=  refused with 400: waf_patterns (patterns sqli-union-select, 5 points). Rules fired with as many points as the threshold.
   sqli-union-select: query:q, bytes 2 to 17, as it came
now, by zion.toml: `;
  const cases: readonly (readonly [routes: string, today: string])[] = [
    [searchRoute, "the same: refused: the same findings give 5 of 5 points\n"],
    [
      `${searchRoute}[[exclude]]\nrule = "sqli-union-select"\nroute = "search"\nfield = "query:q"\n`,
      "undecidable: the same findings give 0 of 5 points; what else is in the body is not stored\n",
    ],
    [
      `${searchRoute}waf_shadow = true\n`,
      "another decision: let through by the shadow of search: the same findings give 5 of 5 points\n",
    ],
    [`${searchRoute}waf = false\n`, "another decision: the WAF is off for the route search\n"],
    [searchRoute.replace('"/search"', '"/find"'), "another decision: refused with 404: route_not_found\n"],
  ];
  for (const [routes, today] of cases) {
    const folder = folderWith({ "zion.toml": config(routes) });
    const { code, out, err } = await zion(folder, [
      "why",
      "1f3c-000042",
      "-c",
      "zion.toml",
      "--admin",
      admin,
    ]);
    assert.equal(out, told + today);
    assert.equal(err, "");
    assert.equal(code, 0);
  }
});

test("for programs it is JSON with a format version", async (t) => {
  const folder = folderWith({ "zion.toml": config(searchRoute) });
  const admin = await startAdmin(t, [blocked]);
  const { out } = await zion(folder, [
    "why",
    "1f3c-000042",
    "-c",
    "zion.toml",
    "--admin",
    admin,
    "--format",
    "json",
  ]);
  const answer = JSON.parse(out) as Record<string, unknown>;
  assert.equal(answer["format_version"], "1.0");
  assert.equal(answer["reason"], "waf_patterns");
  assert.deepEqual(answer["today"], {
    file: "zion.toml",
    verdict: "same",
    says: "refused: the same findings give 5 of 5 points",
    allowed: false,
  });
});

test("what nobody remembers is exit 1, and nobody to ask is exit 3", async (t) => {
  const folder = folderWith({ "zion.toml": config(searchRoute), "empty.jsonl": "" });
  const admin = await startAdmin(t, []);
  assert.equal((await zion(folder, ["why", "x", "-c", "zion.toml", "--admin", admin])).code, 1);
  assert.equal((await zion(folder, ["why", "x", "-c", "zion.toml", "--audit", "empty.jsonl"])).code, 1);
  const off = await zion(folder, ["why", "x", "-c", "zion.toml"]);
  assert.equal(off.code, 3);
  assert.match(off.err, /the admin listener is off: name an audit log with --audit/);
  const gone = await zion(folder, ["why", "x", "-c", "zion.toml", "--audit", "nowhere"]);
  assert.equal(gone.code, 3);
  assert.match(gone.err, /cannot read nowhere: it does not exist/);
});

test("nothing that a client wrote acts on the terminal", async (t) => {
  const folder = folderWith({ "zion.toml": config(searchRoute) });
  const admin = await startAdmin(t, [{ ...blocked, path: "/search\u001b[31m", host: "a\u009b" }]);
  const { out } = await zion(folder, ["why", "1f3c-000042", "-c", "zion.toml", "--admin", admin]);
  assert.match(out, /GET a·\/search·\[31m from/);
});

test("of a head that was refused the page says what could be made out", async (t) => {
  const folder = folderWith({ "zion.toml": config(searchRoute) });
  const unread = {
    ...blocked,
    method: "_OTHER",
    host: "",
    path: "",
    route: "",
    gate: "target",
    reason: "path_escape",
  };
  const admin = await startAdmin(t, [{ ...unread, head: "GET /a%255C, Host shop.example" }]);
  const { out } = await zion(folder, ["why", "1f3c-000042", "-c", "zion.toml", "--admin", admin]);
  assert.match(
    out,
    /\n {3}a request that could not be read, from 203\.0\.113\.9: GET \/a%255C, Host shop\.example\n/,
  );
});

test("a request that a real gateway refused is found by the id that its client was given", async (t) => {
  const auditFolder = newDirectory("why-audit");
  const log = path.join(auditFolder, "log");
  const key = path.join(auditFolder, "key");
  writeFileSync(key, "k".repeat(32), { mode: 0o600 });
  const text = `[server]
workers = 1
shutdown_delay_ms = 0
[upstream.shop]
url = "http://127.0.0.1:9"
${searchRoute}
[audit]
enabled = true
path = ${JSON.stringify(log)}
key_file = ${JSON.stringify(key)}
`;
  const gateway = await startGateway(t, text);
  const answer = await ask(
    gateway.port,
    "GET /search?q=1%20UNION%20SELECT%20password%20FROM%20users HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  assert.equal(answer.status, 400);
  const id = field(answer, "x-request-id") ?? "";
  assert.match(id, /^[\w.-]{8,}$/);
  gateway.signal("SIGTERM");
  await gateway.exited;
  const folder = folderWith({ "zion.toml": config(searchRoute) });
  const { code, out } = await zion(folder, ["why", id, "-c", "zion.toml", "--audit", log]);
  assert.equal(code, 0, out);
  assert.match(out, new RegExp(`^${id} at .*, as the audit log`));
  assert.match(out, /refused with 400: waf_patterns \(patterns sqli-[\w-]+, \d+ points\)/);
  assert.match(out, /now, by zion\.toml: the same: refused: the same findings give/);
});
