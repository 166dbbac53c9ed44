import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { luaString, parseWrk } from "../../bench/load/wrk.ts";

const output = `Running 3s test @ http://localhost:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.00ms  566.12us  12.22ms   91.15%
  183724 requests in 3.00s, 71.31MB read
Requests/sec:  61232.15
zion-bench requests=183724 us=3000457 bytes=74773584 p50=921 p99=2641 p999=7583 socket=2 status=1
`;

test("reads the marked line of wrk's output", () => {
  assert.deepEqual(parseWrk(output), {
    requests: 183_724,
    seconds: 3.000457,
    bytes: 74_773_584,
    p50Ms: 0.921,
    p99Ms: 2.641,
    p999Ms: 7.583,
    socketErrors: 2,
    statusErrors: 1,
  });
});

test("no figures from an output that is not whole", () => {
  const end = output.lastIndexOf(" socket=");
  assert.equal(parseWrk(output.slice(0, end)), undefined);
  assert.equal(parseWrk(output.replace("p99=2641", "p99=nan")), undefined);
  assert.equal(parseWrk(output.replace("p99=2641", "p99=")), undefined);
  assert.equal(parseWrk("unable to connect to localhost:8080 Connection refused\n"), undefined);
});

test("a Lua string stands for exactly the bytes of the request", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString("latin1");
      const printed = luaString(text);
      assert.match(printed, /^"([\x20\x21\x23-\x5b\x5d-\x7e]|\\[0-9]{3})*"$/);
      const read = printed
        .slice(1, -1)
        .replace(/\\([0-9]{3})/g, (_, code) => String.fromCharCode(Number(code)));
      assert.equal(read, text);
    }),
  );
});
