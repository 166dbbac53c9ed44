import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { startBench } from "../conformance/bench.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";

const skip =
  spawnSync("nginx", ["-v"]).status === 0 || process.env["CI"] !== undefined ? false : "nginx is missing";

const body = "<p>the same again</p>\n".repeat(400);
const gzip = { "accept-encoding": "gzip" };
const html = { "content-type": "text/html" };

/** Status and fields of the upstream's answer, the request's fields, and whether it is coded. */
const cases: readonly (readonly [
  what: string,
  status: number,
  answer: Record<string, string>,
  asked: Record<string, string>,
  body?: string,
])[] = [
  ["a page", 200, { ...html, etag: '"abc"', "accept-ranges": "bytes" }, gzip],
  ["a weak tag", 200, { ...html, etag: 'W/"abc"' }, gzip],
  ["another Vary", 200, { ...html, vary: "Origin" }, gzip],
  ["a client without a word", 200, { ...html, etag: '"abc"' }, {}],
  ["a client that refuses", 200, html, { "accept-encoding": "gzip;q=0, deflate" }],
  ["a client that hesitates", 200, html, { "accept-encoding": "deflate, gzip;q=0.001" }],
  ["an image", 200, { "content-type": "image/png" }, gzip],
  ["no type", 200, {}, gzip],
  ["a type with parameters", 200, { "content-type": "text/html; charset=utf-8" }, gzip],
  ["a short page", 200, html, gzip, "short"],
  ["a coded page", 200, { ...html, "content-encoding": "x-own" }, gzip],
  ["not found", 404, html, gzip],
  [
    "a part",
    206,
    { ...html, "content-range": `bytes 0-${body.length - 1}/90000` },
    { ...gzip, range: "bytes=0-" },
  ],
  ["not modified", 304, { etag: '"abc"' }, { ...gzip, "if-none-match": '"abc"' }],
];

test("heads are what nginx makes of them", { skip }, async (t) => {
  let next = cases[0]!;
  const origin = http.createServer((_request, answer) => {
    const [, status, fields, , text = body] = next;
    answer.sendDate = false;
    answer.writeHead(status, status === 304 ? fields : { ...fields, "content-length": text.length });
    answer.end(status === 304 ? undefined : text);
  });
  origin.listen(0, "127.0.0.1");
  await once(origin, "listening");
  t.after(() => origin.close().closeAllConnections());
  const { port: originPort } = origin.address() as { port: number };
  const nginxPort = await startNginx(t, originPort);
  const { edge } = await startBench(t, {
    tables: `[compression]\n[upstream.real]\nurl = "http://127.0.0.1:${originPort}"\n[[route]]\npath = "/"\nupstream = "real"\nwaf = false`,
  });
  let coded = 0;
  for (next of cases) {
    const [ours, theirs] = [await ask(edge.port, next[3]), await ask(nginxPort, next[3])];
    assert.deepEqual(ours, theirs, next[0]);
    if (String(ours.fields["content-encoding"]) === "gzip") coded++;
  }
  assert.equal(coded, 6);
});

async function startNginx(t: Parameters<typeof startBench>[0], originPort: number): Promise<number> {
  const folder = newDirectory("nginx");
  const port = await freePort();
  const file = path.join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events {}
http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
gzip on; gzip_vary on; gzip_proxied any; gzip_min_length 1024;
server { listen 127.0.0.1:${port}; location / { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${originPort}; } } }`,
  );
  const nginx = spawn("nginx", ["-c", file, "-p", folder], { stdio: "ignore" });
  t.after(async () => {
    const over = once(nginx, "exit");
    nginx.kill();
    await over;
  });
  for (let tries = 0; tries < 400; tries++) {
    const answered = await ask(port, {}).catch(() => undefined);
    if (answered !== undefined) return port;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error("nginx does not answer");
}

const compared = ["content-encoding", "vary", "etag", "accept-ranges", "content-type", "content-range"];

function ask(port: number, headers: Record<string, string>) {
  return new Promise<{ status: number; fields: Record<string, unknown>; text: string }>((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: "/", headers, agent: false };
    http
      .get(options, (got) => {
        const parts: Buffer[] = [];
        got.on("data", (part: Buffer) => parts.push(part));
        got.on("end", () => {
          const bytes = Buffer.concat(parts);
          const text = got.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
          const fields = Object.fromEntries(compared.map((name) => [name, sorted(got.headers[name])]));
          resolve({ status: got.statusCode!, fields, text: text.toString() });
        });
      })
      .on("error", reject);
  });
}

/** The order of a list says nothing. */
function sorted(value: string | string[] | undefined): unknown {
  return typeof value === "string" ? value.split(", ").sort() : value;
}
