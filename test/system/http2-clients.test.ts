import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import http2 from "node:http2";
import { type TestContext, test } from "node:test";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { type Origin, ok, startOrigin } from "../support/origin.ts";
import { hasCommand, needs } from "../support/shared.ts";
import { systemConfig } from "./config.ts";

// HTTP/2 clients that nobody on the project wrote.

const payload = Buffer.alloc(3 << 20, "payload!");

async function start(t: TestContext, server = ""): Promise<{ gateway: Gateway; origin: Origin }> {
  const origin = await startOrigin({
    keepBodies: false,
    script: async (request, connection) => {
      const body = await request.body.catch(() => undefined);
      if (body === undefined) return;
      const text =
        request.target === "/big"
          ? "x".repeat(1 << 20)
          : `${request.method} ${request.target} ${request.bodyBytes()}`;
      connection.socket.write(
        request.method === "HEAD" ? `${ok(text).split("\r\n\r\n")[0]!}\r\n\r\n` : ok(text),
      );
    },
  });
  t.after(() => origin.close());
  const gateway = await startGateway(
    t,
    systemConfig(origin.port).replace("[server]", `[server]\nh2c = true\n${server}`),
    {
      tls: true,
    },
  );
  return { gateway, origin };
}

test("curl over HTTP/2", async (t) => {
  if (!needs(t, "curl", hasCommand("curl"))) return;
  const { gateway } = await start(t);
  const secure = `https://localhost:${gateway.tlsPort}`;
  const base = ["-sS", "-m", "20", "--http2", "--cacert", gateway.certificatePath];
  const trust = [...base, "--resolve", `localhost:${gateway.tlsPort}:127.0.0.1`];

  await t.test("gets, uploads, asks for a head, and keeps its connection", async () => {
    assert.equal(await run("curl", [...trust, `${secure}/a`, "-w", "|%{http_version}"]), "GET /a 0|2");
    const uploaded = ["-H", "Content-Type: application/octet-stream", "--data-binary", "@-", `${secure}/up`];
    assert.equal(await run("curl", [...trust, ...uploaded], payload), `POST /up ${payload.length}`);
    const unsized = ["-T", "-", `${secure}/put`];
    assert.equal(await run("curl", [...trust, ...unsized], payload), `PUT /put ${payload.length}`);
    assert.match(await run("curl", [...trust, "-I", `${secure}/h`]), /^HTTP\/2 200 \r\n/);
    assert.equal((await run("curl", [...trust, `${secure}/big`])).length, 1 << 20);
    const several = [`${secure}/1`, `${secure}/2`, "-w", "|%{num_connects};"];
    assert.equal(await run("curl", [...trust, ...several]), "GET /1 0|1;GET /2 0|0;");
  });
  await t.test("by prior knowledge on the plain listener", async () => {
    const args = [
      "-sS",
      "--http2-prior-knowledge",
      `http://127.0.0.1:${gateway.port}/p`,
      "-w",
      "|%{http_version}",
    ];
    assert.equal(await run("curl", args), "GET /p 0|2");
    assert.equal(await run("curl", ["-sS", `http://127.0.0.1:${gateway.port}/p`]), "GET /p 0");
  });
});

test("nghttp and h2load", async (t) => {
  if (!needs(t, "nghttp and h2load (nghttp2-client)", hasCommand("nghttp") && hasCommand("h2load"))) return;
  // h2load counts what a GOAWAY leaves out as failed and does not ask again.
  const { gateway, origin } = await start(t, "keepalive_requests = 100000");
  const secure = `https://127.0.0.1:${gateway.tlsPort}`;
  await t.test("nghttp asks for many streams at once and gives them priorities", async () => {
    const out = await run("nghttp", ["-n", "-s", "-m", "30", "-p", "200", "--no-verify-peer", `${secure}/n`]);
    assert.equal(out.match(/ 200 +\d+ \/n$/gm)?.length, 30, out);
  });
  await t.test("h2load loses no request of many streams on few connections", async () => {
    origin.forget();
    const out = await run("h2load", ["-n", "6000", "-c", "4", "-m", "16", `${secure}/l`]);
    assert.match(out, /6000 total, 6000 started, 6000 done, 6000 succeeded, 0 failed, 0 errored, 0 timeout/);
  });
});

test("Node's HTTP/2 client repeats what a GOAWAY left out, and gets every answer once", async (t) => {
  const { gateway } = await start(t);
  const answers: string[] = [];
  let client = http2.connect(`https://127.0.0.1:${gateway.tlsPort}`, { rejectUnauthorized: false });
  client.on("error", () => {});
  for (let n = 0; n < 1500; n++) {
    for (;;) {
      if (client.closed || client.destroyed) {
        client = http2.connect(`https://127.0.0.1:${gateway.tlsPort}`, { rejectUnauthorized: false });
        client.on("error", () => {});
      }
      const answer = await fetchBy(client, `/${n}`);
      if (answer === undefined) continue;
      answers.push(answer);
      break;
    }
  }
  client.close();
  assert.deepEqual(
    answers,
    answers.map((_, n) => `GET /${n} 0`),
  );
  assert.equal(answers.length, 1500);
});

/** Undefined: the connection was on its way out, nothing was answered. */
function fetchBy(client: http2.ClientHttp2Session, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const stream = client.request({ ":path": path });
    let text = "";
    stream.setEncoding("latin1");
    stream.on("data", (piece: string) => {
      text += piece;
    });
    stream.on("error", () => resolve(undefined));
    stream.on("close", () => resolve(stream.rstCode === 0 && text !== "" ? text : undefined));
  });
}

function run(command: string, args: readonly string[], input?: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { encoding: "latin1", maxBuffer: 1 << 26, timeout: 25_000 } as const;
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${command}: ${error.message}\n${stderr}`));
      else resolve(stdout);
    });
    child.stdin?.end(input);
  });
}
