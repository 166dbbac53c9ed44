/**
 * Our JSON reader beside JSON.parse and the npm package simdjson: `node bench/micro/peers-json.ts`.
 * The package: `cd bench/peers && npm ci`; it is compiled on the way.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { JsonReader } from "../../src/body/json.ts";
import { defaultJsonLimits } from "../../src/body/json-limit.ts";
import { cell, loadPeer, machineLine, timeInTurn } from "./peers-timing.ts";

interface Simdjson {
  parse(text: string): unknown;
  lazyParse(text: string): { valueForKeyPath(path: string): unknown };
  isValid(text: string): boolean;
}
const simdjson = loadSimdjson();

const SLICE_BYTES = 65_536;
const documents: Readonly<Record<string, Buffer>> = {
  "1 kB": orders(1_000),
  "10 kB": orders(10_000),
  "100 kB": orders(100_000),
  "10 MB": orders(10_000_000),
  "100 kB, all keys different": map(100_000),
};

let strings = 0;
let longestSliceMs = 0;
const reader = new JsonReader({ value: () => void strings++ }, defaultJsonLimits, 1);

console.log(`## The JSON reader, JSON.parse and simdjson\n\n${machineLine()}\n`);
console.log(
  "From a body's bytes: whoever takes a string has to make one first. A value is a key or a leaf. Ours reads",
);
console.log(
  "64 KiB at a time and reports every key and string; the others hold the event loop for the whole call.\n",
);
console.log("| document | who | MB/s | ns per value | longest hold, ms |\n|---|---|--:|--:|--:|");
for (const [name, body] of Object.entries(documents)) {
  const values = valuesIn(JSON.parse(body.toString()));
  strings = 0;
  read(body);
  assert.equal(strings, stringsIn(JSON.parse(body.toString())), name);
  longestSliceMs = 0;
  const calls: Record<string, () => unknown> = {
    ours: () => read(body),
    "JSON.parse": () => JSON.parse(body.toString()),
    "JSON.parse, then a walk": () => stringsIn(JSON.parse(body.toString())),
  };
  if (simdjson !== undefined) {
    assert.deepEqual(simdjson.parse(body.toString()), JSON.parse(body.toString()), name);
    calls["simdjson.isValid"] = () => simdjson.isValid(body.toString());
    calls["simdjson.lazyParse"] = () => simdjson.lazyParse(body.toString());
    calls["simdjson.parse"] = () => simdjson.parse(body.toString());
  }
  const times = timeInTurn(calls);
  for (const [who, ns] of Object.entries(times)) {
    // Of the calmest call: the machine's other work is not theirs.
    const holdMs = who === "ours" && body.length > SLICE_BYTES ? calmestSliceMs(body) : ns.min / 1e6;
    const cells = [cell(ns, (one) => (body.length * 1_000) / one), cell(ns, (one) => one / values)];
    console.log(`| ${name} | ${who} | ${cells.join(" | ")} | ${holdMs.toFixed(holdMs < 1 ? 3 : 1)} |`);
  }
}

const hostile: Readonly<Record<string, Buffer>> = {
  "a key twice": Buffer.from('{"a":1,"a":2}'),
  "depth 65": Buffer.from(`${"[".repeat(65)}${"]".repeat(65)}`),
  "depth 1,100": Buffer.from(`${"[".repeat(1_100)}${"]".repeat(1_100)}`),
  "a number of 2,000 digits": Buffer.from(`[0.${"1".repeat(2_000)}]`),
  "bytes that are not UTF-8": Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]),
  "bytes after the end": Buffer.from('{"a":1} {"b":2}'),
};
console.log("\n| who refuses | ours | JSON.parse | simdjson.isValid |\n|---|---|---|---|");
for (const [name, body] of Object.entries(hostile)) {
  const cells = [
    verdict(() => refusal(body)),
    verdict(() => JSON.parse(body.toString()) && undefined),
    simdjson === undefined ? "–" : verdict(() => (simdjson.isValid(body.toString()) ? undefined : "refused")),
  ];
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}
console.log();

/** It falls back to JSON.parse without a word when its addon is missing. */
function loadSimdjson(): Simdjson | undefined {
  const loaded = loadPeer<Simdjson>("simdjson");
  if (loaded === undefined) return undefined;
  const addon = join(import.meta.dirname, "../peers/node_modules/simdjson/build/Release/simdjson.node");
  if (existsSync(addon)) return loaded;
  console.error(
    "simdjson was not compiled and would be JSON.parse: it is left out. cd bench/peers && npm rebuild",
  );
  return undefined;
}

function read(body: Buffer): void {
  assert.equal(refusal(body), undefined);
}

function refusal(body: Buffer): string | undefined {
  reader.reset();
  for (let at = 0; at < body.length; at += SLICE_BYTES) {
    const reason = reader.write(body, at, Math.min(body.length, at + SLICE_BYTES));
    if (reason !== undefined) return reason;
  }
  return reader.end();
}

function calmestSliceMs(body: Buffer): number {
  let calmest = Infinity;
  for (let round = 0; round < 7; round++) {
    reader.reset();
    longestSliceMs = 0;
    for (let at = 0; at < body.length; at += SLICE_BYTES) {
      const before = performance.now();
      reader.write(body, at, Math.min(body.length, at + SLICE_BYTES));
      longestSliceMs = Math.max(longestSliceMs, performance.now() - before);
    }
    calmest = Math.min(calmest, longestSliceMs);
  }
  return calmest;
}

function verdict(ask: () => string | undefined): string {
  try {
    return ask() ?? "passes";
  } catch {
    return "refused";
  }
}

/** A list of orders as shops send them, about `bytes` long. */
function orders(bytes: number): Buffer {
  const list: string[] = [];
  for (let id = 0, length = 1; length < bytes; id++) {
    const order = JSON.stringify({
      id,
      name: "Ada Lovelace",
      email: `ada${id}@example.org`,
      active: true,
      balance: 1234.5 + id,
      tags: ["alpha", "beta", "gamma"],
      address: { street: "12 Main Street", city: "Zürich", zip: "12345", geo: { lat: 51.5, lon: -0.12 } },
      note: 'Please leave the parcel with the neighbour, or "on the stairs".',
      created: "2025-01-02T03:04:05.678Z",
    });
    list.push(order);
    length += order.length + 1;
  }
  return Buffer.from(`[${list.join(",")}]`);
}

/** A table of keys that are data, as caches and translations are. */
function map(bytes: number): Buffer {
  const entries: string[] = [];
  for (let id = 0, length = 1; length < bytes; id++) {
    const entry = `"${id.toString(36)}-${(id * 7919).toString(36)}":{"k${id}":"Garden hose no ${id}"}`;
    entries.push(entry);
    length += entry.length + 1;
  }
  return Buffer.from(`{${entries.join(",")}}`);
}

/** Keys and leaves. */
function valuesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  const parts = Object.values(value).reduce<number>((sum, one) => sum + valuesIn(one), 0);
  return Array.isArray(value) ? parts : parts + Object.keys(value).length;
}

/** Keys and strings. */
function stringsIn(value: unknown): number {
  if (typeof value === "string") return 1;
  if (typeof value !== "object" || value === null) return 0;
  const parts = Object.values(value).reduce<number>((sum, one) => sum + stringsIn(one), 0);
  return Array.isArray(value) ? parts : parts + Object.keys(value).length;
}
