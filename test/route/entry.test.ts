import assert from "node:assert/strict";
import { test } from "node:test";
import { DELETE, GET } from "../../src/http/request.ts";
import { ANY_HOST, hostKeys, methodBits } from "../../src/route/entry.ts";

test("no hosts means any host, and repeated hosts count once", () => {
  assert.deepEqual(hostKeys({ path: "/" }), [ANY_HOST]);
  assert.deepEqual(hostKeys({ path: "/", hosts: ["a", "b", "a"] }), ["a", "b"]);
});

test("methods become bits; none named are all seven, and what is never served is no bit", () => {
  assert.equal(methodBits({ path: "/" }), 0b111_1111);
  assert.equal(methodBits({ path: "/", methods: ["GET", "DELETE"] }), (1 << GET) | (1 << DELETE));
  assert.equal(methodBits({ path: "/", methods: ["TRACE", "CONNECT", "get"] }), 0);
});
