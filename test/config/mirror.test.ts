import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, codesAt, goodConfig, minimal, parseText } from "../support/config-case.ts";

const next = '[upstream.next]\nurl = "http://127.0.0.1:1"\n';
const mirror = (more: string): string => `${minimal}[route.mirror]\n${more}\n${next}`;

test("a mirror gets all safe requests of some size, unless it says otherwise", () => {
  assert.deepEqual(goodConfig(mirror('upstream = "next"')).routes[0]!.mirror, {
    upstream: "next",
    percent: 100,
    methods: ["GET", "HEAD"],
    bodyBytesMax: 65_536,
    maxInFlight: 32,
    timeoutMs: 5000,
    remove: [],
  });
  const { mirror: own } = goodConfig(
    mirror(
      'upstream = "next"\npercent = 0.5\nmethods = ["POST"]\nmax_body_kb = 1\nmax_in_flight = 2\ntimeout_ms = 30\nremove = ["Cookie", "x-*"]',
    ),
  ).routes[0]!;
  assert.deepEqual(own, {
    upstream: "next",
    percent: 0.5,
    methods: ["POST"],
    bodyBytesMax: 1024,
    maxInFlight: 2,
    timeoutMs: 30,
    remove: ["cookie", "x-*"],
  });
});

for (const [what, more, said] of [
  ["a mirror without an upstream", "percent = 5", /mirror of .* has no `upstream`/],
  ["a mirror to nowhere", 'upstream = "nexd"', /uses upstream `nexd`/],
  ["a share above the whole", 'upstream = "next"\npercent = 101', /percent/],
  ["a method that is not served", 'upstream = "next"\nmethods = ["Get"]', /is not a method/],
  ["no method at all", 'upstream = "next"\nmethods = []', /is empty/],
  ["a field that is none", 'upstream = "next"\nremove = ["a b"]', /no name of a field/],
  ["a body beyond what is held", 'upstream = "next"\nmax_body_kb = 1025', /max_body_kb/],
] as const)
  test(`${what} is refused`, () => {
    const { config, diagnostics } = parseText(mirror(more));
    assert.equal(config, undefined);
    assert.match(brief(diagnostics).join("\n"), said);
  });

test("a mirror of a route that answers itself is warned of", () => {
  const toml = `${minimal}[[route]]\npath = "/a"\n[route.redirect]\nto = "/b"\n[route.mirror]\nupstream = "app"\n`;
  assert.deepEqual(codesAt(toml), [`Z2108 ${toml.split("\n").indexOf("[route.mirror]") + 1}:8`]);
});

const intercept = (list: string): string => `${minimal}intercept = ${list}\n`;

test("statuses are intercepted one by one and in ranges", () => {
  assert.deepEqual(goodConfig(intercept('[404, "500-504"]')).routes[0]!.intercept, [
    [404, 404],
    [500, 504],
  ]);
  assert.deepEqual(goodConfig(minimal).routes[0]!.intercept, []);
});

for (const [list, said] of [
  ["[200]", /below 400/],
  ['["300-599"]', /below 400/],
  ['["5xx"]', /did you mean|not a status/],
  ["[700]", /not a status/],
  ["500", /array of statuses/],
] as const)
  test(`intercept = ${list} is refused`, () => {
    const { config, diagnostics } = parseText(intercept(list));
    assert.equal(config, undefined);
    assert.match(brief(diagnostics).join("\n"), said);
  });
