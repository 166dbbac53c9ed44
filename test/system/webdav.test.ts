import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import https from "node:https";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { newDirectory } from "../support/directory.ts";
import { startEdge } from "../support/edge.ts";
import { freePort } from "../support/free-port.ts";

// litmus, the test suite of WebDAV's clients, against Apache's mod_dav behind the gateway, its WAF on.

const APACHE = "/usr/sbin/apache2";
const LITMUS = "/usr/bin/litmus";
const MODULES = "/usr/lib/apache2/modules";

/** mod_dav over an empty directory. */
async function startApache(port: number): Promise<ChildProcess> {
  const folder = newDirectory("webdav");
  chmodSync(folder, 0o755);
  for (const name of ["root", "locks"]) {
    mkdirSync(path.join(folder, name));
    chmodSync(path.join(folder, name), 0o777);
  }
  const file = path.join(folder, "apache.conf");
  const modules = ["mpm_event", "authz_core", "dav", "dav_fs", "dav_lock"];
  writeFileSync(
    file,
    `ServerRoot ${folder}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
User www-data
Group www-data
${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join("\n")}
DavLockDB ${folder}/locks/db
DocumentRoot ${folder}/root
<Directory ${folder}/root>
  Dav On
  Require all granted
</Directory>
`,
  );
  const apache = spawn(APACHE, ["-DFOREGROUND", "-f", file], { stdio: "ignore" });
  const over = once(apache, "exit").then(() => {
    throw new Error("apache2 ended");
  });
  over.catch(() => {});
  const url = `http://127.0.0.1:${port}/`;
  while (!(await Promise.race([over, fetch(url, { method: "OPTIONS" }).then(isFine, () => false)])))
    await sleep(20);
  return apache;
}

function isFine(answer: Response): boolean {
  return answer.headers.get("dav")?.startsWith("1,2") === true;
}

test("litmus finds what it finds without the gateway, but for a type that the WAF does not let through", async (t) => {
  if (lacks(t)) return;
  const port = await freePort();
  const apache = await startApache(port);
  t.after(() => apache.kill());
  const edge = await startEdge(`
[server]
http_mode = "serve"

[upstream.dav]
url = "http://127.0.0.1:${port}"

[[route]]
path = "/{*rest}"
upstream = "dav"
methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK"]
`);
  t.after(() => edge.stop());
  const [direct, through] = [await litmus(port), await litmus(edge.port)];
  assert.deepEqual(direct.failed, []);
  assert.equal(direct.passed, 104);
  // A MKCOL with a body of the type xzy-foo/bar-512: 415 by RFC 4918, 400 here.
  assert.deepEqual(through.failed, ["mkcol_with_body"]);
  assert.equal(through.passed, 103);
});

test("what came over TLS is copied by a server that speaks plain HTTP", async (t) => {
  if (lacks(t)) return;
  const port = await freePort();
  const apache = await startApache(port);
  t.after(() => apache.kill());
  for (const preserveHost of [true, false]) {
    const edge = await startEdge(
      `
[server]
http_mode = "serve"

[upstream.dav]
url = "http://127.0.0.1:${port}"
preserve_host = ${preserveHost}

[[route]]
path = "/{*rest}"
upstream = "dav"
methods = ["GET", "PUT", "COPY", "MOVE"]
`,
      { tlsNames: ["dav.test"] },
    );
    t.after(() => edge.stop());
    const host = `dav.test:${edge.tlsPort}`;
    const ask = (method: string, target: string, destination?: string): Promise<number> =>
      statusOf(edge.tlsPort, method, target, {
        host,
        ...(destination === undefined ? {} : { destination: `https://${host}${destination}` }),
      });
    const file = `/${preserveHost}`;
    assert.equal(await ask("PUT", file), 201);
    assert.equal(await ask("COPY", file, `${file}-copy`), 201);
    assert.equal(await ask("MOVE", `${file}-copy`, `${file}%20moved`), 201);
    assert.equal(await ask("GET", `${file}%20moved`), 200);
    assert.equal(await ask("GET", `${file}-copy`), 404);
  }
});

function statusOf(
  port: number,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", method, path: target, headers, rejectUnauthorized: false };
    const request = https.request({ ...options, servername: "dav.test", agent: false }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode!));
    });
    request.on("error", reject);
    request.end(method === "PUT" ? "text" : undefined);
  });
}

/** Whether a program is absent, which skips the test, but not in CI. */
function lacks(t: TestContext): boolean {
  const missing = [APACHE, LITMUS, `${MODULES}/mod_dav.so`].filter((file) => !existsSync(file));
  if (missing.length === 0) return false;
  assert.equal(process.env["CI"], undefined, `${missing.join(", ")} must be there in CI`);
  t.skip(`${missing.join(", ")}: absent`);
  return true;
}

async function litmus(
  port: number,
): Promise<{ readonly passed: number; readonly failed: readonly string[] }> {
  const text = await new Promise<string>((resolve) => {
    // It writes its log where it stands, and its exit code says that something failed.
    const cwd = newDirectory("litmus");
    execFile(LITMUS, ["-k", `http://127.0.0.1:${port}/`], { cwd, timeout: 60_000 }, (_, stdout) =>
      resolve(stdout),
    );
  });
  const passed = [...text.matchAll(/(\d+) passed, \d+ failed/g)].map(([, count]) => Number(count));
  assert.equal(passed.length, 5, text);
  return {
    passed: passed.reduce((sum, count) => sum + count, 0),
    failed: [...text.matchAll(/\d+\. (\w+)\.* FAIL/g)].map(([, name]) => name!),
  };
}
