import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startEdge } from "../support/edge.ts";
import { ask, type RawAnswer } from "../support/raw-client.ts";
import { type CachedRoute, did, page, requestText, startCachedRoute } from "./cached-route.ts";

interface Chain {
  readonly inner: CachedRoute;
  /** GET of the outer gateway. */
  get(path?: string): Promise<RawAnswer>;
}

/** A gateway in front of another one that has a cache. `route`: more lines of the outer one's route. */
async function startChain(t: TestContext, route: string, upstream = ""): Promise<Chain> {
  const inner = await startCachedRoute(t, (_, n) => page(`body ${n}`, "Cache-Control: max-age=60"));
  const outer = await startEdge(`[server]
http_mode = "serve"
[upstream.inner]
url = "http://127.0.0.1:${inner.edge.port}"
health = { interval_ms = 0 }
${upstream}
[cache_profile.pages]
[[route]]
path = "/{*rest}"
upstream = "inner"
waf = false
${route}
`);
  t.after(() => outer.stop());
  return { inner, get: (path = "/") => ask(outer.port, requestText(path)) };
}

test("behind each other each gateway says once what it did, the one nearest the application first", async (t) => {
  const { get, inner } = await startChain(t, 'cache_profile = "pages"');
  await inner.get("/", { Host: `127.0.0.1:${inner.edge.port}` });
  const said = async (): Promise<readonly string[]> =>
    (await get()).fields
      .filter(([name]) => name === "x-zion-cache" || name === "cache-status")
      .map(([name, value]) => `${name}: ${value.replace(/\d+$/, "N")}`);
  assert.deepEqual(await said(), [
    "cache-status: zion; hit; ttl=N",
    "x-zion-cache: MISS",
    "cache-status: zion; fwd=uri-miss; fwd-status=200; stored",
  ]);
  // What was stored keeps what the inner one said of it.
  assert.deepEqual(await said(), [
    "cache-status: zion; hit; ttl=N",
    "x-zion-cache: HIT",
    "cache-status: zion; hit; ttl=N",
  ]);
});

for (const protocol of ["http1", "h2c"]) {
  test(`a gateway without a cache passes on no upstream's word for its own (${protocol})`, async (t) => {
    const { get } = await startChain(t, "", protocol === "h2c" ? 'protocol = "h2c"' : "");
    const answer = await get();
    assert.equal(answer.status, 200);
    assert.equal(did(answer), "");
    const statuses = answer.fields.filter(([name]) => name === "cache-status");
    assert.deepEqual(
      statuses.map(([, value]) => value),
      ["zion; fwd=uri-miss; fwd-status=200; stored"],
    );
  });
}
