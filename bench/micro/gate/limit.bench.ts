/** What a rate limit adds to a request: `node bench/micro/gate/limit.bench.ts`. */
import { ADDRESS, HEADER, type KeyPart } from "../../../src/gate/limit-key.ts";
import { checkRateLimits, type RateLimit } from "../../../src/gate/rate-limit.ts";
import { KeyHash } from "../../../src/limit/key-hash.ts";
import { Limiter } from "../../../src/limit/limiter.ts";
import { fixedWindow, gcra } from "../../../src/limit/rate.ts";
import { measure, printFigure } from "../figure.ts";
import { requestOf } from "./setup.ts";

const CALLS = 200_000;
const LIMIT_US = 0.5;

const hash = new KeyHash(Buffer.from("01234567"));
const desk = { hash, storeHash: hash, isStoreUp: true, witness: undefined };
const request = requestOf(
  "GET / HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nX-Tenant: 0123456789abcdef\r\n\r\n",
);
const address: KeyPart = { kind: ADDRESS, name: Buffer.alloc(0), claim: "", segment: 0, toEnd: false };
const header: KeyPart = { ...address, kind: HEADER, name: Buffer.from("x-tenant") };

function limit(more: Partial<RateLimit>): RateLimit {
  return {
    limiter: new Limiter("client", 100_000, true),
    inStore: false,
    rate: gcra(50, 1000, 200),
    key: [address],
    ipv6Mask: Int32Array.of(-1, -1, 0, 0),
    shadow: false,
    hosts: undefined,
    settlement: undefined,
    onStoreError: undefined,
    policyLine: "",
    ...more,
  };
}

/** A request every 20 us, of so many addresses in turn; workers tell each other every 25 ms. */
function figure(title: string, addresses: number, one: RateLimit): void {
  let nowMs = 1e6;
  let at = 0;
  const limits = [one];
  const us = measure(CALLS, () => {
    at = at + 1 === addresses ? 0 : at + 1;
    request.clientIp = { v4: true, w0: 0, w1: 0, w2: 0, w3: Math.imul(at, 0x9e3779b1) };
    nowMs += 0.02;
    if (at % 1250 === 0) one.limiter.tell();
    if (checkRateLimits(request, limits, desk, nowMs) !== undefined) throw new Error("refused");
  });
  printFigure({ title: `rate limit: ${title}`, limitUs: LIMIT_US, us });
}

figure("address, 10,000 in use", 10_000, limit({}));
figure("address, fixed window", 10_000, limit({ rate: fixedWindow(1000, 1000) }));
figure("address and header", 10_000, limit({ key: [address, header] }));
figure("address, a million of them", 1_000_000, limit({}));
