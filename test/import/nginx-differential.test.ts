import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { importNginx } from "../../src/import/nginx.ts";
import { newDirectory } from "../support/directory.ts";
import { startEdge } from "../support/edge.ts";
import { freePort } from "../support/free-port.ts";
import { type Ask, type Origins, put, type Seen, says, startOrigins, startPeer } from "./differential.ts";

/**
 * Real nginx with a configuration, and this gateway with what was made of it, are asked the same. Answers are equal, or
 * differ where the report says so.
 */

const nginx = {
  skip:
    spawnSync("nginx", ["-v"]).status === 0 || process.env["CI"] !== undefined ? false : "nginx is missing",
};

const cases: Readonly<Record<string, readonly Ask[]>> = {
  "simple-proxy": [
    { ask: "GET any.test/" },
    { ask: "GET any.test/a/b?x=1&y=%20" },
    { ask: "POST any.test/form", body: Buffer.from("a=1") },
    { ask: "DELETE any.test/thing/7" },
    { ask: "GET any.test//double//slash" },
    { ask: "GET any.test/", fields: { "X-Forwarded-For": "192.0.2.1" } },
    { ask: "HEAD any.test/" },
  ],
  locations: [
    { ask: "GET shop.test/" },
    { ask: "GET shop.test/index.html" },
    { ask: "GET shop.test/api/" },
    { ask: "GET shop.test/api/v1/x" },
    { ask: "GET shop.test/api/v2/x" },
    { ask: "GET shop.test/api/v22" },
    { ask: "GET shop.test/api/health" },
    { ask: "GET shop.test/api/health/" },
    { ask: "GET shop.test/api/health/deep" },
    { ask: "GET shop.test/apiary" },
    { ask: "GET shop.test/api", differs: "`/api` goes upstream here; nginx answers 301 to `/api/`" },
    { ask: "GET shop.test/assets/x.css" },
    { ask: "GET shop.test/orders/7" },
    { ask: "GET shop.test/orders/archive/7" },
    { ask: "GET shop.test/invoices/7" },
    { ask: "GET shop.test/invoices/public/7" },
    { ask: "GET shop.test/account/x" },
    { ask: "GET shop.test/account/admin/x" },
    { ask: "GET shop.test/account/logout" },
    { ask: "GET shop.test/account/logout/" },
    { ask: "GET shop.test/with%20space/x" },
    { ask: "GET shop.test/exact" },
    { ask: "GET shop.test/exact/x" },
    { ask: "GET shop.test/exactly", differs: "`/exact-more` is another path here" },
    { ask: "GET shop.test/other//api/x" },
    { ask: "GET shop.test//api//x" },
  ],
  hosts: [
    { ask: "GET shop.test/" },
    { ask: "GET www.shop.test/" },
    { ask: "GET WWW.Shop.Test/" },
    { ask: "GET a.shop.test/" },
    { ask: "GET a.b.shop.test/" },
    { ask: "GET blog.test/" },
    { ask: "GET x.blog.test/" },
    { ask: "GET eu.api.test/" },
    { ask: "GET us.api.test/only-here/x" },
    { ask: "GET asia.api.test/" },
    { ask: "GET asia.api.test/only-here/x" },
    { ask: "GET nobody.test/" },
    { ask: "GET deep.anything/", differs: "deep.* cannot be said here" },
  ],
  "unknown-hosts": [
    { ask: "GET app.test/" },
    { ask: "GET app.test/private/x" },
    { ask: "GET app.test/gone/x" },
    { ask: "GET app.test/old/x" },
    { ask: "GET app.test/healthz" },
    { ask: "GET stranger.test/", differs: "answered 404, not 444" },
    { ask: "POST app.test/", body: Buffer.alloc(2_000_000, "x") },
  ],
  "proxy-uri": [
    { ask: "GET app.test/x" },
    { ask: "GET app.test/same/x?q=1" },
    { ask: "GET app.test/strip/x?q=1" },
    { ask: "GET app.test/strip/" },
    { ask: "GET app.test/other/x/y" },
    { ask: "GET app.test/fixed?q=1" },
    { ask: "GET app.test/odd/x", differs: "in place of `/odd/`" },
    { ask: "GET app.test/variable/x?q=1" },
    { ask: "GET app.test/whole/x?q=1" },
    { ask: "GET app.test/rewritten/x/y?q=1" },
    { ask: "GET app.test/moved/x?q=1" },
    { ask: "GET app.test/fields/x", fields: { "X-Drop": "me" } },
    { ask: "GET app.test/teapot" },
  ],
  access: [
    { ask: "GET app.test/" },
    { ask: "GET app.test/", fields: { "User-Agent": "sqlmap/1.7" } },
    { ask: "GET app.test/", fields: { "User-Agent": "NIKTO" } },
    { ask: "GET app.test/inside/x" },
    { ask: "GET app.test/outside/x" },
    { ask: "GET app.test/mixed/x" },
    { ask: "GET app.test/exception/x" },
    { ask: "GET app.test/nobody/x" },
    { ask: "GET app.test/read/x" },
    { ask: "HEAD app.test/read/x" },
    { ask: "POST app.test/read/x", body: Buffer.from("a") },
    { ask: "DELETE app.test/read/x" },
    { ask: "GET app.test/tangled/x" },
    { ask: "GET app.test/secret/x", differs: "passwords of nginx cannot be used" },
    { ask: "GET app.test/either/x", differs: "`satisfy any`" },
    { ask: "GET app.test/odd/x", differs: "the route is closed" },
  ],
  "auth-request": [
    { ask: "GET app.test/x", fields: { Authorization: "good" } },
    { ask: "GET app.test/x", fields: { Authorization: "good", "X-Who": "forged" } },
    { ask: "GET app.test/x" },
    { ask: "GET app.test/x", fields: { Authorization: "known but not allowed" } },
    { ask: "GET app.test/public/x" },
    { ask: "POST app.test/x", fields: { Authorization: "good" }, body: Buffer.from("abc") },
  ],
  upstreams: [
    {
      ask: "GET pools.test/hashed/x",
      fields: { Cookie: "session=a" },
      differs: "on other members than with nginx",
    },
    {
      ask: "POST pools.test/chosen/x",
      body: Buffer.from("x"),
      differs: "Host is each member's own authority",
    },
  ],
  websocket: [
    { ask: "GET chat.test/x" },
    { ask: "GET chat.test/socket/x" },
    { ask: "GET chat.test/events/x" },
    { ask: "POST chat.test/upload/x", body: Buffer.alloc(3_000_000, "y") },
    { ask: "POST chat.test/x", body: Buffer.alloc(3_000_000, "y") },
  ],
  limits: [
    { ask: "GET app.test/" },
    { ask: "GET app.test/login" },
    { ask: "GET app.test/login", times: 3 },
    { ask: "POST app.test/", body: Buffer.alloc(7_000_000, "y") },
    { ask: "POST app.test/", body: Buffer.alloc(9_000_000, "y") },
    { ask: "POST app.test/upload/x", body: Buffer.alloc(1_400_000, "y") },
    { ask: "POST app.test/upload/x", body: Buffer.alloc(1_700_000, "y"), differs: "1500k is 2 MiB here" },
    { ask: "POST app.test/upload/x", body: Buffer.alloc(2_200_000, "y") },
    { ask: "POST app.test/any/x", body: Buffer.alloc(9_000_000, "y") },
  ],
  "many-ports": [
    { ask: "GET app.test/", but: "xff" },
    { ask: "GET other.test/", but: "xff" },
    {
      ask: "GET app.test/",
      fields: { "X-Forwarded-For": "192.0.2.1" },
      differs: "X-Forwarded-For is the client's address",
    },
  ],
};

let origins: Origins;
const folder = newDirectory("import");

before(async () => {
  origins = await startOrigins();
});

after(() => {
  origins.close();
});

for (const [name, asks] of Object.entries(cases)) {
  test(
    `${name}.conf: nginx and this gateway answer the same, but where the report says so`,
    nginx,
    async (t) => {
      const listen = await freePort();
      const text = withPorts(
        readFileSync(path.join(import.meta.dirname, `golden/nginx/${name}.conf`), "utf8"),
        listen,
      );
      const imported = importNginx({ file: `${name}.conf`, text }, () => "not here");
      assert.equal(imported.kind, "imported");
      if (imported.kind !== "imported") return;
      const edge = await startEdge(imported.toml.replace(/^(?:listen_http|workers) = .*$/gm, ""));
      t.after(() => edge.stop());
      const peer = await startNginx(name, text, listen);
      t.after(() => peer.kill("SIGKILL"));
      let reached = 0;
      for (const ask of asks) {
        const theirs = await put(listen, ask);
        const ours = await put(edge.port, ask);
        if (ours.origin !== "") reached++;
        if (ask.differs === undefined)
          assert.deepEqual(compared(ours, ask, text), compared(theirs, ask, text), ask.ask);
        else {
          assert.notDeepEqual(ours, theirs, `${ask.ask}: the report says that it differs`);
          assert.ok(says(imported.report, ask.differs), `${ask.ask}: the report does not say ${ask.differs}`);
        }
      }
      assert.ok(reached > 0, "no request reached an origin");
    },
  );
}

/** X-Forwarded-For is compared where the configuration sets it; this gateway always sends it. */
function compared(seen: Seen, { but }: Ask, text: string): unknown {
  const { forwardedFor, ...rest } = seen;
  return but === "xff" || !text.includes("X-Forwarded-For") ? rest : seen;
}

/** The configuration with the addresses of this test. */
function withPorts(text: string, listen: number): string {
  return (
    text
      .replace(
        /127\.0\.0\.1:(300\d)/g,
        (whole, port: string) => `127.0.0.1:${origins.ports.get(port) ?? whole}`,
      )
      .replace(/listen (?:80|8080)\b/g, `listen 127.0.0.1:${listen}`)
      // A socket that only this test may make.
      .replace(/unix:\/run\//g, `unix:${folder}/`)
      .replace(/listen 9090/, "listen 127.0.0.1:0")
  );
}

async function startNginx(name: string, text: string, port: number): Promise<ChildProcess> {
  const prefix = path.join(folder, name);
  mkdirSync(prefix);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${prefix}/${kind};`)
    .join(" ");
  const runnable = text
    .replace(/^\s*(?:user|pid|error_log|access_log|worker_processes|worker_rlimit_nofile) .*$/gm, "")
    .replace(/^stream \{[\s\S]*$/m, "")
    .replace(/^ {4}server \{\n {8}listen 127\.0\.0\.1:0;[\s\S]*?\n {4}\}$/m, "")
    .replace(/^\s*resolver .*$/m, "")
    .replace(/^http \{/m, `http { access_log off; ${temporary}`);
  const file = path.join(prefix, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${prefix}/pid; error_log ${prefix}/error.log;\n${runnable}`,
  );
  return startPeer("nginx", ["-p", prefix, "-c", file, "-e", `${prefix}/start.log`], port);
}
