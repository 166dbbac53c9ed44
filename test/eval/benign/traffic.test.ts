import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../case.ts";
import { apart } from "./apart.ts";
import { apartTraffic, benignTraffic, kinds } from "./traffic.ts";

const cases = benignTraffic();

test("there are thousands of different requests of hundreds of kinds", () => {
  const templates = Object.values(kinds).flat().length;
  assert.ok(templates >= 300, `only ${templates} templates`);
  const different = new Set(cases.map((one) => Buffer.from(bytesOf(one)).toString("latin1")));
  assert.ok(different.size >= 5000, `only ${different.size} different requests`);
  assert.equal(new Set(cases.map(({ id }) => id)).size, cases.length);
});

test("they are the same on every run", () => {
  const again = benignTraffic();
  assert.deepEqual(again, cases);
});

test("heads hold only what clients may put there", () => {
  const faults: string[] = [];
  for (const { id, target, headers } of [...cases, ...apartTraffic()]) {
    if (/[^\x21-\x7e]/.test(target)) faults.push(`${id}: ${target}`);
    for (const [name, value] of headers) if (/[^\x20-\x7e]/.test(value)) faults.push(`${id}: ${name}`);
  }
  assert.deepEqual(faults, []);
});

test("what is judged apart says why, and is little", () => {
  for (const { name, why } of apart) assert.ok(why.length >= 8, name);
  assert.ok(apart.length <= 12, "a template that is blocked belongs to the rules' authors, not here");
});
