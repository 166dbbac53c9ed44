import assert from "node:assert/strict";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { migrateCommand } from "../../src/cli/migrate.ts";
import { migrateText } from "../../src/config/migrate.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { type Rename, renames } from "../../src/config/renames.ts";
import { brief, codesAt, minimal, withFiles } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";

/** As a later version would have them: a key of a table, of named tables, of an array, a table, and one that has gone. */
const rows: readonly Rename[] = [
  { from: ["server", "listen_plain"], to: "listen_http", since: "0.1" },
  { from: ["upstream", "*", "in_flight"], to: "max_in_flight", since: "0.1" },
  { from: ["route", "pattern"], to: "path", since: "0.1" },
  { from: ["access_logging"], to: "access_log", since: "0.1" },
  { from: ["server", "turbo"], to: undefined, since: "0.1" },
];

const old = `# kept
[server] # mine
listen_plain = "0.0.0.0:8080" # for clients
  turbo   = true   # faster
max_headers = 50

[upstream.app]
url = "http://127.0.0.1:3000"
"in_flight" = 1

[[route]]
pattern = '/' # all
upstream = "app"

[access_logging]
include_headers = ["user-agent"]
`;

const now = `# kept
[server] # mine
listen_http = "0.0.0.0:8080" # for clients
#   turbo   = true   # faster
max_headers = 50

[upstream.app]
url = "http://127.0.0.1:3000"
max_in_flight = 1

[[route]]
path = '/' # all
upstream = "app"

[access_log]
include_headers = ["user-agent"]
`;

const oldNames = { ...withFiles(), renames: rows };

test("old names are read like new ones, each with a warning at its place", () => {
  const { config, diagnostics } = parseConfig(old, oldNames);
  assert.deepEqual(config, parseConfig(now, withFiles()).config);
  assert.deepEqual(codesAt(old, oldNames), [
    "Z2001 3:1",
    "Z2001 4:3",
    "Z2001 9:1",
    "Z2001 12:1",
    "Z2001 15:2",
  ]);
  assert.match(brief(diagnostics)[0]!, /`listen_plain` is `listen_http` since 0\.1/);
  assert.match(brief(diagnostics)[1]!, /`turbo` has no meaning since 0\.1/);
});

test("what is wrong with a value is shown at the old name", () => {
  const text = old.replace('"0.0.0.0:8080"', '"nowhere"').replace("= 1\n", '= "one"\n');
  assert.deepEqual(
    codesAt(text, oldNames).filter((code) => !code.startsWith("Z2001")),
    ["Z1101 3:16", "Z1043 9:15"],
  );
});

test("a renamed key of a renamed table is found at its old name, too", () => {
  const nested: readonly Rename[] = [
    { from: ["access_logging", "headers"], to: "include_headers", since: "0.1" },
    { from: ["access_logging"], to: "access_log", since: "0.1" },
  ];
  const text = old.replace("include_headers", "headers").replace('["user-agent"]', '["cookie"]');
  const found = codesAt(text, { ...withFiles(), renames: [...rows, ...nested] });
  assert.deepEqual(found.slice(-3), ["Z2001 15:2", "Z2001 16:1", "Z1106 16:12"]);
});

test("old and new name together are refused", () => {
  const text = old.replace("[server] # mine\n", '[server]\nlisten_http = "0.0.0.0:81"\n');
  assert.deepEqual(
    codesAt(text, oldNames).filter((code) => !code.startsWith("Z2001")),
    ["Z1042 4:1"],
  );
});

test("migrating writes the new names and changes nothing else", () => {
  const { text, changes } = migrateText(old, rows);
  assert.equal(text, now);
  assert.deepEqual(
    changes.map(({ line, from, to }) => [line, from, to]),
    [
      [3, "listen_plain", "listen_http"],
      [4, "turbo", undefined],
      [9, "in_flight", "max_in_flight"],
      [12, "pattern", "path"],
      [15, "access_logging", "access_log"],
    ],
  );
  assert.deepEqual(migrateText(now, rows), { text: now, changes: [] });
});

test("every spelling of TOML is migrated: dotted keys, inline tables, CRLF, lines of a value, other alphabets", () => {
  const cases: readonly (readonly [string, string])[] = [
    ['server.listen_plain = "a"\n', 'server.listen_http = "a"\n'],
    [
      'upstream = { "é" = { in_flight = 1, url = "u" } }\n',
      'upstream = { "é" = { max_in_flight = 1, url = "u" } }\n',
    ],
    ['route = [{ pattern = "/" }, { pattern = "/b" }]\n', 'route = [{ path = "/" }, { path = "/b" }]\n'],
    ["[server]\r\nlisten_plain = 1 # é\r\n", "[server]\r\nlisten_http = 1 # é\r\n"],
    ["# 😀\n[access_logging]\n[access_logging.more]\n", "# 😀\n[access_log]\n[access_log.more]\n"],
    ["[server]\nturbo = [\n  1,\n]\nx = 1\n", "[server]\n# turbo = [\n#   1,\n# ]\nx = 1\n"],
    ['x = """\n[server]\nlisten_plain = 1\n"""\n', 'x = """\n[server]\nlisten_plain = 1\n"""\n'],
    // Elsewhere the name is another key's.
    ["[tls]\nlisten_plain = 1\n", "[tls]\nlisten_plain = 1\n"],
  ];
  for (const [before, after] of cases) assert.equal(migrateText(before, rows).text, after);
  const inline = migrateText("server = { turbo = true }\n", rows);
  assert.deepEqual([inline.text, inline.changes[0]?.byHand], ["server = { turbo = true }\n", true]);
});

function run(text: string, given: readonly Rename[]) {
  const directory = newDirectory("migrate");
  const file = join(directory, "zion.toml");
  writeFileSync(file, text);
  chmodSync(file, 0o640);
  let said = "";
  const stream = { color: false, write: (part: string) => void (said += part) };
  const code = migrateCommand({ config: file, rows: given }, { out: stream, err: stream });
  return { code, said: said.replaceAll(file, "FILE"), text: readFileSync(file, "utf8"), file };
}

test("the command writes the file in place, with its mode, and says what it did", () => {
  const { code, said, text, file } = run(old, rows);
  assert.deepEqual([code, text, statSync(file).mode & 0o777], [0, now, 0o640]);
  assert.equal(said.split("\n")[0], "FILE:3: listen_plain is now listen_http");
  assert.match(said, /FILE:4: turbo has no meaning any more/);
  assert.match(run(now, rows).said, /every name is that of this version/);
});

test("a file that new names do not mend is not touched", () => {
  const text = old.replace("max_headers", "max_haeders");
  const found = run(text, rows);
  assert.deepEqual([found.code, found.text], [1, text]);
  assert.match(found.said, /Nothing is written/);
  const both = old.replace("[server] # mine\n", '[server]\nlisten_http = "0.0.0.0:81"\n');
  assert.deepEqual([run(both, rows).code, run(both, rows).text], [1, both]);
});

test("the reference gateway's [sovereign_aimp] becomes [mesh]", () => {
  const text = `${minimal}\n[sovereign_aimp] # mesh of edges\nenabled = false\nlisten = "127.0.0.1:9443" # was UDP\ninbound_claims_per_sec = 500\n`;
  const { code, text: written, said } = run(text, renames);
  assert.equal(code, 0, said);
  assert.equal(
    written,
    `${minimal}\n[mesh] # mesh of edges\nenabled = false\n# listen = "127.0.0.1:9443" # was UDP\nmax_inbound_claims_per_peer_per_second = 500\n`,
  );
});

test("an alias goes after one minor version", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const [major, minor] = version.split(".").map(Number);
  for (const { from, since } of renames) {
    if (since === undefined) continue;
    const [thenMajor, thenMinor] = since.split(".").map(Number);
    assert.ok(thenMajor === major && minor! - thenMinor! <= 1, `${from.join(".")} has had its time`);
  }
});
