/** MB/s of the JSON reader, and the longest slice of 10 MB: `node bench/micro/body/json.bench.ts`. */
import assert from "node:assert/strict";
import { EntropyCounter } from "../../../src/body/entropy.ts";
import { JsonReader } from "../../../src/body/json.ts";
import { defaultJsonLimits } from "../../../src/body/json-limit.ts";

const ROUNDS = 7;
const BYTES_PER_ROUND = 10_000_000;
const SLICE_BYTES = 65_536;

const order = (index: number) => ({
  id: index,
  name: "Ada Lovelace",
  email: `ada${index}@example.org`,
  active: true,
  balance: 1234.56 + index,
  tags: ["alpha", "beta", "gamma"],
  address: { street: "12 Main Street", city: "Springfield", zip: "12345", geo: { lat: 51.5, lon: -0.12 } },
  note: "Please leave the parcel with the neighbour, thank you very much.",
  created: "2025-01-02T03:04:05.678Z",
});
const list = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_none, i) => make(i));
const text = (value: unknown, indent?: number): Buffer => Buffer.from(JSON.stringify(value, null, indent));

const bodies: Record<string, Buffer> = {
  "orders, 1 kB": text(list(3, order)),
  "orders, 10 MB": text(list(30_000, order)),
  "orders, indented": text(list(8_000, order), 2),
  "Cyrillic text": text(list(8_000, () => ({ text: "Широкая электрификация южных губерний" }))),
  "text with escapes": text(list(8_000, () => ({ text: 'line "one"\n\tline\\two' }))),
  "one 900 kB string": text("x".repeat(900_000)),
  numbers: text(list(200_000, (index) => index * 1.5)),
  "short keys": text(list(50_000, (index) => ({ a: index, b: 0, c: 0, d: null }))),
};

let strings = 0;
const entropy = new EntropyCounter();
const counting = { value: () => void strings++ };
const measuring = {
  value: (bytes: Uint8Array, start: number, end: number) => entropy.add(bytes, start, end),
};
const plainReader = new JsonReader(counting, defaultJsonLimits, 1);
const entropyReader = new JsonReader(measuring, defaultJsonLimits, 1);

let longestSliceMs = 0;
function read(reader: JsonReader, body: Buffer): void {
  reader.reset();
  for (let at = 0; at < body.length; at += SLICE_BYTES) {
    const before = performance.now();
    reader.write(body, at, Math.min(body.length, at + SLICE_BYTES));
    longestSliceMs = Math.max(longestSliceMs, performance.now() - before);
  }
  assert.equal(reader.end(), undefined);
}

for (const [name, body] of Object.entries(bodies)) {
  strings = 0;
  read(plainReader, body);
  assert.equal(strings, stringsIn(JSON.parse(body.toString())), name);
  const own = best(body, () => read(plainReader, body));
  // Of the calmest reading: the machine's other work is not ours.
  let slice = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    longestSliceMs = 0;
    read(plainReader, body);
    slice = Math.min(slice, longestSliceMs);
  }
  const counted = best(body, () => read(entropyReader, body));
  const parsed = best(body, () => JSON.parse(body.toString()));
  console.log(
    `${name.padEnd(20)} ${rate(own)}  with entropy ${rate(counted)}  JSON.parse ${rate(parsed)}` +
      `  longest slice ${slice.toFixed(2)} ms`,
  );
}

const attacks: Record<string, [Buffer, string]> = {
  "5 M brackets": [Buffer.alloc(5_000_000, "["), "json_depth"],
  "100,000 keys": [Buffer.from(`{${list(100_000, (index) => `"key${index}":0`)}}`), "json_keys"],
  "10 MB key": [Buffer.from(`{"${"k".repeat(10_000_000)}":1}`), "json_string"],
  "10 MB number": [Buffer.alloc(10_000_000, "1"), "json_number"],
  "5 M numbers": [Buffer.from(`[${"1,".repeat(5_000_000)}1]`), "json_nodes"],
};
for (const [name, [body, expected]] of Object.entries(attacks)) {
  let reason: string | undefined;
  let ms = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    plainReader.reset();
    reason = undefined;
    const before = performance.now();
    for (let at = 0; at < body.length && reason === undefined; at += SLICE_BYTES) {
      reason = plainReader.write(body, at, Math.min(body.length, at + SLICE_BYTES));
    }
    ms = Math.min(ms, performance.now() - before);
  }
  console.log(`${name.padEnd(20)} ${ms.toFixed(2).padStart(7)} ms until ${reason}`);
  assert.equal(reason, expected, name);
}

/** Bytes per millisecond in the best round. */
function best(body: Buffer, call: () => void): number {
  const calls = Math.max(1, Math.round(BYTES_PER_ROUND / body.length));
  let ms = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = performance.now();
    for (let count = 0; count < calls; count++) call();
    ms = Math.min(ms, (performance.now() - before) / calls);
  }
  return body.length / ms;
}

function rate(bytesPerMs: number): string {
  return `${(bytesPerMs / 1000).toFixed(0).padStart(4)} MB/s`;
}

/** Keys and strings of a value. */
function stringsIn(value: unknown): number {
  if (typeof value === "string") return 1;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + stringsIn(item), 0);
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + 1 + stringsIn(item), 0);
}
