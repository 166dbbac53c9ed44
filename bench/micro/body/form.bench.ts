/** MB/s and ns per value of the form, cookie and Content-Type readers: `node bench/micro/body/form.bench.ts`. */
import assert from "node:assert/strict";
import { readContentType } from "../../../src/body/content-type.ts";
import { CookieReader } from "../../../src/body/cookie.ts";
import { defaultFormLimits, FormReader } from "../../../src/body/form.ts";

const ROUNDS = 7;
const BYTES_PER_ROUND = 5_000_000;

let values = 0;
const sink = { value: () => void values++ };
const forms = new FormReader(sink, defaultFormLimits, 1);
const cookies = new CookieReader(sink, 1_000);

function readForm(body: Buffer): void {
  forms.reset();
  assert.equal(forms.write(body, 0, body.length) ?? forms.end(), undefined);
}
function readCookies(body: Buffer): void {
  cookies.reset();
  assert.equal(cookies.read(body, 0, body.length), undefined);
}

const fields = (count: number) =>
  Array.from({ length: count }, (_none, index) => `field${index}=some+text+here+${index}`).join("&");
const cases: Record<string, [string, number, (body: Buffer) => void]> = {
  "query, 60 B": ["wid=64&hei=64&fmt=jpeg&qlt=95&.v=1634663475000&x=yyyyyyyyyyy", 12, readForm],
  "form, one 1 kB value": [`comment=${"hello+there+".repeat(85)}`, 2, readForm],
  "form, 1 kB, 36 pairs": [fields(36), 72, readForm],
  "form, 1 MB value": [`data=${"QUJDREVGR0g".repeat(95_000)}`, 2, readForm],
  "form, 10,000 pairs": [fields(10_000), 20_000, readForm],
  "form, one name 5,000x": ["a=1&".repeat(5_000).slice(0, -1), 10_001, readForm],
  "form, 500 kB of ;": [`a=${";".repeat(500_000)}`, 2, readForm],
  "cookies, 700 B": [
    Array.from({ length: 20 }, (_none, i) => `name${i}=value-of-cookie-${i}=`).join("; "),
    40,
    readCookies,
  ],
};

for (const [name, [text, expected, call]] of Object.entries(cases)) {
  const body = Buffer.from(text, "latin1");
  values = 0;
  call(body);
  assert.equal(values, expected, name);
  const ns = best(Math.max(1, Math.round(BYTES_PER_ROUND / body.length)), () => call(body));
  const rate = `${((body.length / ns) * 1000).toFixed(0).padStart(5)} MB/s`;
  console.log(
    `${name.padEnd(24)} ${rate} ${(ns / expected).toFixed(0).padStart(8)} ns per value ${ns.toFixed(0)} ns`,
  );
}

for (const text of [
  "application/json",
  "application/json; profile=x; charset=utf-8",
  "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
]) {
  const read = readContentType(text);
  assert.ok(typeof read !== "string");
  const ns = best(200_000, () => assert.ok(readContentType(text)));
  console.log(`${text.slice(0, 30).padEnd(30)} ${ns.toFixed(0).padStart(5)} ns`);
}

/** Nanoseconds per call in the best round. */
function best(calls: number, call: () => void): number {
  let ms = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = performance.now();
    for (let count = 0; count < calls; count++) call();
    ms = Math.min(ms, (performance.now() - before) / calls);
  }
  return ms * 1e6;
}
