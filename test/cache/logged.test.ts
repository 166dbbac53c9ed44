import assert from "node:assert/strict";
import { test } from "node:test";
import { startOrigin } from "../support/origin.ts";
import { did, page, startCachedRoute } from "./cached-route.ts";

test("the access log says what the cache did, and where it could do nothing it says nothing", async (t) => {
  const { get, edge, origin } = await startCachedRoute(t, ({ target }, n) => {
    if (target === "/old" && n > 2) return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    const age = target === "/old" ? ["Age: 100"] : [];
    return page("body", "Cache-Control: max-age=60, stale-if-error=600", 'ETag: "one"', ...age);
  });
  const answers = [
    await get("/"),
    await get("/old"),
    await get("/"),
    await get("/old"),
    await get("/", {}, "DELETE"),
    await get("/new", { "Cache-Control": "only-if-cached" }),
  ];
  const lines = await edge.logLines();
  assert.deepEqual(
    lines.map((line) => [line["http.response.status_code"], line["zion.cache"]]),
    [
      [200, "MISS"],
      [200, "MISS"],
      [200, "HIT"],
      [200, "STALE"],
      [200, "BYPASS"],
      [504, undefined],
    ],
  );
  assert.deepEqual(answers.map(did), ["MISS", "MISS", "HIT", "STALE", "BYPASS", ""]);
  assert.equal(origin.requests.length, 4);
});

test("the log says it also where clients are not told", async (t) => {
  const fresh = () => page("body", "Cache-Control: max-age=60");
  const { get, edge } = await startCachedRoute(t, fresh, { profile: "status_headers = false" });
  await get();
  assert.equal(did(await get()), "");
  assert.deepEqual(
    (await edge.logLines()).map((line) => line["zion.cache"]),
    ["MISS", "HIT"],
  );
});

test("a route without a cache has no such field", async (t) => {
  const plain = await startOrigin({ script: (_, { socket }) => void socket.write(page("body")) });
  t.after(() => plain.close());
  const { get, edge } = await startCachedRoute(t, () => page("body"), {
    tables: `[upstream.plain]
url = "http://127.0.0.1:${plain.port}"
[[route]]
path = "/plain"
upstream = "plain"
waf = false`,
  });
  assert.equal((await get("/plain")).status, 200);
  assert.ok(!("zion.cache" in (await edge.logLines())[0]!));
});
