/** The WAF's time for a clean body, read in chunks of 8 KiB: `node bench/micro/gate/body.bench.ts [NAME]`. */
import { BodyInspection } from "../../../src/gate/waf-body.ts";
import { Inspector } from "../../../src/waf/inspector.ts";
import { Scratch } from "../../../src/waf/scratch.ts";
import { fill, postOf, prose, ruleSet, waf } from "./setup.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 9);
const CHUNK_BYTES = 8_192;
const ROUND_BYTES = 3_000_000;

const list = (count: number, make: (index: number) => unknown): string =>
  JSON.stringify(Array.from({ length: count }, (_none, index) => make(index)));
const json = "application/json";
const form = "application/x-www-form-urlencoded";
const cases: Record<string, readonly [string, string]> = {
  "smallest JSON": [json, "{}"],
  "1 kB JSON, 20 leaves": [
    json,
    JSON.stringify({
      order: { id: 48211, first: "Maria", last: "Gonzalez", email: "maria.gonzalez@example.com" },
      phone: "+49 30 901820",
      items: [
        { sku: "SKU-1000", title: "Running shoes, blue", size: 42, price: 79.9 },
        { sku: "SKU-1001", title: "Socks, two pairs", size: 41, price: 9.5 },
      ],
      address: { street: "Hauptstrasse 12", city: "Berlin", zip: "10115", country: "DE" },
      note: fill(prose, 560),
      consent: true,
    }),
  ],
  "1 kB form value": [form, new URLSearchParams({ text: fill(prose, 1_024) }).toString()],
  "1 kB form, 20 fields": [
    form,
    new URLSearchParams(
      Array.from(
        { length: 20 },
        (_none, index) => [`field_${index}`, fill(prose.slice(index), 38)] as [string, string],
      ),
    ).toString(),
  ],
  "10 MB of orders": [
    json,
    list(30_000, (index) => ({
      id: index,
      name: "Ada Lovelace",
      email: `ada${index}@example.org`,
      active: true,
      balance: 1234.56 + index,
      tags: ["alpha", "beta", "gamma"],
      address: {
        street: "12 Main Street",
        city: "Springfield",
        zip: "12345",
        geo: { lat: 51.5, lon: -0.12 },
      },
      note: "Please leave the parcel with the neighbour, thank you very much.",
      created: "2025-01-02T03:04:05.678Z",
    })),
  ],
  "10 MB of records": [
    json,
    list(100_000, (index) => ({
      id: index,
      ts: 1_700_000_000 + index,
      v: index / 7,
      ok: index % 3 === 0,
      host: `web-${index % 20}`,
      level: "info",
      code: 200,
    })),
  ],
  "8 MB of numbers": [json, list(1_000_000, (index) => index * 1.5)],
  "9 MB of prose": [json, list(10_000, (index) => ({ id: index, body: fill(prose, 860).slice(index % 9) }))],
};

const inspection = new BodyInspection(1);
const inspector = new Inspector(new Scratch(ruleSet));
const only = process.argv[2];
for (const [name, [type, text]] of Object.entries(cases)) {
  if (only !== undefined && !name.includes(only)) continue;
  const body = Buffer.from(text);
  const request = postOf(type, body.length);
  const calls = Math.max(1, Math.min(20_000, Math.ceil(ROUND_BYTES / body.length)));
  let best = Infinity;
  let longest = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = performance.now();
    let worst = 0;
    for (let call = 0; call < calls; call++) {
      inspector.begin(waf.profile);
      inspection.begin(request, waf, inspector);
      for (let at = 0; at < body.length; at += CHUNK_BYTES) {
        const start = performance.now();
        inspection.write(body, at, Math.min(body.length, at + CHUNK_BYTES));
        worst = Math.max(worst, performance.now() - start);
      }
      inspection.end(({ refused, gate, detail }) => {
        if (refused) throw new Error(`${name}: ${gate} ${detail}`);
      });
    }
    best = Math.min(best, ((performance.now() - before) * 1_000) / calls);
    longest = Math.min(longest, worst);
  }
  const time = best < 1_000 ? `${best.toFixed(1)} us` : `${(best / 1_000).toFixed(1)} ms`;
  console.log(
    `${name.padEnd(22)} ${String(body.length).padStart(8)} B ${time.padStart(9)} ${((best * 1_000) / body.length).toFixed(1).padStart(6)} ns/B ${(body.length / best).toFixed(0).padStart(4)} MB/s  longest write ${longest.toFixed(2)} ms`,
  );
}
