/** CPU of a scrape with 500 routes, in the worker and in the primary: `node bench/micro/record/scrape.bench.ts`. */
import { createExposition } from "../../../src/control/exposition.ts";
import { CanonicalRequest } from "../../../src/http/request.ts";
import { allReasons } from "../../../src/reason.ts";
import { Counters } from "../../../src/record/counters.ts";
import { createFrames } from "../../../src/record/metric-frame.ts";
import { ExchangeRecord } from "../../../src/record/record.ts";

const ROUTES = 500;
const ROUNDS = 10;

const counters = new Counters();
const request = new CanonicalRequest();
const refusals = allReasons.filter(({ stage }) => stage === "gate" || stage === "upstream").slice(0, 24);
const end = (route: number, change: Partial<ExchangeRecord>): void => {
  const name = `route-${route}`;
  const recorded = { name, counters: counters.route(name), logPiece: new Uint8Array(0) };
  const record = Object.assign(new ExchangeRecord(1000, 1), { route: recorded }, change);
  counters.conclude(record, request, 1000 + route);
};
const exposition = createExposition();
const frames = createFrames();
const cpuMs = { read: 0, frame: 0, copy: 0, absorb: 0, print: 0 };
const timed = async <T>(step: keyof typeof cpuMs, run: () => T | Promise<T>): Promise<T> => {
  const before = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(before);
  cpuMs[step] += (user + system) / 1000;
  return result;
};

let lines = 0;
for (let round = -2; round < ROUNDS; round++) {
  // The first ones are the compiler's.
  if (round === 0) for (const step of Object.keys(cpuMs)) cpuMs[step as keyof typeof cpuMs] = 0;
  for (let route = 0; route < ROUTES; route++) {
    for (const status of [200, 201, 301, 404, 503])
      end(route, { status, gatedMs: 1001, sentMs: 1002, answeredMs: 1003 });
    for (const reason of refusals) end(route, { status: reason.status, reason });
  }
  const samples = await timed("read", () => counters.read());
  const frame = await timed("frame", () => frames(samples));
  const copy = await timed("copy", () => structuredClone(frame));
  await timed("absorb", () => exposition.absorb(1, copy));
  lines = (await timed("print", () => exposition.print("text"))).split("\n").length;
}
for (const [step, ms] of Object.entries(cpuMs))
  process.stdout.write(`${step.padEnd(6)} ${(ms / ROUNDS).toFixed(1)} ms CPU\n`);
process.stdout.write(`${lines} lines\n`);
