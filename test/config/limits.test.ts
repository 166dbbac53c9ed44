import assert from "node:assert/strict";
import { test } from "node:test";
import { codesAt, goodConfig, minimal, parseText } from "../support/config-case.ts";

/** Lines from line 10, in the route of the smallest config. */
const cases: readonly (readonly [title: string, lines: string, ...found: string[]])[] = [
  ["a limit that is not defined", 'limits = ["login"]', "Z1210 10:11"],
  ["a limit without a rate", 'limits = ["a"]\n[limit.a]', "Z1046 11:8"],
  ["a rate of zero", 'limits = ["a"]\n[limit.a]\nrate = 0', "Z1043 12:8"],
  ["a limit that nothing uses", "[limit.a]\nrate = 1", "Z2108 10:8"],
  ["the name of a limit", 'limits = ["_a"]\n[limit._a]\nrate = 1', "Z1110 11:8"],
  [
    "a burst of a window",
    'limits = ["a"]\n[limit.a]\nrate = 1\nalgorithm = "fixed_window"\nburst = 3',
    "Z1214 14:9",
  ],
  [
    "keys that are none",
    'limits = ["a"]\n[limit.a]\nrate = 1\nkey = ["ip", "header:", "header:a b", "address"]',
    "Z1106 13:8",
    "Z1106 13:14",
    "Z1106 13:25",
  ],
  ["a limit that a route names twice", 'limits = ["a", "a"]\n[limit.a]\nrate = 1', "Z1214 10:16"],
  ["hosts that are none", 'limits = ["a"]\n[limit.a]\nrate = 1\nhosts = ["a", "https://b"]', "Z1103 13:15"],
  [
    "a strict limit in a store",
    'limits = ["a"]\n[limit.a]\nrate = 1\nstrict = true\nstore = "valkey"\n[valkey]\nurl = "redis://127.0.0.1"',
    "Z1214 14:9",
  ],
  ["a store that is not there", 'limits = ["a"]\n[limit.a]\nrate = 1\nstore = "valkey"', "Z1210 13:9"],
  [
    "what to do without a store that nobody uses",
    'limits = ["a"]\n[limit.a]\nrate = 1\non_store_error = "deny"',
    "Z2108 13:18",
  ],
  [
    "a strict limit by points",
    'limits = ["a"]\n[limit.a]\nrate = 1\nstrict = true\ncost = "waf_score"',
    "Z1214 14:8",
  ],
  [
    "a strict limit by who somebody is, on a route that asks nobody",
    'limits = ["a"]\n[limit.a]\nrate = 1\nstrict = true\nkey = ["claim:sub"]',
    "Z1106 10:11",
  ],
  [
    "a limit by points without the WAF",
    'waf = false\nlimits = ["a"]\n[limit.a]\nrate = 1\ncost = "waf_score"',
    "Z2110 10:7",
    "Z1106 11:11",
  ],
  [
    "a limit by API key where none is asked for",
    'limits = ["a"]\n[limit.a]\nrate = 1\nkey = ["api_key"]',
    "Z1106 10:11",
  ],
  [
    "a parameter that the path does not have",
    'limits = ["a"]\n[limit.a]\nrate = 1\nkey = ["path:id"]',
    "Z1106 10:11",
  ],
];

for (const [title, lines, ...found] of cases) {
  test(`points at ${title}`, () => {
    assert.deepEqual(codesAt(`${minimal}${lines}\n`), found);
  });
}

const server = (lines: string) => minimal.replace("[server]\n", `[server]\n${lines}\n`);

test("names what requests cannot be counted by: a list under `key` is no secret", () => {
  const { diagnostics } = parseText(`${minimal}limits = ["a"]\n[limit.a]\nrate = 1\nkey = ["adress"]\n`);
  assert.match(diagnostics[0]!.message, /"adress"/);
});

test("points at a listener's limit by a path parameter, and at a window without a limit", () => {
  const toml = `${server('limits = ["a"]')}[limit.a]\nrate = 1\nkey = ["path:id"]\n`;
  assert.deepEqual(codesAt(toml), ["Z1106 2:11"]);
  for (const line of ["strict = true", 'key = ["claim:sub"]', 'key = ["api_key"]'])
    assert.deepEqual(codesAt(`${server('limits = ["a"]')}[limit.a]\nrate = 1\n${line}\n`), ["Z1106 2:11"]);
  assert.deepEqual(codesAt(server("rate_limit_window_secs = 5")), ["Z2108 2:26"]);
});

test("points at a limit that a route names after its listener, and at one that the listener names twice", () => {
  const tables = 'limits = ["b", "a"]\n[limit.a]\nrate = 1\n[limit.b]\nrate = 1\n';
  assert.deepEqual(codesAt(`${server('limits = ["a"]')}${tables}`), ["Z1214 11:16"]);
  // Once, whatever the number of routes.
  assert.deepEqual(
    codesAt(`${server('limits = ["b", "b"]')}limits = ["a"]\n[limit.a]\nrate = 1\n[limit.b]\nrate = 1\n`),
    ["Z1214 2:16"],
  );
});

test("the keys rate_limit_* are one fixed window for each address", () => {
  const { limits, server: settings } = goodConfig(
    server("rate_limit_rps = 50\nrate_limit_window_secs = 10\nrate_limit_max_tracked_ips = 500"),
  );
  assert.deepEqual(settings.limits, ["_server"]);
  assert.deepEqual(limits, [
    {
      name: "_server",
      rate: 500,
      windowMs: 10_000,
      burst: 50,
      algorithm: "fixed_window",
      keys: [{ kind: "address", name: "" }],
      ipv6Prefix: 64,
      maxKeys: 500,
      hosts: undefined,
      countStatuses: undefined,
      cost: "request",
      strict: false,
      store: "local",
      onStoreError: "local",
      shadow: false,
    },
  ]);
});

test("a limit has a burst of its rate, unless it says otherwise, and counts addresses", () => {
  const { limits, routes } = goodConfig(
    `${minimal}limits = ["a", "b"]\n[limit.a]\nrate = 5\n[limit.b]\nrate = 5\nburst = 2\nkey = ["header:X-Key", "cookie:Sid"]\n`,
  );
  assert.deepEqual(routes[0]!.limits, ["a", "b"]);
  assert.deepEqual(
    limits.map(({ burst, keys }) => [burst, keys]),
    [
      [5, [{ kind: "address", name: "" }]],
      [
        2,
        [
          { kind: "header", name: "x-key" },
          { kind: "cookie", name: "Sid" },
        ],
      ],
    ],
  );
});
