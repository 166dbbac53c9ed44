import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { head, openFrames, request } from "../support/h2-frames.ts";
import { ask } from "../support/raw-client.ts";
import { type Bench, startBench } from "./bench.ts";

// WordPress's editor, SharePoint and Icinga 2 send other methods as POST (decisions/0034).

const names = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"];

/** What of `fields` arrives, by name in lower case. */
async function arriving(bench: Bench, method: string, ...fields: string[]): Promise<readonly string[]> {
  const { edge, origin } = bench;
  const lines = fields.map((line) => `${line}\r\n`).join("");
  const length = method === "GET" ? "" : "Content-Length: 0\r\n";
  const before = origin.requests.length;
  const { status } = await ask(
    edge.port,
    `${method} /api/a HTTP/1.1\r\nHost: a.test\r\n${length}${lines}\r\n`,
  );
  assert.equal(status, 200);
  return origin.requests[before]!.fields.flatMap(([name, value]) =>
    names.some((known) => known.toLowerCase() === name) ? [`${name}: ${value}`] : [],
  );
}

const start = (t: TestContext, methods: string): Promise<Bench> =>
  startBench(t, { tlsNames: ["localhost"], route: methods, waf: true });

test("a POST keeps the method that it stands for, where its route takes that one", async (t) => {
  const bench = await start(t, "");
  for (const name of names)
    for (const method of ["PUT", "DELETE", "PATCH", "GET"])
      assert.deepEqual(await arriving(bench, "POST", `${name}: ${method}`), [
        `${name.toLowerCase()}: ${method}`,
      ]);
  const client = await openFrames(bench.edge.tlsPort);
  t.after(() => client.end());
  client.send(
    request(1, head("POST", "/api/a", ["x-http-method-override", "DELETE"], ["content-length", "0"])),
  );
  assert.equal(await client.outcome(1), "200");
  const { fields } = bench.origin.requests.at(-1)!;
  assert.ok(fields.some(([name, value]) => name === "x-http-method-override" && value === "DELETE"));
});

test("what is no method, or none that the route takes, is removed", async (t) => {
  const bench = await start(t, `methods = ["GET", "POST", "MERGE"]`);
  for (const method of ["DELETE", "PUT", "delete", "POST, DELETE", "", "BREW", "PROPFIND"])
    assert.deepEqual(await arriving(bench, "POST", `X-HTTP-Method-Override: ${method}`), [], method);
  assert.deepEqual(await arriving(bench, "POST", "X-HTTP-Method: MERGE"), ["x-http-method: MERGE"]);
});

test("no other request keeps it", async (t) => {
  const bench = await start(t, "");
  for (const method of ["GET", "PUT"])
    assert.deepEqual(await arriving(bench, method, "X-HTTP-Method-Override: DELETE"), []);
});

test("of two the first is kept, and the second of one name is not", async (t) => {
  const bench = await start(t, "");
  const both = ["X-HTTP-Method-Override: PUT", "X-HTTP-Method-Override: DELETE"];
  assert.deepEqual(await arriving(bench, "POST", ...both), ["x-http-method-override: PUT"]);
});

test("a method that another route takes is removed", async (t) => {
  const bench = await start(
    t,
    `methods = ["GET", "POST"]\n[[route]]\npath = "/api/{*rest}"\nmethods = ["DELETE"]\nupstream = "app"`,
  );
  const { edge } = bench;
  assert.equal((await ask(edge.port, "DELETE /api/a HTTP/1.1\r\nHost: a.test\r\n\r\n")).status, 200);
  // The narrower route has no POST, so that the wider one serves it.
  const { status } = await ask(
    edge.port,
    "POST /api/b HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nX-HTTP-Method-Override: DELETE\r\n\r\n",
  );
  assert.equal(status, 200);
  assert.ok(!bench.origin.requests.at(-1)!.fields.some(([name]) => name === "x-http-method-override"));
});
