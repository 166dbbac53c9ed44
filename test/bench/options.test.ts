import assert from "node:assert/strict";
import { test } from "node:test";
import { type Options, parseOptions } from "../../bench/load/options.ts";
import { scenarios } from "../../bench/load/scenarios.ts";

test("by default everything is measured and saved", () => {
  const options = read();
  assert.deepEqual(options.scenarios, Object.keys(scenarios));
  assert.deepEqual(options.candidates, [
    "zion",
    "before",
    "nginx",
    "haproxy",
    "nginx-modsecurity",
    "apache-modsecurity",
  ]);
  assert.deepEqual(options.logs, [true, false]);
  assert.ok(options.rounds >= 5);
  assert.equal(options.save, true);
});

test("a quick or partial run does not replace a whole table unless asked", () => {
  for (const args of [
    ["--quick"],
    ["--only", "get150"],
    ["--candidates", "nginx"],
    ["--log", "on"],
    ["--rounds", "2"],
  ]) {
    assert.equal(read(...args).save, false, args.join(" "));
    assert.equal(read(...args, "--save").save, true, args.join(" "));
  }
});

test("choices keep the order of the table", () => {
  assert.deepEqual(read("--only", "tls-get,get150").scenarios, ["get150", "tls-get"]);
  assert.deepEqual(read("--candidates", "nginx,zion").candidates, ["zion", "nginx"]);
});

test("waf stands for all scenarios with the WAF on", () => {
  const { scenarios: chosen } = read("--only", "waf,get150");
  assert.deepEqual(chosen, ["get150", ...Object.keys(scenarios).filter((name) => name.startsWith("waf-"))]);
  assert.ok(chosen.length >= 5);
  assert.deepEqual(read("--only", "waf-get").scenarios, ["waf-get"]);
});

test("a mistake is told, not guessed at", () => {
  assert.match(String(parseOptions(["--only", "get151"])), /unknown scenario "get151".*get150/);
  assert.match(String(parseOptions(["--candidates", "apache"])), /unknown candidate "apache"/);
  assert.match(String(parseOptions(["--log", "maybe"])), /--log takes/);
  assert.match(String(parseOptions(["--rounds", "0"])), /--rounds takes a whole number from 1 to 50/);
  assert.match(String(parseOptions(["--seconds", "1e9"])), /--seconds takes/);
  assert.match(String(parseOptions(["--warm-up", "0"])), /--warm-up takes/);
  assert.equal(typeof parseOptions(["--fast"]), "string");
  assert.equal(parseOptions(["--help"]), "help");
});

function read(...args: string[]): Options {
  const options = parseOptions(args);
  if (typeof options === "string") throw new assert.AssertionError({ message: options });
  return options;
}
