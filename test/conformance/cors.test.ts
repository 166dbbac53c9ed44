import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { test } from "node:test";
import { rawAnswer } from "../support/origin.ts";
import { ask, connect, field, fieldAll } from "../support/raw-client.ts";
import { benchConfig, startBench } from "./bench.ts";
import { get, head } from "./case.ts";

// Fetch §3.2 and HD46: the gateway says which pages may read answers, and nothing else with it.

const cors = `
[route.cors]
allowed_origins = ["https://shop.example", "https://*.apps.example:8443", "null"]
exposed_headers = ["X-Total", "ETag"]
max_age = 600
`;
const shop = "Origin: https://shop.example";

function preflight(origin: string, method: string, ...fields: readonly string[]): string {
  const asked = [`Origin: ${origin}`, `Access-Control-Request-Method: ${method}`, ...fields];
  return head("OPTIONS /x HTTP/1.1", "Host: a.test", ...asked);
}

function post(...fields: readonly string[]): string {
  return head("POST /x HTTP/1.1", "Host: a.test", "Content-Length: 0", ...fields);
}

test("a preflight of a listed page is answered by the gateway, without the upstream", async (t) => {
  const { edge, origin } = await startBench(t, { tables: cors });
  const answer = await ask(
    edge.port,
    preflight("https://shop.example", "PUT", "Access-Control-Request-Headers: authorization"),
  );
  assert.equal(answer.status, 204);
  assert.equal(field(answer, "access-control-allow-origin"), "https://shop.example");
  assert.equal(field(answer, "access-control-allow-methods"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  assert.equal(
    field(answer, "access-control-allow-headers"),
    "Content-Type, Authorization, X-Requested-With",
  );
  assert.equal(field(answer, "access-control-max-age"), "600");
  assert.equal(field(answer, "access-control-allow-credentials"), undefined);
  assert.equal(field(answer, "access-control-expose-headers"), undefined);
  assert.deepEqual(fieldAll(answer, "vary"), ["Origin"]);
  assert.equal(origin.connections.length, 0);
  assert.equal(edge.metric("zion_cors_preflights_total"), 1);
});

for (const foreign of [
  "https://evil.example",
  "http://shop.example",
  "https://shop.example.evil.example",
  "https://shop.example:444",
  "https://xshop.example",
  "https://apps.example:8443",
  "https://evil.example/.apps.example:8443",
  "https://a@b.apps.example:8443",
  `https://${"a".repeat(300)}.apps.example:8443`,
  "shop.example",
  "",
]) {
  test(`a page that is not listed may change nothing: ${foreign.slice(0, 50)}`, async (t) => {
    const { edge, origin } = await startBench(t, { tables: cors });
    for (const refused of [preflight(foreign, "GET"), post(`Origin: ${foreign}`)]) {
      const answer = await ask(edge.port, refused);
      assert.equal(answer.status, 403);
      assert.equal(field(answer, "access-control-allow-origin"), undefined);
      assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "cors_origin");
    }
    assert.equal(origin.connections.length, 0);
    assert.equal(edge.metric("zion_reject_total", "cors_origin"), 2);
    // Reading is the browser's to refuse.
    const read = await ask(edge.port, get("/x", `Origin: ${foreign}`));
    assert.equal(read.status, 200);
    assert.equal(field(read, "access-control-allow-origin"), undefined);
    assert.deepEqual(fieldAll(read, "vary"), ["Origin"]);
  });
}

for (const listed of [
  "https://shop.example",
  "HTTPS://Shop.Example",
  "https://shop.example:443",
  "https://a.apps.example:8443",
  "https://a.b.apps.example:8443",
  "null",
]) {
  test(`a listed page is echoed on answers: ${listed}`, async (t) => {
    const { edge } = await startBench(t, { tables: cors });
    const answer = await ask(edge.port, get("/x", `Origin: ${listed}`));
    assert.deepEqual(fieldAll(answer, "access-control-allow-origin"), [listed]);
    assert.deepEqual(fieldAll(answer, "access-control-expose-headers"), ["X-Total, ETag"]);
    assert.deepEqual(fieldAll(answer, "vary"), ["Origin"]);
    assert.equal(field(answer, "access-control-allow-methods"), undefined);
  });
}

test("the upstream's own CORS fields do not pass; its Vary stays beside ours", async (t) => {
  const script = rawAnswer(
    "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\naccess-control-allow-credentials: true\r\nVary: Accept\r\nContent-Length: 2\r\n\r\nok",
  );
  const { edge } = await startBench(t, { tables: cors, script });
  const allowed = await ask(edge.port, get("/x", shop));
  assert.deepEqual(fieldAll(allowed, "access-control-allow-origin"), ["https://shop.example"]);
  assert.equal(field(allowed, "access-control-allow-credentials"), undefined);
  assert.deepEqual(fieldAll(allowed, "vary"), ["Accept", "Origin"]);
  const foreign = await ask(edge.port, get("/x", "Origin: https://evil.example"));
  assert.equal(field(foreign, "access-control-allow-origin"), undefined);
});

test("a route without CORS leaves preflights and fields to its upstream", async (t) => {
  const script = rawAnswer(
    "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n\r\nok",
  );
  const { edge, origin } = await startBench(t, { script });
  const answer = await ask(edge.port, preflight("https://shop.example", "PUT"));
  assert.equal(field(answer, "access-control-allow-origin"), "*");
  assert.equal(origin.requests[0]?.method, "OPTIONS");
  assert.equal(edge.metric("zion_cors_preflights_total"), 0);
});

test("credentials are allowed only where the route says so", async (t) => {
  const table = `${cors}allow_credentials = true`.replace(', "null"', "");
  const { edge } = await startBench(t, { tables: table });
  for (const asked of [preflight("https://shop.example", "GET"), get("/x", shop)]) {
    const answer = await ask(edge.port, asked);
    assert.deepEqual(fieldAll(answer, "access-control-allow-credentials"), ["true"]);
  }
  const foreign = await ask(edge.port, get("/x", "Origin: https://evil.example"));
  assert.equal(field(foreign, "access-control-allow-credentials"), undefined);
});

test("a route for all origins says so to everyone, and its answers do not vary", async (t) => {
  const { edge } = await startBench(t, { tables: '[route.cors]\nallowed_origins = ["*"]' });
  for (const asked of [get("/x"), get("/x", shop), preflight("null", "POST"), post("Origin: null")]) {
    const answer = await ask(edge.port, asked);
    assert.ok(answer.status < 300);
    assert.deepEqual(fieldAll(answer, "access-control-allow-origin"), ["*"]);
    assert.deepEqual(fieldAll(answer, "vary"), []);
  }
});

test("a page of the request's own host needs no permission", async (t) => {
  const { edge } = await startBench(t, { tables: cors });
  const answer = await ask(edge.port, post("Origin: https://a.test"));
  assert.equal(answer.status, 200);
  assert.equal(field(answer, "access-control-allow-origin"), undefined);
});

test("a listed page can read refusals too", async (t) => {
  const { edge } = await startBench(t, { tables: cors, route: "max_body_mb = 1" });
  const answer = await ask(
    edge.port,
    head("POST /x HTTP/1.1", "Host: a.test", shop, "Content-Length: 9000000"),
  );
  assert.equal(answer.status, 413);
  assert.equal(field(answer, "access-control-allow-origin"), "https://shop.example");
});

test("a listed page can read that it is over a limit", async (t) => {
  const { edge } = await startBench(t, {
    route: 'limits = ["few"]',
    tables: `${cors}[limit.few]\nrate = 1\nwindow_secs = 3600\n`,
  });
  await ask(edge.port, get("/x", shop));
  const answer = await ask(edge.port, get("/x", shop));
  assert.equal(answer.status, 429);
  assert.equal(field(answer, "access-control-allow-origin"), "https://shop.example");
  const foreign = await ask(edge.port, get("/x", "Origin: https://evil.example"));
  assert.equal(foreign.status, 429);
  assert.equal(field(foreign, "access-control-allow-origin"), undefined);
});

test("what one page was told does not reach the next request of the connection", async (t) => {
  const { edge } = await startBench(t, { tables: cors });
  const client = await connect(edge.port);
  client.send(get("/x", shop) + get("/x"));
  assert.equal(field((await client.answer())!, "access-control-allow-origin"), "https://shop.example");
  assert.equal(field((await client.answer())!, "access-control-allow-origin"), undefined);
  client.socket.destroy();
});

test("a preflight is about the route of the method it asks for", async (t) => {
  const { edge, origin } = await startBench(t, {
    route: 'methods = ["GET"]',
    tables: `[[route]]\npath = "/x"\nmethods = ["PUT"]\nupstream = "app"\nwaf = false\n${cors}`,
  });
  const answer = await ask(edge.port, preflight("https://shop.example", "PUT"));
  assert.equal(answer.status, 204);
  assert.equal(field(answer, "access-control-allow-methods"), "PUT");
  // Neither is that a preflight for a method that no route, or no gateway, serves.
  for (const method of ["GET", "DELETE", "BREW", "put", ""])
    assert.equal((await ask(edge.port, preflight("https://shop.example", method))).status, 405, method);
  const twice = preflight("https://shop.example", "PUT", "Access-Control-Request-Method: GET");
  assert.equal((await ask(edge.port, twice)).status, 400);
  assert.equal(origin.connections.length, 0);
});

test("an internal route tells a preflight from outside no more than any other request", async (t) => {
  const { edge } = await startBench(t, {
    server: 'internal_networks = ["192.0.2.0/24"]',
    route: "internal_only = true",
    tables: cors,
  });
  const answer = await ask(edge.port, preflight("https://shop.example", "GET"));
  assert.equal(answer.status, 403);
  assert.equal(field(answer, "access-control-allow-origin"), undefined);
});

test("HTTP/2 pages get the same fields, on preflights, answers and refusals", async (t) => {
  const { edge } = await startBench(t, { tlsNames: [], tables: cors });
  const session = http2.connect(`https://127.0.0.1:${edge.tlsPort}`, { rejectUnauthorized: false });
  t.after(() => session.destroy());
  const told = async (method: string, origin: string, asked?: string): Promise<unknown[]> => {
    const stream = session.request({
      ":method": method,
      ":path": "/x",
      origin,
      ...(asked === undefined ? {} : { "access-control-request-method": asked }),
    });
    const [fields] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    stream.resume();
    return [":status", "access-control-allow-origin", "access-control-max-age", "vary"].map(
      (name) => fields[name],
    );
  };
  const page = "https://shop.example";
  assert.deepEqual(await told("OPTIONS", page, "PUT"), [204, page, "600", "Origin"]);
  assert.deepEqual(await told("GET", page), [200, page, undefined, "Origin"]);
  assert.deepEqual(await told("DELETE", "https://evil.example"), [403, undefined, undefined, "Origin"]);
});

// The guard: what a browser says of the page that sends a request.

const guarded: readonly (readonly [fields: readonly string[], passes: boolean])[] = [
  [[], true],
  [["Sec-Fetch-Site: same-origin"], true],
  [["Sec-Fetch-Site: none"], true],
  [["Sec-Fetch-Site: same-site"], false],
  [["Sec-Fetch-Site: cross-site"], false],
  [["Sec-Fetch-Site: anything"], false],
  [["Sec-Fetch-Site: cross-site", "Origin: https://a.test"], false],
  [["Origin: https://a.test"], true],
  [["Origin: https://a.test:8443"], false],
  [["Origin: https://evil.example"], false],
  [["Origin: null"], false],
];
for (const [fields, passes] of guarded) {
  test(`csrf_guard and a POST with: ${fields.join(", ")}`, async (t) => {
    const { edge, origin } = await startBench(t, { route: "csrf_guard = true" });
    const answer = await ask(edge.port, post(...fields));
    assert.equal(answer.status, passes ? 200 : 403);
    assert.equal(origin.requests.length, passes ? 1 : 0);
    assert.equal(edge.metric("zion_reject_total", "cross_site"), passes ? 0 : 1);
    assert.equal((await ask(edge.port, get("/x", ...fields))).status, 200);
  });
}

test("csrf_guard lets the pages through that the route's CORS lists", async (t) => {
  const { edge } = await startBench(t, { route: "csrf_guard = true", tables: cors });
  assert.equal((await ask(edge.port, post("Sec-Fetch-Site: cross-site", shop))).status, 200);
  assert.equal((await ask(edge.port, post("Sec-Fetch-Site: same-site"))).status, 403);
});

test("a reload changes what pages may do", async (t) => {
  const { edge, origin } = await startBench(t, { tables: cors });
  assert.equal((await ask(edge.port, preflight("https://shop.example", "GET"))).status, 204);
  edge.reload(benchConfig(origin.port, { tables: '[route.cors]\nallowed_origins = ["https://b.example"]' }));
  assert.equal((await ask(edge.port, preflight("https://shop.example", "GET"))).status, 403);
  assert.equal((await ask(edge.port, preflight("https://b.example", "GET"))).status, 204);
});
