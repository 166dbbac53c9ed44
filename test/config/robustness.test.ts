import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { renderDiagnostics } from "../../src/config/render.ts";
import { codesAt, minimal, parseText } from "../support/config-case.ts";

const production = readFileSync(new URL("../../config/production.toml", import.meta.url));

test("a config cut at any byte never throws, and says so unless what is left is whole", () => {
  const bytes = Buffer.from(`${minimal}name = "日本"\n`);
  for (let length = 0; length < bytes.length; length++) {
    const { config, diagnostics } = parseText(bytes.subarray(0, length));
    assert.ok(config !== undefined || diagnostics.length > 0, `cut at ${length}`);
    // A prefix that parses must end where a line ends or in the middle of a value that is complete in itself.
    if (config !== undefined)
      assert.ok(config.routes.length === 1 && config.upstreams.length === 1, `cut at ${length}`);
  }
});

test("the production example cut at any byte never throws", () => {
  for (let length = 0; length < production.length; length += 7) parseText(production.subarray(0, length));
});

test("no bytes make it throw, nor the picture of what is wrong", () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(bytes, (source) => void survives(source)),
    { numRuns: 300 },
  );
});

test("no damage to a good file makes it throw", () => {
  const damage = fc.tuple(
    fc.nat(production.length),
    fc.nat(12),
    fc.string({ unit: "grapheme", maxLength: 8 }),
  );
  fc.assert(
    fc.property(damage, ([at, cut, insert]) => {
      survives(
        Buffer.concat([production.subarray(0, at), Buffer.from(insert), production.subarray(at + cut)]),
      );
    }),
    { numRuns: 300 },
  );
});

test("any value of any type under any key is answered, never thrown at", () => {
  const value = fc.constantFrom(
    "1",
    "-1",
    "1.5",
    "nan",
    "inf",
    "true",
    '""',
    '"x"',
    "[]",
    "[1]",
    '["a", {}]',
    "{}",
    "{ a = 1 }",
    "1979-05-27",
    "07:32:00",
    "[[], {}]",
  );
  const key = fc.constantFrom(
    "server",
    "tls",
    "upstream",
    "upstreams",
    "route",
    "access_log",
    "telemetry",
    "admin",
    "server.listen_http",
    "tls.sni",
    "upstream.a",
    "upstream.a.urls",
    "upstream.a.health",
    "upstream.a.circuit_breaker",
    "server.trusted_proxies",
    "audit",
    "schema_version",
    "upstream.a.health.expected_status",
    "tls.alpn",
    "route.path",
    "route.waf",
    "waf",
    "waf.rules",
    "waf_profile",
    "waf_profile.a",
    "waf_profile.a.disabled_rules",
    "exclude",
    "exclude.until",
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 4 }),
      (pairs) => {
        const { config, diagnostics } = survives(
          Buffer.from(pairs.map(([name, text]) => `${name} = ${text}\n`).join("")),
        );
        assert.ok(config === undefined && diagnostics.length > 0);
      },
    ),
    { numRuns: 500 },
  );
});

test("one run reports problems of every section", () => {
  const found = codesAt(`
[server]
listen_http = "nope"
xff_mod = "drop"
[tls]
cert_path = "no.crt"
[upstream.app]
url = "ftp://a"
[[route]]
path = "a"
upstream = "other"
[access_log]
enabled = 1
[telemetry]
listen = "x"
[unknown]
`);
  assert.deepEqual(
    found.map((text) => text.split(" ")[0]),
    ["Z1101", "Z1042", "Z1046", "Z1105", "Z1104", "Z1210", "Z1043", "Z1101", "Z1041"],
  );
});

test("a clean config does not load the parser that finds positions", () => {
  const script = `
    import { createRequire } from "node:module";
    import { parseConfig } from ${JSON.stringify(new URL("../../src/config/parse.ts", import.meta.url).href)};
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes("toml-eslint-parser"));
    const files = { file: "zion.toml", readFile: () => "" };
    const clean = parseConfig(process.argv[1], files).config !== undefined;
    const before = loaded();
    parseConfig("nope = 1\\n" + process.argv[1], files);
    console.log(JSON.stringify([clean, before, loaded()]));`;
  const child = spawnSync(process.execPath, ["--input-type=module", "--eval", script, minimal], {
    encoding: "utf8",
  });
  assert.equal(child.stdout.trim(), "[true,false,true]", child.stderr);
});

function survives(source: Uint8Array) {
  const outcome = parseText(source);
  renderDiagnostics(outcome.diagnostics, Buffer.from(source).toString("utf8"), { color: true });
  for (const { line, column, endLine, endColumn } of outcome.diagnostics) {
    assert.ok(line === 0 || (column >= 1 && (endLine > line || endColumn >= column)));
  }
  return outcome;
}
