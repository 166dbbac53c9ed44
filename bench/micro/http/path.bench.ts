/** Nanoseconds per call of the byte parsers on the hot path: `node bench/micro/http/path.bench.ts`. */
import { writeAuthority } from "../../../src/http/authority.ts";
import { writePath } from "../../../src/http/path.ts";
import { checkQuery } from "../../../src/http/query.ts";
import { CanonicalRequest } from "../../../src/http/request.ts";
import { isRequestId, writeRequestId } from "../../../src/http/request-id.ts";
import { isTraceparent, writeTraceparent } from "../../../src/http/trace.ts";
import { openRandomPool } from "../../../src/std/random-pool.ts";

const CALLS = 300_000;
const ROUNDS = 7;

const request = new CanonicalRequest();
const pool = openRandomPool();
const out = Buffer.alloc(128);
const options = { encodeRawChars: false, segmentsMax: 256 };

const path = (text: string) => {
  const source = Buffer.from(text, "latin1");
  return () => {
    request.arenaEnd = 0;
    return writePath(source, 0, source.length, request, options) === undefined;
  };
};
const over = (text: string, call: (source: Buffer) => boolean) => {
  const source = Buffer.from(text, "latin1");
  return () => call(source);
};

const cases: Record<string, () => boolean> = {
  "path, plain, 11 B": path("/api/orders"),
  "path, plain, 53 B": path("/static/superman/amd_modules/video-meeting-1be7f6.js"),
  "path, merged, 53 B": path("/static//superman/amd_modules/video-meeting-1be7f6.js"),
  "path, escapes, 57 B": path(
    "/media/16297/%D7%A9%D7%99%D7%A8%D7%95%D7%AA-%D7%9C%D7.png".replace("%D7.", "%D7%A9."),
  ),
  "path, nested escapes, 57 B": path("/img%3Fu%3Dhttps%253A%252F%252Fimg.mytheresa.com%252F1000"),
  "path, dot segments, 8 kB": path(`${"/a/..".repeat(120)}/${"b".repeat(7_500)}`),
  "query, 60 B": over(`?wid=64&hei=64&fmt=jpeg&qlt=95&.v=1634663475000&x=${"y".repeat(10)}`, (source) => {
    return checkQuery(source, 0, source.length, 256) === undefined;
  }),
  "authority, name": over("www.Example.test:8443", (source) => {
    request.arenaEnd = 0;
    return writeAuthority(source, 0, source.length, request) === undefined;
  }),
  "authority, IPv6": over("[2001:db8::1]:8443", (source) => {
    request.arenaEnd = 0;
    return writeAuthority(source, 0, source.length, request) === undefined;
  }),
  "request id, checked": over("550e8400-e29b-41d4-a716-446655440000", (source) =>
    isRequestId(source, 0, source.length),
  ),
  "request id, made": () => writeRequestId(out, 0, pool) === 32,
  "traceparent, checked": over("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", (source) => {
    return isTraceparent(source, 0, source.length);
  }),
  "traceparent, made": () => writeTraceparent(out, 0, pool) === 55,
};

const best = new Map<string, number>();
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, call] of Object.entries(cases)) {
    const calls = name.includes("8 kB") ? CALLS / 50 : CALLS;
    const before = process.hrtime.bigint();
    let good = 0;
    for (let count = 0; count < calls; count++) if (call()) good++;
    const each = Number(process.hrtime.bigint() - before) / calls;
    if (good !== calls) throw new Error(`${name}: refused`);
    best.set(name, Math.min(best.get(name) ?? Infinity, each));
  }
}
for (const [name, each] of best) console.log(`${name.padEnd(28)} ${each.toFixed(0).padStart(6)} ns`);
