import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { importNginx } from "../../src/import/nginx.ts";
import type { ImportReport } from "../../src/import/report.ts";
import { startEdge } from "../support/edge.ts";
import { freePort } from "../support/free-port.ts";

/**
 * Real nginx with a configuration, and this gateway with what was made of it, are asked the same. Answers are equal, or
 * differ where the report says so.
 */

const nginx = {
  skip:
    spawnSync("nginx", ["-v"]).status === 0 || process.env["CI"] !== undefined ? false : "nginx is missing",
};

interface Ask {
  /** "GET shop.test/path". */
  readonly ask: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** How often, one after the other; the last answer counts. */
  readonly times?: number;
  /** Part of a sentence of the report that says that answers differ here. */
  readonly differs?: string;
  /** What is left out of the comparison, for a reason that the report gives for all requests. */
  readonly but?: "xff";
}

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

/** What an origin saw, and what the client got. */
interface Seen {
  readonly status: number;
  /** "3001 GET /path", "" = no origin was asked. */
  readonly origin: string;
  readonly host: string;
  readonly forwardedFor: string;
  readonly who: string;
  readonly length: number;
  /** Fields that a configuration sets, as the origin saw them. */
  readonly set: string;
  /** Of a redirect, without scheme and authority of this host. */
  readonly location: string;
  /** Fields that a configuration adds to answers. */
  readonly added: string;
  /** Of an answer that no origin gave, and that is no error. */
  readonly text: string;
}

const origins: Server[] = [];
const ports = new Map<string, number>();
const folder = mkdtempSync(path.join(tmpdir(), "zion-import-"));

before(async () => {
  for (let number = 3001; number <= 3006; number++) {
    const server = createServer((asked, answer) => void answerWith(String(number), asked, answer));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    origins.push(server);
    ports.set(String(number), (server.address() as AddressInfo).port);
  }
});

after(() => {
  for (const server of origins) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

async function answerWith(
  name: string,
  asked: IncomingMessage,
  answer: import("node:http").ServerResponse,
): Promise<void> {
  let length = 0;
  for await (const piece of asked) length += (piece as Buffer).length;
  if (name === "3006" && asked.url === "/verify") {
    const credential = asked.headers.authorization;
    answer.writeHead(credential === "good" ? 204 : credential === undefined ? 401 : 403, {
      "X-Who": "mallory",
    });
    answer.end();
    return;
  }
  const saw = {
    origin: `${name} ${asked.method} ${asked.url}`,
    host: (asked.headers.host ?? "").replace(/\d{4,5}$/, "PORT"),
    forwardedFor: String(asked.headers["x-forwarded-for"] ?? ""),
    who: String(asked.headers["x-who"] ?? ""),
    length,
    set: ["x-custom", "x-drop", "x-client"].map((name) => String(asked.headers[name] ?? "")).join("|"),
  };
  answer.writeHead(200, {
    "X-Powered-By": "tests",
    "X-Saw": Buffer.from(JSON.stringify(saw)).toString("base64"),
  });
  answer.end("ok");
}

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

function says({ rows }: ImportReport, sentence: string): boolean {
  return rows.some(({ verdict, explanation }) => verdict !== "translated" && explanation.includes(sentence));
}

/** The configuration with the addresses of this test. */
function withPorts(text: string, listen: number): string {
  return (
    text
      .replace(/127\.0\.0\.1:(300\d)/g, (whole, port: string) => `127.0.0.1:${ports.get(port) ?? whole}`)
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
  const child = spawn("nginx", ["-p", prefix, "-c", file, "-e", `${prefix}/start.log`], { stdio: "pipe" });
  let complaint = "";
  child.stderr.on("data", (bytes: Buffer) => (complaint += bytes.toString()));
  for (let attempt = 0; attempt < 400; attempt++) {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${complaint}`);
    if (await answers(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  child.kill("SIGKILL");
  throw new Error("nginx does not listen");
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function put(port: number, ask: Ask): Promise<Seen> {
  let seen = await putOnce(port, ask);
  for (let count = 1; count < (ask.times ?? 1); count++) seen = await putOnce(port, ask);
  return seen;
}

function putOnce(port: number, { ask, fields, body }: Ask): Promise<Seen> {
  const [, method = "", host = "", target = ""] = /^(\w+) ([^/]+)(.*)$/.exec(ask)!;
  return new Promise((resolve) => {
    const nothing: Seen = {
      status: 0,
      origin: "",
      host: "",
      forwardedFor: "",
      who: "",
      length: 0,
      set: "",
      location: "",
      added: "",
      text: "",
    };
    const headers = {
      Host: host,
      Connection: "close",
      ...fields,
      ...(body === undefined ? {} : { "Content-Length": body.length, "Content-Type": "text/plain" }),
    };
    const asking = request(
      { port, host: "127.0.0.1", method, path: target, headers, agent: false },
      (answer) => {
        let text = "";
        answer.on("data", (bytes: Buffer) => (text += bytes.toString()));
        answer.on("error", () => resolve(nothing));
        answer.on("end", () => {
          const status = answer.statusCode ?? 0;
          const saw = answer.headers["x-saw"];
          const rest =
            saw === undefined
              ? {}
              : (JSON.parse(Buffer.from(String(saw), "base64").toString()) as Partial<Seen>);
          const location = (answer.headers.location ?? "").replace(
            /^http:\/\/[^/]*(?:127\.0\.0\.1|\.test)(?::\d+)?(?=\/)/,
            "",
          );
          const added = ["x-added", "x-powered-by"]
            .map((name) => String(answer.headers[name] ?? ""))
            .join("|");
          resolve({
            ...nothing,
            ...rest,
            status,
            location,
            added,
            text: saw === undefined && status < 300 ? text : "",
          });
        });
      },
    );
    asking.on("error", () => resolve(nothing));
    asking.end(body);
  });
}
