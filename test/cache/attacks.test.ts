import assert from "node:assert/strict";
import { test } from "node:test";
import { field } from "../support/raw-client.ts";
import { did, page, startCachedRoute } from "./cached-route.ts";

// What an attacker, or a careless application, could bring into an answer that others get.

test("a cookie that a 304 sets is nobody else's", async (t) => {
  const { get } = await startCachedRoute(t, (_, n) =>
    n === 1
      ? page("body", "Cache-Control: max-age=60", 'ETag: "one"')
      : 'HTTP/1.1 304 Not Modified\r\nETag: "one"\r\nSet-Cookie: session=ann\r\nX-Own: 2\r\nCache-Control: max-age=60\r\n\r\n',
  );
  await get();
  const asked = await get("/", { "Cache-Control": "no-cache" });
  assert.deepEqual([did(asked), field(asked, "x-own")], ["REVALIDATED", "2"]);
  const other = await get();
  assert.deepEqual(
    [did(other), other.body.toString(), field(other, "x-own"), field(other, "set-cookie")],
    ["HIT", "body", "2", undefined],
  );
});

for (const says of ["Vary: Accept-Language", "Vary: *", "Vary: Cookie", "Cache-Control: private, max-age=60"])
  test(`a 304 that says ${says} renews nothing for others`, async (t) => {
    const { get } = await startCachedRoute(t, (_, n) =>
      n === 2
        ? `HTTP/1.1 304 Not Modified\r\nETag: "one"\r\n${says}\r\n\r\n`
        : page(`body ${n}`, "Cache-Control: max-age=60", 'ETag: "one"'),
    );
    await get();
    assert.equal(did(await get("/", { "Cache-Control": "no-cache" })), "REVALIDATED");
    const other = await get();
    assert.deepEqual([did(other), other.body.toString()], ["MISS", "body 3"]);
  });
