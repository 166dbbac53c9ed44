import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import http from "node:http";
import https from "node:https";
import { type TestContext, test } from "node:test";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { type Origin, ok, rawAnswer, startOrigin } from "../support/origin.ts";
import { hasCommand, needs } from "../support/shared.ts";
import { systemConfig } from "./config.ts";

// Clients that nobody on the project wrote.

const payload = Buffer.alloc(3 << 20, "payload!");

async function start(
  t: TestContext,
  config?: (text: string) => string,
): Promise<{ gateway: Gateway; origin: Origin }> {
  const origin = await startOrigin({
    script: async (request, connection) => {
      const body = await request.body.catch(() => undefined);
      if (body === undefined) return;
      const text = `${request.method} ${request.target} ${body.length}`;
      connection.socket.write(
        request.method === "HEAD" ? `${ok(text).split("\r\n\r\n")[0]!}\r\n\r\n` : ok(text),
      );
    },
  });
  t.after(() => origin.close());
  const text = systemConfig(origin.port);
  const gateway = await startGateway(t, config === undefined ? text : config(text), { tls: true });
  return { gateway, origin };
}

test("curl", async (t) => {
  if (!needs(t, "curl", hasCommand("curl"))) return;
  const { gateway, origin } = await start(t);
  const plain = `http://127.0.0.1:${gateway.port}`;
  const secure = `https://localhost:${gateway.tlsPort}`;
  const trust = ["--cacert", gateway.certificatePath, "--resolve", `localhost:${gateway.tlsPort}:127.0.0.1`];

  await t.test("gets a page over plain and over TLS 1.3, verified", async () => {
    assert.equal((await curl([`${plain}/a?b={c}`, "-g"])).stdout, "GET /a?b={c} 0");
    const { stdout } = await curl([...trust, `${secure}/a`, "-w", "|%{http_version}|%{ssl_verify_result}"]);
    assert.equal(stdout, "GET /a 0|2|0");
  });
  await t.test("keeps its connection for several requests", async () => {
    const { stdout } = await curl([
      ...trust,
      `${secure}/1`,
      `${secure}/2`,
      `${secure}/3`,
      "-w",
      "|%{num_connects};",
    ]);
    assert.equal(stdout, "GET /1 0|1;GET /2 0|0;GET /3 0|0;");
  });
  await t.test("uploads with Content-Length and with chunks, waiting for 100 Continue", async () => {
    for (const framing of [[], ["-H", "Transfer-Encoding: chunked"]]) {
      const args = [
        ...framing,
        "-H",
        "Content-Type: application/octet-stream",
        "-H",
        "Expect: 100-continue",
        "--expect100-timeout",
        "5",
        "--data-binary",
        "@-",
        `${plain}/up`,
      ];
      const { stdout, seconds } = await curl(args, payload);
      assert.equal(stdout, `POST /up ${payload.length}`);
      assert.ok(seconds < 5, "curl gave up waiting for 100 Continue");
    }
  });
  await t.test("sends HEAD, OPTIONS, PUT, PATCH and DELETE", async () => {
    assert.match((await curl(["-I", `${plain}/h`])).stdout, /^HTTP\/1\.1 200 OK\r\n/);
    for (const method of ["OPTIONS", "PUT", "PATCH", "DELETE"]) {
      assert.equal((await curl(["-X", method, "-d", "abc", `${plain}/m`])).stdout, `${method} /m 3`);
    }
  });
  await t.test("speaks HTTP/1.0", async () => {
    assert.equal((await curl(["--http1.0", `${plain}/old`])).stdout, "GET /old 0");
  });
  await t.test("is refused TLS 1.2", async () => {
    assert.equal((await curl([...trust, "--tls-max", "1.2", `${secure}/a`])).code, 35);
  });
  await t.test("notices an answer that its upstream reset", async () => {
    const script = origin.script;
    origin.script = rawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort", "reset");
    assert.ok([18, 56].includes((await curl([`${plain}/cut`])).code));
    origin.script = rawAnswer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "reset");
    assert.ok([18, 56].includes((await curl([`${plain}/cut`])).code));
    // HTTP/1.0 has only the end of the connection: a reset, or over TLS an end without close_notify (RFC 9112 §9.8).
    for (const args of [[`${secure}/cut`], ["--http1.0", `${plain}/cut`], ["--http1.0", `${secure}/cut`]]) {
      assert.notEqual((await curl([...trust, ...args])).code, 0, args.join(" "));
    }
    origin.script = script;
    assert.equal((await curl([`${plain}/whole`])).stdout, "GET /whole 0");
  });
});

test("curl is sent from the plain listener to https, with a Host that was checked", async (t) => {
  if (!needs(t, "curl", hasCommand("curl"))) return;
  const { gateway, origin } = await start(t, (text) =>
    text.replace('http_mode = "serve"', 'http_mode = "redirect"'),
  );
  const plain = `http://127.0.0.1:${gateway.port}`;
  const { stdout } = await curl([
    "-w",
    "%{http_code} %{redirect_url}",
    "-o",
    "/dev/null",
    `${plain}/a/b?c=d`,
  ]);
  assert.equal(stdout, `301 https://127.0.0.1:${gateway.tlsPort}/a/b?c=d`);
  const posted = await curl(["-w", "%{http_code}", "-o", "/dev/null", "-d", "x", `${plain}/a`]);
  assert.equal(posted.stdout, "308");
  for (const host of ["evil/x", "a b", "u@a", "[::1"]) {
    const refused = await curl([
      "-w",
      "%{http_code} %{redirect_url}",
      "-o",
      "/dev/null",
      "-H",
      `Host: ${host}`,
      `${plain}/a`,
    ]);
    assert.equal(refused.stdout, "400 ");
  }
  const split = await curl(["-i", "--path-as-is", `${plain}//evil.test/%2e%2e%0d%0aX-Injected:1`]);
  assert.match(split.stdout, /^HTTP\/1\.1 400 /);
  const slashes = await curl([
    "-w",
    "%{redirect_url}",
    "-o",
    "/dev/null",
    "--path-as-is",
    `${plain}//evil.test/x`,
  ]);
  assert.ok(slashes.stdout.startsWith(`https://127.0.0.1:${gateway.tlsPort}/`), slashes.stdout);
  assert.equal(origin.requests.length, 0);
  const followed = await curl([
    ...["-L", "--cacert", gateway.certificatePath, "--resolve", `localhost:${gateway.port}:127.0.0.1`],
    ...["--resolve", `localhost:${gateway.tlsPort}:127.0.0.1`, `http://localhost:${gateway.port}/followed`],
  ]);
  assert.equal(followed.stdout, "GET /followed 0");
});

test("openssl s_client", async (t) => {
  if (!needs(t, "openssl", hasCommand("openssl"))) return;
  const { gateway } = await start(t);
  const base = [
    "s_client",
    "-connect",
    `127.0.0.1:${gateway.tlsPort}`,
    "-servername",
    "localhost",
    "-CAfile",
    gateway.certificatePath,
  ];
  const request = "GET /s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

  await t.test("negotiates TLS 1.3 and http/1.1, and is answered", async () => {
    const { stdout } = await run("openssl", [...base, "-tls1_3", "-alpn", "http/1.1", "-ign_eof"], request);
    assert.match(stdout, /TLSv1\.3/);
    assert.match(stdout, /ALPN protocol: http\/1\.1/);
    assert.match(stdout, /Verify return code: 0/);
    assert.match(stdout, /GET \/s 0/);
  });
  await t.test("is refused TLS 1.2", async () => {
    const { code, stdout } = await run("openssl", [...base, "-tls1_2", "-ign_eof"], request);
    assert.notEqual(code, 0);
    assert.doesNotMatch(stdout, /GET \/s/);
  });
  await t.test("is refused a protocol that is not served", async () => {
    const { stdout } = await run("openssl", [...base, "-alpn", "imap", "-ign_eof"], request);
    assert.doesNotMatch(stdout, /GET \/s/);
  });
});

test("Node's http and https clients with kept connections", async (t) => {
  const { gateway, origin } = await start(t);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const plain = await Promise.all(
    Array.from({ length: 100 }, (_, n) => fetchBy(http, { port: gateway.port, path: `/${n}`, agent })),
  );
  assert.deepEqual(
    plain,
    plain.map((_, n) => `200 GET /${n} 0`),
  );
  agent.destroy();
  const secure = new https.Agent({ keepAlive: true, maxSockets: 2, rejectUnauthorized: false });
  for (let n = 0; n < 20; n++) {
    const answer = await fetchBy(
      https,
      { port: gateway.tlsPort, path: `/${n}`, method: "POST", agent: secure },
      payload,
    );
    assert.equal(answer, `200 POST /${n} ${payload.length}`);
  }
  secure.destroy();
  assert.equal(origin.requests.length, 120);
});

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly seconds: number;
}

function curl(args: readonly string[], input?: Buffer): Promise<Ran> {
  return run("curl", ["--silent", "--noproxy", "*", "--max-time", "20", ...args], input);
}

function run(command: string, args: readonly string[], input?: Buffer | string): Promise<Ran> {
  const startedMs = performance.now();
  return new Promise((done) => {
    const child = execFile(
      command,
      args,
      { timeout: 20_000, encoding: "latin1", maxBuffer: 64 << 20 },
      (error, stdout) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        done({ code, stdout, seconds: (performance.now() - startedMs) / 1000 });
      },
    );
    child.stdin!.on("error", () => undefined);
    child.stdin!.end(input);
  });
}

function fetchBy(
  client: typeof http | typeof https,
  options: https.RequestOptions,
  body?: Buffer,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = client.request({ host: "127.0.0.1", ...options }, (answer) => {
      let text = "";
      answer.setEncoding("latin1").on("data", (part: string) => (text += part));
      answer.on("end", () => resolve(`${answer.statusCode} ${text}`));
      answer.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}
