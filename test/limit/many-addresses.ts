import { ADDRESS } from "../../src/gate/limit-key.ts";
import { checkRateLimits, type RateLimit } from "../../src/gate/rate-limit.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { KeyHash } from "../../src/limit/key-hash.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { gcra } from "../../src/limit/rate.ts";

// Run as a process of its own by many-addresses.test.ts: judges requests of random addresses and prints what it took.

const keysMax = 100_000;
const limiter = new Limiter("client", keysMax, true);
const limit: RateLimit = {
  limiter,
  inStore: false,
  rate: gcra(50, 1000, 1),
  key: [{ kind: ADDRESS, name: Buffer.alloc(0), claim: "", segment: 0, toEnd: false }],
  ipv6Mask: Int32Array.of(-1, -1, 0, 0),
  shadow: false,
  hosts: undefined,
  settlement: undefined,
  onStoreError: undefined,
  policyLine: "",
};
const hash = new KeyHash(Buffer.from("01234567"));
const desk = { hash, storeHash: hash, isStoreUp: false, witness: undefined };
const request = new CanonicalRequest();
let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state ^ (state >>> 15);
};
let refused = 0;
let nowMs = 1e6;

/** CPU milliseconds for so many addresses that were not seen before. */
function judge(count: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const v4 = (i & 1) === 0;
    request.clientIp = { v4, w0: random(), w1: random(), w2: 0, w3: random() };
    if (checkRateLimits(request, [limit], desk, nowMs) !== undefined) refused++;
    // As if they came at 50,000 a second; workers tell each other every 25 ms.
    nowMs += 0.02;
    if (i % 1250 === 0) limiter.tell();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

// Until the table is full, so that all of its memory is there, and the code is hot.
judge(2 * keysMax);
const rssBefore = process.memoryUsage.rss();
const early = judge(200_000);
judge(600_000);
const late = judge(200_000);
const rssAfter = process.memoryUsage.rss();
const { table } = limiter;
console.log(
  JSON.stringify({ refused, keys: table.size, evicted: table.evicted, rssBefore, rssAfter, early, late }),
);
