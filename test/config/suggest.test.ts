import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { editDistance, nearest } from "../../src/config/suggest.ts";

const keys = ["listen_http", "listen_https", "waf_profile", "max_headers", "xff_mode"];

test("finds the name that was probably meant", () => {
  assert.equal(nearest("waf_proflie", keys), "waf_profile");
  assert.equal(nearest("listen_htp", keys), "listen_http");
  assert.equal(nearest("listenHttps", keys), "listen_https");
  assert.equal(nearest("max-headers", keys), "max_headers");
  assert.equal(nearest("XFF_MODE", keys), "xff_mode");
});

test("does not guess when nothing is near", () => {
  assert.equal(nearest("colour", keys), undefined);
  assert.equal(nearest("x", keys), undefined);
  assert.equal(nearest("listen_http".repeat(20), keys), undefined);
});

test("the distance is symmetric, zero only for equal words, and at most the longer word", () => {
  const word = fc.stringMatching(/^[ab_]{0,8}$/);
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length) && distance >= Math.abs(a.length - b.length));
    }),
  );
  assert.equal(editDistance("ab", "ba"), 1);
});

test("the same words in another order are the same name", () => {
  const keys = ["listen_http", "listen_https", "http_mode"];
  assert.equal(nearest("http_listen", keys), "listen_http");
  assert.equal(nearest("https-listen", keys), "listen_https");
  assert.equal(nearest("modeHttp", keys), "http_mode");
  assert.equal(nearest("http_port", ["listen_http"]), undefined);
});
