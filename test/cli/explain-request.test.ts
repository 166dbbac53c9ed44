import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";

const root = path.resolve(import.meta.dirname, "../..");

const config = (admin = "off", more = ""): string => `schema_version = 1
[server]
listen_http = "127.0.0.1:0"
workers = 1
shutdown_delay_ms = 0
[telemetry]
listen = "off"
[admin]
listen = "${admin}"
write_token_env = "ZION_TEST_TOKEN"
[upstream.shop]
url = "http://10.0.0.1"
[[route]]
name = "all"
path = "/{*rest}"
upstream = "shop"
${more}`;

const token = "t".repeat(40);
const environment = { ...process.env, ZION_TEST_TOKEN: token };

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = newDirectory("explain-cli");
  for (const [name, text] of Object.entries(files))
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  return folder;
}

function zion(folder: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, "bin/zion.js"), ...args], {
    cwd: folder,
    env: environment,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, out: stdout, err: stderr };
}

test("the certificate of the name that is asked for is a step, with its days left", () => {
  const { certPem, keyPem } = makeSelfSigned({ names: ["shop.test"], days: 30 });
  const text = config().replace('listen_http = "127.0.0.1:0"', 'listen_https = "127.0.0.1:8443"');
  const tls = `[tls]\ncert_path = "a.crt"\nkey_path = "a.key"\n`;
  const folder = folderWith({ "zion.toml": text + tls, "a.crt": certPem, "a.key": keyPem });
  const { code, out, err } = zion(folder, "explain", "https://shop.test/", "-c", "zion.toml");
  assert.equal(err, "");
  assert.match(
    out,
    /^ 1 listener +https 127\.0\.0\.1:8443, sni shop\.test → .*a\.crt \((?:29|30) days left\)$/m,
  );
  assert.equal(code, 0);
});

test("for programs it is JSON with a format version, and every step has its cost", () => {
  const folder = folderWith({ "zion.toml": config() });
  const { out } = zion(folder, "explain", "http://a.test/", "-c", "zion.toml", "--format", "json");
  const answer = JSON.parse(out) as {
    readonly format_version: string;
    readonly source: string;
    readonly steps: readonly { readonly name: string; readonly verdict: string; readonly costUs: number }[];
  };
  assert.equal(answer.format_version, "1.0");
  assert.equal(answer.source, "zion.toml");
  const wanted = [
    ...["listener", "head", "client", "identity_fields", "loop", "lists", "origin_class", "ban", "limits"],
    ...["in_flight_address", "route", "misdirected", "encoded_slash", "route_lists", "route_limits"],
    ...["in_flight_route", "internal_only", "cors", "cross_site", "auth", "identity_limits", "upgrade"],
    ...["body_limit", "waf", "upstream"],
  ];
  assert.deepEqual(
    answer.steps.map(({ name }) => name).filter((name) => wanted.includes(name)),
    wanted,
  );
  for (const { name, verdict, costUs } of answer.steps) {
    assert.equal(verdict, "ok", name);
    assert.ok(Number.isInteger(costUs) && costUs >= 0, name);
  }
});

test("a HAR file lists its requests until one is chosen", () => {
  const entries = ["/one", "/two?q=1%20UNION%20SELECT%20a%20FROM%20b"].map((target) => ({
    request: { method: "GET", url: `http://a.test${target}`, headers: [] },
  }));
  const folder = folderWith({ "zion.toml": config(), "all.har": JSON.stringify({ log: { entries } }) });
  const listed = zion(folder, "explain", "--har", "all.har", "-c", "zion.toml");
  assert.equal(listed.code, 2);
  assert.match(listed.err, /choose one with --entry N:\n {2}1 {2}GET http:\/\/a\.test\/one\n {2}2 {2}GET /);
  assert.equal(zion(folder, "explain", "--har", "all.har", "--entry", "1", "-c", "zion.toml").code, 0);
  assert.equal(zion(folder, "explain", "--har", "all.har", "--entry", "2", "-c", "zion.toml").code, 1);
});

test("what is wrong with the words, the file or the configuration has an exit code of its own", () => {
  const folder = folderWith({ "zion.toml": config(), "bad.toml": "schema_version = 1\n" });
  const codeOf = (...args: readonly string[]): number | null => zion(folder, "explain", ...args).code;
  assert.equal(codeOf("http://a.test/", "-c", "zion.toml", "--from", "me"), 2);
  assert.equal(codeOf("http://a.test/", "-c", "zion.toml", "--teleport"), 2);
  assert.equal(codeOf("http://a.test/", "-c", "nowhere.toml"), 3);
  assert.equal(codeOf("http://a.test/", "-c", "zion.toml", "-d", "@nowhere"), 3);
  assert.equal(codeOf("http://a.test/", "-c", "bad.toml"), 1);
  assert.equal(codeOf("http://a.test/", "-c", "zion.toml", "--running"), 3);
});

test("the gateway that runs explains by the configuration in force and by its bans", async (t) => {
  const admin = `127.0.0.1:${await freePort()}`;
  const folder = folderWith({ "zion.toml": config(admin) });
  const gateway = spawn(process.execPath, [path.join(root, "bin/zion.js"), "run", "-c", "zion.toml"], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const gone = new Promise((resolve) => gateway.once("exit", resolve));
  t.after(async () => {
    gateway.kill("SIGTERM");
    await gone;
  });
  await new Promise<void>((resolve, reject) => {
    let log = "";
    gateway.stderr.on("data", (part) => {
      log += part;
      if (log.includes("zion.started")) resolve();
    });
    gateway.once("exit", () => reject(new Error(log)));
  });
  // The file is another by now; the gateway has not read it again.
  writeFileSync(
    path.join(folder, "other.toml"),
    config(admin).replace('path = "/{*rest}"', 'path = "/other"'),
  );
  const ask = (...args: readonly string[]) =>
    zion(folder, "explain", "http://a.test/x", "-c", "other.toml", "--running", ...args);
  const allowed = ask();
  assert.equal(allowed.err, "");
  assert.match(allowed.out, /by generation 1 of the gateway that runs\n/);
  assert.match(allowed.out, /\n= {2}allowed: it goes to the upstream\n$/);
  assert.equal(allowed.code, 0);

  const ban = await fetch(`http://${admin}/v1/bans`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ address: "203.0.113.9" }),
  });
  assert.ok(ban.ok, await ban.text());
  const banned = ask("--from", "203.0.113.9");
  assert.match(banned.out, /\n *\d+ ban +refused: banned: /);
  assert.equal(banned.code, 1);
  assert.equal(ask("--from", "203.0.113.10").code, 0);
});
