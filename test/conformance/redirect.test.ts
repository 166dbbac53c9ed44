import assert from "node:assert/strict";
import { test } from "node:test";
import { askRaw, startBench } from "./bench.ts";

test("the plain listener redirects to https, keeps path and query, and proxies nothing", async (t) => {
  const { edge, origin } = await startBench(t, { tlsNames: [], redirect: true });
  const cases = [
    ["GET //a/../b?x=%2e HTTP/1.1\r\nHost: Shop.test:80\r\n", 301, "shop.test", "//b?x=%2e"],
    ["POST /form HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n", 308, "shop.test", "/form"],
  ] as const;
  for (const [head, status, host, target] of cases) {
    const answer = await askRaw(edge.port, `${head}Connection: close\r\n\r\n`);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    const location = /^Location: (.*)\r$/m.exec(answer)?.[1];
    assert.equal(location, `https://${host}:${edge.tlsPort}${target}`);
  }
  assert.match(await askRaw(edge.port, "GET / HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.match(await askRaw(edge.port, "GET /a%0d%0aX:1 HTTP/1.1\r\nHost: a\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.equal(origin.requests.length, 0);
});
