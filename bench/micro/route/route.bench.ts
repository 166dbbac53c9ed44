/**
 * What a request pays for finding its route, by the number of routes: `node bench/micro/route/route.bench.ts`.
 *
 * `same 10` asks tables of every size for the same ten paths: the cost that the other routes add. `spread` asks for
 * every route in turn, the worst case for the processor's caches. Both start from bytes, as a request does: two
 * `latin1Slice` make the host and the path. Sizes are interleaved in each round; the figure is the median of rounds.
 */
import assert from "node:assert/strict";
import { GET } from "../../../src/http/request.ts";
import { buildRouteTable, type RouteTable } from "../../../src/route/table.ts";

const sizes = [10, 100, 1_000, 10_000];
const rounds = 15;
const lookups = 100_000;
const host = Buffer.from("shop.example.org");

interface Candidate {
  readonly routes: number;
  readonly buildMs: number;
  readonly table: RouteTable<string>;
  readonly same: readonly Buffer[];
  readonly spread: readonly Buffer[];
  readonly sameNs: number[];
  readonly spreadNs: number[];
}

const candidates = sizes.map(buildCandidate);
for (const candidate of candidates) checkFirst(candidate);
for (let round = 0; round < rounds + 3; round++) {
  for (const candidate of candidates) {
    const sameNs = measureNs(candidate.table, candidate.same);
    const spreadNs = measureNs(candidate.table, candidate.spread);
    // The first rounds warm up.
    if (round < 3) continue;
    candidate.sameNs.push(sameNs);
    candidate.spreadNs.push(spreadNs);
  }
}
report();

/** A third each of literals, parameters and catch-alls; half of the routes for one host, half for any. */
function buildCandidate(routes: number): Candidate {
  const startMs = performance.now();
  const table = buildRouteTable(Array.from({ length: routes }, (_, index) => route(index)));
  const buildMs = performance.now() - startMs;
  const paths = Array.from({ length: routes }, (_, index) => Buffer.from(pathFor(index)));
  return {
    routes,
    buildMs,
    table,
    same: paths.slice(0, 10),
    spread: shuffle(paths),
    sameNs: [],
    spreadNs: [],
  };
}

function route(index: number) {
  const stem = stemOf(index);
  const path = [`${stem}/list`, `${stem}/{id}/detail`, `${stem}/{*rest}`][index % 3]!;
  return { hosts: index % 2 === 0 ? [host.toString()] : undefined, path, value: path };
}

function pathFor(index: number): string {
  const stem = stemOf(index);
  return [`${stem}/list`, `${stem}/4711/detail`, `${stem}/a/b.css`][index % 3]!;
}

function stemOf(index: number): string {
  return `/api/service${index % 97}/resource${index}`;
}

function shuffle(paths: readonly Buffer[]): Buffer[] {
  // A step that shares no factor with the sizes visits every path once.
  return paths.map((_, index) => paths[(index * 7_919) % paths.length]!);
}

function checkFirst({ routes, table }: Candidate): void {
  for (let index = 0; index < routes; index++) {
    assert.equal(table.find(host.toString(), pathFor(index), GET), route(index).path);
  }
  assert.equal(table.find(host.toString(), "/nowhere", GET), undefined);
}

function measureNs(table: RouteTable<string>, paths: readonly Buffer[]): number {
  let found = 0;
  const startMs = performance.now();
  for (let lookup = 0; lookup < lookups; lookup++) {
    const path = paths[lookup % paths.length]!;
    if (table.find(host.latin1Slice(0, host.length), path.latin1Slice(0, path.length), GET) !== undefined)
      found++;
  }
  const ns = ((performance.now() - startMs) / lookups) * 1e6;
  assert.equal(found, lookups);
  return ns;
}

function report(): void {
  console.log(`node ${process.version}, median of ${rounds} rounds of ${lookups} look-ups (min-max)`);
  console.log("| routes | build ms | same 10, ns | spread, ns |\n| --: | --: | --: | --: |");
  for (const { routes, buildMs, sameNs, spreadNs } of candidates) {
    console.log(`| ${routes} | ${buildMs.toFixed(1)} | ${spread(sameNs)} | ${spread(spreadNs)} |`);
  }
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(0);
  return `${at(0.5)} (${at(0)}-${at(1)})`;
}
