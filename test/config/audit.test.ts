import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileAccess } from "../../src/config/files.ts";
import { parseConfig } from "../../src/config/parse.ts";

const rest =
  '[server]\nlisten_http = "127.0.0.1:0"\n[upstreams]\napp = "http://127.0.0.1:1"\n[[route]]\npath = "/"\nupstream = "app"\n';

type Stat = { readonly mode: number; readonly size?: number };

function read(
  toml: string,
  stats: Readonly<Record<string, Stat>> = {},
  environment: Readonly<Record<string, string>> = {},
) {
  const files: FileAccess = {
    readFile: (path) => assert.fail(`${path} was read`),
    stat: (path) => stats[path],
  };
  return parseConfig(`${toml}\n${rest}`, {
    file: "/etc/zion/zion.toml",
    environment: (name) => environment[name],
    ...files,
  });
}

function codesOf(...given: Parameters<typeof read>): string[] {
  return read(...given).diagnostics.map(
    ({ code, line, column, message }) => `${code} ${line}:${column} ${message}`,
  );
}

const directory: Stat = { mode: 0o40700 };
const key: Stat = { mode: 0o100600, size: 32 };
const good = { "/var/lib": directory, "/k": key };
const enabled = '[audit]\nenabled = true\npath = "/var/lib/audit"\n';

test("a key file and a directory are enough, and the key is not read", () => {
  const { config, diagnostics } = read(`${enabled}key_file = "/k"`, good);
  assert.deepEqual(diagnostics, []);
  assert.equal(config?.audit?.path, "/var/lib/audit");
  assert.deepEqual(config?.audit?.key, { file: "/k", variable: undefined });
  assert.doesNotMatch(JSON.stringify(config), /secret/);
});

test("a group may read the key, as Kubernetes and systemd hand it over, and not write it", () => {
  const withMode = (mode: number) =>
    read(`${enabled}key_file = "/k"`, { ...good, "/k": { mode, size: 32 } }).diagnostics.map(
      ({ code }) => code,
    );
  assert.deepEqual([withMode(0o100440), withMode(0o100640)], [[], []]);
  assert.deepEqual(withMode(0o100660), ["Z1312"]);
});

test("a credential comes before the environment, which earns a warning", () => {
  const environment = { CREDENTIALS_DIRECTORY: "/run/c", ZION_AUDIT_HMAC_KEY: "secret".repeat(6) };
  const withCredential = { ...good, "/run/c/audit-hmac-key": key };
  assert.deepEqual(
    read(enabled, withCredential, environment).config?.audit?.key.file,
    "/run/c/audit-hmac-key",
  );
  const fromVariable = read(enabled, good, environment);
  assert.deepEqual(fromVariable.config?.audit?.key, { file: undefined, variable: "ZION_AUDIT_HMAC_KEY" });
  assert.deepEqual(
    fromVariable.diagnostics.map(({ code }) => code),
    ["Z2113"],
  );
});

test("what would make the log worthless is refused before the start", () => {
  const cases: readonly [
    string,
    Readonly<Record<string, Stat>>,
    Readonly<Record<string, string>>,
    string,
    RegExp,
  ][] = [
    [enabled, good, {}, "Z1312 1:2", /the audit log has no key/],
    [enabled, good, { ZION_AUDIT_HMAC_KEY: "short" }, "Z1312 1:2", /fewer than 32 bytes/],
    [enabled, good, { ZION_AUDIT_HMAC_KEY: "x".repeat(32) }, "Z2113 1:2", /comes from \$ZION_AUDIT_HMAC_KEY/],
    [`${enabled}key_file = "/none"`, good, {}, "Z1312 4:12", /does not exist/],
    [
      `${enabled}key_file = "/k"`,
      { ...good, "/k": { mode: 0o100644, size: 32 } },
      {},
      "Z1312 4:12",
      /mode 0644/,
    ],
    [
      `${enabled}key_file = "/k"`,
      { ...good, "/k": { mode: 0o100600, size: 8 } },
      {},
      "Z1312 4:12",
      /fewer than 32/,
    ],
    [
      `${enabled}key_file = "/k"`,
      { ...good, "/var/lib/audit": { mode: 0o40755 } },
      {},
      "Z1312 3:8",
      /mode 0755/,
    ],
    [`${enabled}key_file = "/k"`, { "/k": key }, {}, "Z1312 3:8", /\/var\/lib does not exist/],
    ['[audit]\nenabled = true\nkey_file = "/k"', good, {}, "Z1046 1:2", /has no `path`/],
    [`${enabled}key_file = "/k"\nname = "a b"`, good, {}, "Z1106 5:8", /name of a log/],
    [`${enabled}key_file = "/k"\nwitness_url = "ftp://x"`, good, {}, "Z1106 5:15", /not a URL/],
    ['[redact]\nip = "hmac"', {}, {}, "Z1312 2:6", /redact.ip/],
  ];
  for (const [toml, stats, environment, place, expected] of cases) {
    const found = codesOf(toml, stats, environment);
    assert.ok(
      found.some((text) => text.startsWith(place) && expected.test(text)),
      `${toml}\n${place}\n${found.join("\n")}`,
    );
  }
});

test("amnesia forbids everything that writes to a disk", () => {
  const toml = `amnesia = true\n${enabled}key_file = "/k"\nanchor_path = "/a"\n[access_log]\npath = "/l"`;
  const found = codesOf(toml, good).filter((text) => text.includes("amnesia"));
  assert.deepEqual(
    found.map((text) => /`(\w+)` in \[(\w+)\]/.exec(text)?.slice(1).join()),
    ["path,audit", "anchor_path,audit", "path,access_log"],
  );
  assert.equal(
    read('amnesia = true\n[audit]\nenabled = true\nkey_file = "/k"', good).config?.audit?.path,
    undefined,
  );
});

test("a path without `enabled` is warned about; `enabled = false` is meant", () => {
  const off = '[audit]\npath = "/var/lib/audit"';
  const { config, diagnostics } = read(off, good);
  assert.equal(config?.audit, undefined);
  assert.deepEqual(
    diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`),
    ["Z2116 2:8"],
  );
  assert.deepEqual(read(`${off}\nenabled = false`, good).diagnostics, []);
});
