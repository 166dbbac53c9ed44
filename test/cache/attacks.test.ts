import assert from "node:assert/strict";
import { test } from "node:test";
import { openClientAuthority } from "../support/client-ca.ts";
import { ask, field } from "../support/raw-client.ts";
import { did, page, requestText, startCachedRoute } from "./cached-route.ts";

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

test("a coded answer that does not say what it varies by is for those only who accept the coding", async (t) => {
  const { get } = await startCachedRoute(t, ({ fields }) => {
    const coding = fields.find(([name]) => name === "accept-encoding")?.[1];
    return coding === undefined
      ? page("plain", "Cache-Control: max-age=60")
      : page(coding, "Cache-Control: max-age=60", `Content-Encoding: ${coding}`);
  });
  assert.equal((await get("/", { "Accept-Encoding": "br" })).body.toString(), "br");
  const same = await get("/", { "Accept-Encoding": "br" });
  assert.deepEqual([did(same), same.body.toString()], ["HIT", "br"]);
  const other = await get();
  assert.deepEqual([did(other), other.body.toString()], ["MISS", "plain"]);
});

test("what a client with a certificate has fetched anew in passing is stored for others only where the answer allows it", async (t) => {
  const root = openClientAuthority("Root");
  const ann = root.issue("ann");
  let fetched = 0;
  const { edge } = await startCachedRoute(
    t,
    ({ head }, n) => {
      fetched = n;
      if (n === 1)
        return page("for all", "Cache-Control: public, max-age=1, stale-while-revalidate=600", "Age: 2");
      return page(/=ann/.test(head) ? "for ann" : "for nobody", "Cache-Control: max-age=600");
    },
    {},
    {
      tlsNames: [],
      tls: `client_auth = "optional"\nclient_ca_path = ${JSON.stringify(root.certPath)}`,
    },
  );
  const get = (certificate: object) =>
    ask(edge.tlsPort, requestText("/").replace("a.test", "localhost"), {
      tls: { servername: "localhost", ...certificate },
    });
  assert.equal((await get({})).body.toString(), "for all");
  const stale = await get({ cert: ann.certPem, key: ann.keyPem });
  assert.deepEqual([did(stale), stale.body.toString()], ["STALE-WHILE-REVALIDATE", "for all"]);
  while (fetched < 2 || edge.metric("zion_cache_fetches") > 0)
    await new Promise((done) => setTimeout(done, 5));
  for (let i = 0; i < 3; i++) assert.notEqual((await get({})).body.toString(), "for ann");
});
