import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readableDisk } from "../../src/audit/file-disk.ts";
import { logsOf, walkLog } from "../../src/audit/log-proof.ts";
import type { AuditRecord } from "../../src/audit/record.ts";
import { makeCertificate } from "../cert/peer-certificates.ts";
import { hasOpenssl } from "../listener/tls-openssl.ts";
import {
  config,
  type Gateway,
  type GatewayOptions,
  launcher,
  request,
  startGateway,
  startUpstream,
  until,
} from "./gateway.ts";

// The admin listener of a whole gateway: tokens, records, pushed configurations, drain.

const token = (name: string) => `zion_admin_${name}_0123456789abcdef0123456789abcdef`;
const table = (name: string, role: string, expires = "2100-01-01") => `[admin.token.${name}]
sha256 = "${createHash("sha256").update(token(name)).digest("hex")}"
role = "${role}"
expires = ${expires}
`;
const tokens = table("eye", "read") + table("ops", "operate") + table("root", "admin");

async function start(
  t: TestContext,
  more: readonly string[] = [],
  tables = tokens,
  options: Partial<GatewayOptions> = {},
) {
  const upstream = await startUpstream(t);
  const lines = ["workers = 2", "shutdown_delay_ms = 0", ...more];
  const toml = config(upstream.port, lines, `write = true\n${tables}`);
  return { gateway: await startGateway(t, { toml, ...options }), toml, upstream };
}

interface Asked {
  readonly as?: string;
  readonly body?: string;
  readonly type?: string;
}

function admin(
  { adminPort }: Gateway,
  method: string,
  path: string,
  { as, body = "", type = "application/json" }: Asked = {},
) {
  const headers = {
    ...(as === undefined ? {} : { Authorization: `Bearer ${token(as)}` }),
    ...(method === "GET" ? {} : { "Content-Type": type }),
  };
  return new Promise<{ status: number; json: Record<string, unknown> }>((resolve, reject) => {
    const sent = http.request(
      { host: "127.0.0.1", port: adminPort, method, path, headers, agent: false },
      (response) => {
        let text = "";
        response.on("data", (part) => {
          text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode!, json: JSON.parse(text) }));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const metric = async (gateway: Gateway, line: string) => {
  const { body } = await gateway.get("/metrics", gateway.telemetryPort);
  return Number(
    body
      .split("\n")
      .find((one) => one.startsWith(`${line} `))
      ?.split(" ")[1] ?? 0,
  );
};

test("every write is in the audit log and in the application log, with who asked and what came of it", async (t) => {
  const audit = '[audit]\nenabled = true\npath = "DIRECTORY/log"\nkey_file = "DIRECTORY/key"\n';
  const { gateway } = await start(t, [], tokens + audit, { files: { key: Buffer.alloc(32, 7) } });
  await gateway.logged((line) => line["event.name"] === "zion.audit.ready");
  assert.equal((await admin(gateway, "POST", "/v1/reload?op_id=first", { as: "ops" })).status, 200);
  assert.equal((await admin(gateway, "POST", "/v1/bans", { as: "ops", body: "{}" })).status, 400);
  assert.equal((await admin(gateway, "POST", "/v1/rollback/1", { as: "ops" })).status, 403);
  const line = await gateway.logged(
    (one) => one["event.name"] === "zion.admin.write" && one["status"] === 400,
  );
  assert.deepEqual([line["actor"], line["op"], line["client"]], ["ops", "POST /v1/bans", "127.0.0.1"]);
  const refused = await gateway.logged((one) => one["event.name"] === "zion.admin.refused");
  assert.deepEqual([refused["reason"], refused["token"]], ["admin_role", "ops"]);

  const disk = readableDisk(join(gateway.directory, "log"));
  const records = () =>
    logsOf(disk)
      .flatMap((log) => [...walkLog(disk, log)].map(({ line }) => JSON.parse(line) as AuditRecord))
      .flatMap(({ kind, data }) => (kind === "admin_action" ? [data] : []));
  await until("the results are on record", () => records().length === 4);
  assert.deepEqual(records(), [
    { actor: "ops", method: "POST", op_id: "first", path: "/v1/reload", result: "asked" },
    { actor: "ops", method: "POST", op_id: "first", path: "/v1/reload", result: "done", status: 200 },
    { actor: "ops", method: "POST", path: "/v1/bans", result: "asked" },
    { actor: "ops", method: "POST", path: "/v1/bans", result: "refused", status: 400 },
  ]);
  assert.ok(!gateway.stderr().includes(token("ops")));
});

test("who guesses tokens is counted and locked out; a reload takes tokens away and gives others", async (t) => {
  const { gateway, toml } = await start(t);
  assert.equal((await admin(gateway, "GET", "/v1/bans", { as: "eye" })).status, 200);
  gateway.write(toml.replace(table("eye", "read"), table("new", "read")));
  assert.equal((await admin(gateway, "POST", "/v1/reload", { as: "ops" })).status, 200);
  assert.equal((await admin(gateway, "GET", "/v1/bans", { as: "new" })).status, 200);
  for (let i = 0; i < 5; i++)
    assert.equal((await admin(gateway, "GET", "/v1/bans", { as: "eye" })).status, 401);
  assert.equal((await admin(gateway, "GET", "/v1/bans", { as: "root" })).status, 429);
  assert.equal(await metric(gateway, 'zion_auth_failures_total{reason="admin_bad_token"}'), 5);
  assert.equal(await metric(gateway, 'zion_auth_failures_total{reason="admin_locked"}'), 1);
});

test("a token that `zion token` made is good as printed", async (t) => {
  const made = await new Promise<{ out: string; err: string }>((resolve, reject) => {
    execFile(process.execPath, [launcher, "token", "ci.deploy", "--role", "operate"], (error, out, err) =>
      error === null ? resolve({ out, err }) : reject(error),
    );
  });
  const { gateway } = await start(t, [], made.out);
  const text = /zion_admin_[\w-]{43}$/m.exec(made.err)![0];
  const answer = await request(gateway.adminPort, "/v1/reload", {
    method: "POST",
    headers: { Authorization: `Bearer ${text}`, "Content-Type": "application/json" },
  });
  assert.equal(answer.status, 200);
  assert.ok(!made.out.includes(text));
});

test("a pushed configuration is tried out, put in force, refused with its places, and ends with the file", async (t) => {
  const { gateway, toml } = await start(t);
  const next = toml
    .replace('path = "/{*rest}"', 'path = "/only/{*rest}"')
    .replaceAll("DIRECTORY", gateway.directory);
  const push = (body: string, query = "", as = "root") =>
    admin(gateway, "POST", `/v1/config${query}`, { as, body, type: "application/toml" });

  assert.equal((await push(next, "", "ops")).status, 403);
  const trial = await push(next, "?dry_run=yes");
  assert.deepEqual([trial.status, trial.json["dry_run"], trial.json["generation"]], [200, true, 1]);
  assert.deepEqual(
    (trial.json["changes"] as { what: string; how: string }[]).map(({ what, how }) => `${what} ${how}`),
    ["route /only/{*rest} added", "route /{*rest} removed"],
  );
  assert.equal((await gateway.get("/")).status, 200);

  assert.deepEqual(await push(next), { status: 200, json: { format_version: "1.0", generation: 2 } });
  assert.equal((await gateway.get("/")).status, 404);
  assert.equal((await gateway.get("/only/this")).status, 200);
  const { json } = await admin(gateway, "GET", "/v1/generations", { as: "eye" });
  assert.equal((json["generations"] as { by: string }[])[0]!.by, "push by root");

  const bad = await push(next.replace("workers = 2", "workers = -2"));
  assert.equal(bad.status, 422);
  assert.match(String(bad.json["error"]), /<sent>:\d+:\d+[\s\S]*workers = -2[\s\S]*\^/);
  const restart = await push(
    next.replace("workers = 2", `workers = 2\nstate_dir = "${gateway.directory}/state"`),
  );
  assert.equal(restart.json["reason"], "restart");
  assert.equal((await push("x".repeat(1_048_577))).status, 413);
  assert.equal((await gateway.get("/only/this")).status, 200);

  assert.equal((await admin(gateway, "POST", "/v1/reload", { as: "ops" })).status, 200);
  assert.equal((await gateway.get("/")).status, 200);
});

test("a drained gateway is not ready, serves, and closes connections; undrained it keeps them again", async (t) => {
  const { gateway } = await start(t);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const connectionOf = async () => (await request(gateway.port, "/", { agent })).headers.connection;
  const ready = async () => (await gateway.get("/readyz", gateway.telemetryPort)).status;
  const connections = async () =>
    (await admin(gateway, "GET", "/v1/drain", { as: "eye" })).json["connections"];
  assert.equal(await connectionOf(), undefined);
  await until("one connection is open", async () => (await connections()) === 1);

  const { json } = await admin(gateway, "POST", "/v1/drain", { as: "ops" });
  assert.equal(json["state"], "leaving");
  assert.equal(await ready(), 503);
  await until("the idle connection is closed", async () => (await connections()) === 0);
  assert.equal(await connectionOf(), "close");
  // A worker that starts now does not know better.
  const [worker] = gateway.workers();
  process.kill(worker!, "SIGKILL");
  await until("another one serves", () => {
    const now = gateway.workers();
    return now.length === 2 && !now.includes(worker!);
  });
  for (let i = 0; i < 20; i++) assert.equal((await gateway.get("/")).headers.connection, "close");

  assert.equal((await admin(gateway, "POST", "/v1/undrain", { as: "ops" })).json["state"], "serving");
  assert.equal(await ready(), 200);
  await until("connections are kept", async () => (await connectionOf()) === undefined);
});

test("upstreams are shown with why one gets no requests, routes and limits with where they lead", async (t) => {
  const tables = `${tokens}
[upstream.gone]
url = "http://127.0.0.1:9"
health.interval_ms = 1000
unhealthy_threshold = 1
[[route]]
name = "gone"
path = "/gone"
upstream = "gone"
limits = ["few"]
[limit.few]
rate = 5
`;
  const { gateway } = await start(t, [], tables);
  assert.equal((await gateway.get("/gone")).status, 502);
  await gateway.logged((line) => line["event.name"] === "zion.health.down");
  const upstreams = (await admin(gateway, "GET", "/v1/upstreams", { as: "eye" })).json["upstreams"] as {
    name: string;
    endpoints: { usable: boolean; reasons: readonly string[] }[];
  }[];
  const states = Object.fromEntries(upstreams.map(({ name, endpoints }) => [name, endpoints[0]]));
  assert.deepEqual([states["app"]!.usable, states["app"]!.reasons], [true, []]);
  assert.equal(states["gone"]!.usable, false);
  assert.equal(states["gone"]!.reasons[0], "unhealthy: ECONNREFUSED");
  const routes = (await admin(gateway, "GET", "/v1/routes", { as: "eye" })).json["routes"] as Record<
    string,
    unknown
  >[];
  assert.deepEqual(routes.find(({ name }) => name === "gone")!["limits"], ["few"]);
  const [limit] = (await admin(gateway, "GET", "/v1/limits", { as: "eye" })).json["limits"] as Record<
    string,
    unknown
  >[];
  assert.deepEqual(
    [limit!["name"], limit!["used_by"], limit!["decisions"]],
    ["few", ["route gone"], { allow: 1 }],
  );
});

test("who listens to events hears of refusals, generations and dead workers, until its token is taken away", async (t) => {
  const { gateway, toml } = await start(t);
  const heard: string[] = [];
  let isOver = false;
  const sent = http.get(
    {
      host: "127.0.0.1",
      port: gateway.adminPort,
      path: "/v1/events",
      headers: { Authorization: `Bearer ${token("eye")}` },
    },
    (response) => {
      response.setEncoding("utf8").on("data", (part: string) => heard.push(part));
      response.on("close", () => {
        isOver = true;
      });
      response.on("error", () => {});
    },
  );
  t.after(() => sent.destroy());
  const hear = (event: RegExp) => until(String(event), () => event.test(heard.join("")));
  await hear(/^event: hello\ndata: .*"generation":1/m);
  await gateway.get("/?q=1%27%20UNION%20SELECT%20password%20FROM%20users--");
  await hear(/^event: decision\ndata: .*"decision":"deny"/m);
  process.kill(gateway.workers()[0]!, "SIGKILL");
  await hear(/^event: worker_exit\ndata: .*"signal":"SIGKILL"/m);
  gateway.write(toml.replace(table("eye", "read"), ""));
  gateway.signal("SIGHUP");
  await hear(/^event: generation\ndata: .*"result":"loaded"/m);
  await until("the stream is ended", () => isOver);
});

test("commands reach the gateway by its Unix socket, which a killed gateway leaves and the next one replaces", async (t) => {
  const upstream = await startUpstream(t);
  const toml = config(
    upstream.port,
    ["workers = 1", "shutdown_delay_ms = 0", 'state_dir = "DIRECTORY/state"'],
    `write = true\n${tokens}`,
  ).replace('[admin]\nlisten = "127.0.0.1:0"', '[admin]\nlisten = "unix:DIRECTORY/admin.sock"');
  const gateway = await startGateway(t, { toml });
  const file = join(gateway.directory, "zion.toml");
  const reload = (environment: NodeJS.ProcessEnv) =>
    new Promise<string>((resolve) => {
      const env = { ...process.env, ...environment };
      execFile(process.execPath, [launcher, "reload", "--wait", "-c", file], { env }, (_error, out, err) =>
        resolve(out + err),
      );
    });
  assert.equal(statSync(join(gateway.directory, "admin.sock")).mode & 0o777, 0o600);
  assert.equal(await reload({ ZION_ADMIN_TOKEN: token("ops") }), "generation 2 is in force\n");
  assert.match(await reload({ ZION_ADMIN_TOKEN: "" }), /the gateway says 401/);
  await gateway.logged((line) => line["event.name"] === "zion.admin.write" && line["client"] === "unix");

  const second = await startGateway(t, {
    toml: toml.replaceAll("DIRECTORY/admin", `${gateway.directory}/admin`),
    expectServing: false,
  });
  assert.equal(await second.exited, 75);
  assert.match(second.stderr(), /another process, perhaps another zion, listens there/);

  process.kill(gateway.pid, "SIGKILL");
  await gateway.exited;
  const next = await startGateway(t, { toml: toml.replaceAll("DIRECTORY", gateway.directory) });
  assert.equal(await reload({ ZION_ADMIN_TOKEN: token("ops") }), "generation 2 is in force\n");
  next.signal("SIGTERM");
  assert.equal(await next.exited, 143);
  assert.equal(existsSync(join(gateway.directory, "admin.sock")), false);
});

test("beyond loopback the listener takes certificates on both sides, and for writes a token, too", async (t) => {
  if (!hasOpenssl(t)) return;
  const ca = makeCertificate({ name: "operators", extensions: ["basicConstraints=critical,CA:TRUE"] });
  const own = makeCertificate({ name: "ann", issuer: ca, extensions: ["extendedKeyUsage=clientAuth"] });
  const server = makeCertificate({ name: "admin.example", issuer: ca });
  const upstream = await startUpstream(t);
  const keys =
    'cert_path = "admin.crt"\nkey_path = "admin.key"\nclient_ca_path = "ca.crt"\nhosts = ["admin.example"]\n';
  const toml = config(
    upstream.port,
    ["workers = 1"],
    `${keys}write = true\n${table("ops", "operate")}`,
  ).replace('[admin]\nlisten = "127.0.0.1:0"', '[admin]\nlisten = "0.0.0.0:0"');
  const files = { "admin.crt": server.certPem, "admin.key": server.keyPem, "ca.crt": ca.certPem };
  const gateway = await startGateway(t, { toml, files });
  const ask = (method: string, host: string, fields: Readonly<Record<string, string>> = {}) =>
    new Promise<number>((resolve, reject) => {
      const request = https.request(
        {
          ...{ host: "127.0.0.1", servername: "admin.example", port: gateway.adminPort, ca: ca.certPem },
          ...{ cert: own.certPem, key: own.keyPem, agent: false, method },
          path: method === "GET" ? "/v1/generations" : "/v1/reload",
          headers: { Host: host, "Content-Type": "application/json", ...fields },
        },
        (response) => resolve(response.resume().statusCode!),
      );
      request.on("error", reject);
      request.end();
    });
  const bearer = { Authorization: `Bearer ${token("ops")}` };
  assert.equal(await ask("GET", "admin.example", bearer), 200);
  assert.equal(await ask("GET", "admin.example"), 401);
  assert.equal(await ask("GET", "evil.example", bearer), 421);
  assert.equal(await ask("POST", "admin.example"), 401);
  assert.equal(await ask("POST", "127.0.0.1", bearer), 200);
  const line = await gateway.logged((one) => one["event.name"] === "zion.admin.write");
  assert.equal(
    line["certificate"],
    new X509Certificate(own.certPem).fingerprint256.replaceAll(":", "").toLowerCase(),
  );
});
