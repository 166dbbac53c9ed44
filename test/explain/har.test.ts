import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readHar } from "../../src/explain/har.ts";
import { questionOf, type Wish, WishProblem } from "../../src/explain/wish.ts";

const har = (...requests: readonly object[]): string =>
  JSON.stringify({
    log: { version: "1.2", entries: requests.map((request) => ({ request, response: { status: 403 } })) },
  });

function bytes(wish: Wish | WishProblem): string {
  assert.ok(!(wish instanceof WishProblem), String(wish));
  return Buffer.from(questionOf(wish, { from: "192.0.2.1", sni: undefined }).bytes).latin1Slice();
}

test("a recorded request becomes bytes: pseudo-fields and framing are made anew", () => {
  const [entry] = readHar(
    har({
      method: "POST",
      url: "https://a.test/x?y=1",
      headers: [
        { name: ":authority", value: "a.test" },
        { name: "content-length", value: "999" },
        { name: "X-A", value: "1" },
      ],
      postData: { mimeType: "text/plain", text: "grüße" },
    }),
  );
  assert.equal(entry!.status, 403);
  assert.equal(
    bytes(entry!.wish),
    `POST /x?y=1 HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nContent-Length: 7\r\n\r\n${Buffer.from("grüße").latin1Slice()}`,
  );
});

test("forms that were recorded as parameters are put together again", () => {
  const params = [{ name: "a", value: "1 2" }];
  const postData = { mimeType: "application/x-www-form-urlencoded", params };
  const [entry] = readHar(har({ method: "POST", url: "http://a.test/", headers: [], postData }));
  assert.match(bytes(entry!.wish), /\r\n\r\na=1\+2$/);
});

test("a body that is not in the file is said to be missing, not taken as empty", () => {
  const [entry] = readHar(har({ method: "POST", url: "http://a.test/", headers: [], bodySize: 12 }));
  assert.ok(entry!.wish instanceof WishProblem);
  assert.match(entry!.wish.message, /its body is not in the file/);
});

test("what is no HAR file is refused", () => {
  for (const text of ["", "{}", "[]", '{"log":{}}', '{"log":{"entries":1}}'])
    assert.throws(() => readHar(text), WishProblem, text);
});

test("any JSON is read without a fault", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (entries) => {
      readHar(JSON.stringify({ log: { entries } }));
    }),
  );
});
