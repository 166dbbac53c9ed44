import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { newDirectory } from "../support/directory.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { startOrigin } from "../support/origin.ts";
import { ask, field } from "../support/raw-client.ts";

const root = path.resolve(import.meta.dirname, "../..");
const attack = JSON.stringify({ q: "1 UNION SELECT password FROM users", card: "4111-1111" });

interface Kept {
  readonly folder: string;
  readonly key: string;
  readonly gateway: Gateway;
  /** The same routes, for commands. */
  readonly config: string;
}

async function keep(t: TestContext, capture: string): Promise<Kept> {
  const home = newDirectory("capture");
  const folder = path.join(home, "kept");
  const key = path.join(home, "key");
  writeFileSync(key, "0123456789abcdef0123456789abcdef", { mode: 0o600 });
  const origin = await startOrigin();
  t.after(() => origin.close());
  const tables = `[upstream.origin]
url = "http://127.0.0.1:${origin.port}"
[[route]]
name = "all"
path = "/{*rest}"
upstream = "origin"
[redact]
json_fields = ["card"]
headers = ["x-secret"]
[capture]
path = ${JSON.stringify(folder)}
key_file = ${JSON.stringify(key)}
${capture}
`;
  const gateway = await startGateway(t, `[server]\nworkers = 1\nshutdown_delay_ms = 0\n${tables}`);
  const config = path.join(home, "zion.toml");
  writeFileSync(
    config,
    `schema_version = 1\n[server]\nlisten_http = "127.0.0.1:0"\n[admin]\nlisten = "off"\n${tables}`,
  );
  return { folder, key, gateway, config };
}

function zion(...args: readonly string[]) {
  const child = spawnSync(process.execPath, [path.join(root, "bin/zion.js"), ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

/** Waits until so many lines are there: workers report once a second. */
async function kept(folder: string, count: number): Promise<string> {
  for (;;) {
    const text = readdirSync(folder)
      .map((file) => readFileSync(path.join(folder, file), "utf8"))
      .join("");
    if (text.split("\n").length > count) return text;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const post = (body: string, more = ""): string =>
  `POST /notes HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;

test("kept requests are replayed whole: the same configuration decides them as it did", async (t) => {
  const { folder, key, gateway, config } = await keep(t, 'what = "all"\nmax_body_kb = 1');
  const send = (bytes: string) => ask(gateway.port, bytes);
  assert.equal((await send("GET /x?q=sofa HTTP/1.1\r\nHost: a.test\r\n\r\n")).status, 200);
  const refused = await send(post(attack));
  assert.equal(refused.status, 400);
  assert.equal((await send(post('{"a":1}', "X-Secret: s3cr3t\r\n"))).status, 200);
  const chunked =
    "POST /c HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
  assert.equal((await send(chunked)).status, 200);
  // Longer than what is kept of a body.
  assert.equal((await send(post(JSON.stringify({ a: "b".repeat(3000) })))).status, 200);
  const text = await kept(folder, 5);
  for (const word of ["UNION", "4111", "s3cr3t", "a.test", "/notes"]) assert.ok(!text.includes(word), word);

  const replayed = zion("replay", folder, "-c", config, "--against", config, "--capture-key", key);
  assert.equal(replayed.err, "");
  assert.match(replayed.out, /^5 requests/);
  assert.match(replayed.out, /^base allow +3 +0$/m);
  assert.match(replayed.out, /^base deny +0 +1$/m);
  assert.match(replayed.out, /^undecidable +1 +the request has no end/m);
  assert.equal(replayed.code, 0);
  const since = zion("replay", folder, "-c", config, "--capture-key", key);
  assert.match(since.out, /base: what was decided then[\s\S]*^base allow +3 +0$/m);

  const other = `${config}.other`;
  writeFileSync(
    other,
    readFileSync(config, "utf8").replace(
      'upstream = "origin"\n[redact]',
      'upstream = "origin"\nwaf_shadow = true\n[redact]',
    ),
  );
  const changed = zion("replay", folder, "-c", other, "--capture-key", key);
  assert.match(changed.out, /^newly allowed +1x/m);
  assert.equal(changed.code, 1);

  const id = field(refused, "x-request-id") ?? "";
  gateway.signal("SIGTERM");
  await gateway.exited;
  const audit = path.join(path.dirname(config), "audit.jsonl");
  const record = {
    cfg: 1,
    kind: "request_blocked",
    rid: id,
    ts: "2026-11-22T10:00:00.000Z",
    out: { gate: "patterns", reason: "waf_patterns", rule: "sqli-union-select", status: 400 },
    req: { host: "a.test", m: "POST", path: "/notes", route: "all" },
    src: { ip: "127.0.0.1" },
  };
  writeFileSync(audit, `${JSON.stringify(record)}\n`);
  const why = zion("why", id, "-c", config, "--audit", audit, "--capture-key", key);
  assert.match(why.out, /^now, by .*: the same: refused with 400: sqli-union-select$/m);
  assert.match(why.out, /json:\$\.q, bytes 2 to \d+, as it came:\n +1 UNION SELECT password FROM users\n/);
  assert.equal(why.code, 0, why.err);
});

test("without its key, or with another one, nothing is read", async (t) => {
  const { folder, gateway, config, key } = await keep(t, "");
  assert.equal((await ask(gateway.port, post(attack))).status, 400);
  await kept(folder, 1);
  const without = zion("replay", folder, "-c", config);
  assert.match(without.err, /kept requests are sealed: give the key with --capture-key/);
  assert.equal(without.code, 2);
  writeFileSync(`${key}2`, "x".repeat(32));
  chmodSync(`${key}2`, 0o600);
  const wrong = zion("replay", folder, "-c", config, "--capture-key", `${key}2`);
  assert.match(wrong.out, /^undecidable +1 +the key does not open it/m);
});

test("only what was refused is kept, unless all is asked for", async (t) => {
  const { folder, gateway, config, key } = await keep(t, "");
  assert.equal((await ask(gateway.port, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")).status, 200);
  assert.equal((await ask(gateway.port, post(attack))).status, 400);
  const text = await kept(folder, 1);
  assert.equal(text.split("\n").length, 2);
  const replayed = zion("replay", folder, "-c", config, "--capture-key", key);
  assert.match(replayed.out, /^1 requests[\s\S]*^base deny +0 +1$/m);
});

test("what was taken out before it was kept makes a request undecidable, and is counted apart", async (t) => {
  const { folder, gateway, config, key } = await keep(t, 'what = "all"\nredact_in_storage = true');
  assert.equal((await ask(gateway.port, "GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n")).status, 200);
  assert.equal(
    (await ask(gateway.port, "GET /b HTTP/1.1\r\nHost: a.test\r\nX-Secret: s\r\n\r\n")).status,
    200,
  );
  assert.equal((await ask(gateway.port, post(attack))).status, 400);
  await kept(folder, 3);
  const { out } = zion("replay", folder, "-c", config, "--against", config, "--capture-key", key);
  assert.match(out, /^base allow +1 +0$/m);
  assert.match(out, /^undecidable +1 +taken out before it was kept: header:x-secret$/m);
  assert.match(out, /^undecidable +1 +taken out before it was kept: body$/m);
});
