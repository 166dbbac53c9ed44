import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { newDirectory } from "../support/directory.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { type Origin, ok, startOrigin } from "../support/origin.ts";

const directory = newDirectory("transform");
writeFileSync(join(directory, "page.html"), "<h1>Wartung für alle</h1>\n");

let origin: Origin;
let canary: Origin;
let gateway: Gateway;

/** One gateway for all routes of this file, each under a path of its own. */
async function start(t: Pick<TestContext, "after">): Promise<void> {
  if (gateway !== undefined) return;
  origin = await startOrigin({
    script: async (_request, connection) => {
      connection.socket.write(
        "HTTP/1.1 200 OK\r\nServer: app/1\r\nX-Powered-By: php\r\nX-Kept: yes\r\nContent-Length: 2\r\n\r\nok",
      );
    },
  });
  canary = await startOrigin({
    script: async (_request, connection) => void connection.socket.write(ok("canary")),
  });
  t.after(() => Promise.all([origin.close(), canary.close()]));
  const route = (path: string, more: string): string => `[[route]]\npath = "${path}"\n${more}\n`;
  const toApp = (path: string, more: string): string => route(path, `upstream = "app"\n${more}`);
  gateway = await startGateway(
    t,
    `[server]
h2c = true
[upstream.app]
url = "http://127.0.0.1:${origin.port}"
[upstream.next]
url = "http://127.0.0.1:${canary.port}"
${toApp("/strip/{*rest}", '[route.rewrite]\nstrip_prefix = "/strip"\nadd_prefix = "/v2"\nhost = "inner.test:81"')}
${toApp("/item/{id}", "[route.rewrite]\nregex = '^/item/([0-9]+)$'\nreplacement = \"/products/$1\"")}
${toApp("/climb/{*rest}", "[route.rewrite]\nregex = '^/climb/(.*)$'\nreplacement = \"/a/.$1\"")}
${toApp("/query", '[route.rewrite]\nquery_remove = ["utm_*", "gone"]\nquery_set = { lang = "en gb" }\nquery_add = { from = "edge" }')}
${toApp(
  "/fields/{id}",
  `[route.request_headers]
set = { "X-User" = "{client_ip} {header:x-user}", "Accept" = "text/plain" }
add = { "X-Id" = "{param:id}" }
default = { "X-Absent" = "{cookie:a}", "X-Present" = "no", "X-Empty" = "{header:nothing}" }
remove = ["X-Gone", "x-debug-*"]
[route.response_headers]
set = { "X-Kept" = "replaced", "X-Route" = "{method} {path}" }
default = { "X-Frame-Options" = "DENY", "server" = "none" }
add = { "Set-Cookie" = "a=1" }
remove = ["Server", "x-powered-*"]`,
)}
${route("/moved/{*rest}", '[route.redirect]\nto = "https://{host}{uri}"\nstatus = 301')}
${route("/open/{*rest}", '[route.redirect]\nto = "{uri}"\nstatus = 302')}
${route("/down", `[route.respond]\nstatus = 503\nbody_file = "${join(directory, "page.html")}"\ncontent_type = "text/html; charset=utf-8"\n[route.response_headers]\nset = { "Retry-After" = "120" }`)}
${route("/empty", "[route.respond]\nstatus = 204")}
${toApp("/split", '[[route.split]]\nupstream = "next"\nheader = "X-Canary: yes"\n[[route.split]]\nupstream = "next"\ncookie = "beta"')}
${toApp("/weight", '[[route.split]]\nupstream = "next"\nweight = 30')}
`,
  );
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function ask(path: string, headers: http.OutgoingHttpHeaders = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: gateway.port, path, method, agent: false };
    const request = http.request({ ...options, headers: { host: "shop.test", ...headers } }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => (body += part));
      answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, body }));
    });
    request.on("error", reject);
    request.end();
  });
}

/** Head of the last request that the origin got. */
const last = () => origin.requests.at(-1)!;
const sent = (name: string): string | undefined =>
  last().fields.find(([other]) => other.toLowerCase() === name)?.[1];

// One gateway serves the whole file.
test("a route changes requests and answers", async (t) => {
  await start(t);

  await t.test("prefixes go and come as whole segments, and the host is another", async () => {
    assert.equal((await ask("/strip/a%20b?x=1")).status, 200);
    assert.deepEqual(
      [last().target, sent("host"), sent("x-forwarded-host")],
      ["/v2/a%20b?x=1", "inner.test:81", "shop.test"],
    );
    await ask("/strip/");
    assert.equal(last().target, "/v2/");
    await ask("/strip//evil.test/");
    assert.equal(last().target, "/v2//evil.test/");
  });

  await t.test("a pattern rewrites the path where it is found, and only there", async () => {
    await ask("/item/17?x=/item/5");
    assert.equal(last().target, "/products/17?x=/item/5");
    await ask("/item/seventeen");
    assert.equal(last().target, "/item/seventeen");
  });

  await t.test("a target that climbs out of what the operator wrote is refused", async () => {
    const before = origin.requests.length;
    assert.equal((await ask("/climb/./secret")).status, 200); // resolved before: /climb/secret
    assert.equal(last().target, "/a/.secret");
    assert.equal((await ask("/climb//x")).status, 400); // "/a/./x"
    assert.equal(origin.requests.length, before + 1);
  });

  await t.test("parameters are removed however they are written, replaced and added", async () => {
    await ask("/query?utm_source=a&q=1&ut%6d%5Fx=2&gone=1&lang=de&lang=fr");
    assert.equal(last().target, "/query?q=1&lang=en%20gb&from=edge");
    await ask("/query");
    assert.equal(last().target, "/query?lang=en%20gb&from=edge");
  });

  await t.test("fields of requests are set, added, kept where they are, and removed", async () => {
    await ask("/fields/a%2Fb", {
      "x-user": "me",
      "x-present": "yes",
      "x-gone": "1",
      "X-Debug-Level": "9",
      accept: "*/*",
    });
    assert.deepEqual(
      ["x-user", "accept", "x-id", "x-absent", "x-present", "x-empty", "x-gone", "x-debug-level"].map(sent),
      ["127.0.0.1 me", "text/plain", "a%2Fb", undefined, "yes", undefined, undefined, undefined],
    );
    assert.equal(last().fields.filter(([name]) => name.toLowerCase() === "accept").length, 1);
  });

  await t.test("fields of answers as well, over HTTP/1.1 and HTTP/2 alike", async () => {
    const { headers } = await ask("/fields/7");
    const expected = {
      server: "none",
      "x-powered-by": undefined,
      "x-kept": "replaced",
      "x-route": "GET /fields/7",
      "x-frame-options": "DENY",
      "set-cookie": ["a=1"],
    };
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(headers[name], value, name);
    const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
    const h2 = await new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ":path": "/fields/7", ":authority": "shop.test" });
      stream.on("response", resolve);
      stream.resume();
    });
    session.destroy();
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(h2[name], value, name);
  });

  await t.test("redirects carry host and target, and never name another host", async () => {
    const moved = await ask("/moved/a%20b?c=d");
    assert.deepEqual([moved.status, moved.headers.location], [301, "https://shop.test/moved/a%20b?c=d"]);
    assert.equal((await ask("//open/x")).headers.location, "/open/x");
    assert.equal((await ask("/open/x?y=\\z")).headers.location?.includes("\\"), false);
  });

  await t.test("a fixed answer has its own type and length, for HEAD without its body", async () => {
    const down = await ask("/down");
    assert.deepEqual(
      [down.status, down.body, down.headers["content-type"], down.headers["retry-after"]],
      [503, "<h1>Wartung für alle</h1>\n", "text/html; charset=utf-8", "120"],
    );
    const head = await ask("/down", {}, "HEAD");
    assert.deepEqual([head.status, head.body, head.headers["content-length"]], [503, "", "27"]);
    const empty = await ask("/empty");
    assert.deepEqual([empty.status, empty.headers["content-length"]], [204, undefined]);
  });

  await t.test("routes that answer themselves are inspected too", async () => {
    assert.equal((await ask("/down?q=1%20union%20select%20a,b%20from%20users")).status, 400);
  });

  await t.test("a field or a cookie sends a request to another upstream", async () => {
    assert.equal((await ask("/split")).body, "ok");
    assert.equal((await ask("/split", { "x-canary": "yes" })).body, "canary");
    assert.equal((await ask("/split", { "x-canary": "no" })).body, "ok");
    assert.equal((await ask("/split", { cookie: "a=1; beta=" })).body, "canary");
  });

  await t.test("a weight sends its share there", async () => {
    let there = 0;
    for (let i = 0; i < 300; i++) if ((await ask("/weight")).body === "canary") there++;
    // 90 expected; five standard deviations on each side.
    assert.ok(there > 50 && there < 130, `${there} of 300`);
  });

  await t.test("the access log has what the client sent", async () => {
    await ask("/item/99");
    // Lines are written in batches.
    while (!gateway.accessLog().some((line) => line["url.path"] === "/item/99"))
      await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
