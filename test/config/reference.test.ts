import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { exampleHeader, exampleToml, generatedFiles } from "../../src/config/reference.ts";
import { tableSchemas } from "../../src/config/schema.ts";
import { brief, certificate, goodConfig, minimal, parseText, withFiles } from "../support/config-case.ts";
import { writeMmdb } from "../support/mmdb-writer.ts";
import { jwks, makeKeys } from "../support/tokens.ts";

const root = new URL("../../", import.meta.url);
const pair = certificate();
const database = writeMmdb([]).toString("latin1");
const files = {
  "/etc/zion/sticky.key": "0123456789abcdef0123456789abcdef",
  "/var/lib/zion/country.mmdb": database,
  "/var/lib/zion/asn.mmdb": database,
  "/etc/zion/tls/tls.crt": pair.certPem,
  "/etc/zion/tls/tls.key": pair.keyPem,
  "/etc/zion/tls/edge.crt": pair.certPem,
  "/etc/zion/tls/edge.key": pair.keyPem,
  "/etc/zion/tls/shop.crt": pair.certPem,
  "/etc/zion/tls/shop.key": pair.keyPem,
  "/etc/zion/tls/client.crt": pair.certPem,
  "/etc/zion/admin/tls.crt": pair.certPem,
  "/etc/zion/admin/tls.key": pair.keyPem,
  "/etc/zion/admin/clients.crt": pair.certPem,
  "/etc/zion/tls/client.key": pair.keyPem,
  "/etc/zion/tls/internal-ca.pem": pair.certPem,
  "/etc/zion/tls/upstream-ca.pem": pair.certPem,
  "/etc/zion/jwt-keys.json": jwks([makeKeys().ec.publicKey, {}]),
  "/etc/zion/tls/valkey-ca.pem": pair.certPem,
  "/etc/zion/tls/acme-ca.pem": pair.certPem,
  "/etc/zion/valkey.password": "secret\n",
  "/etc/zion/errors/503.html": "busy",
  "/etc/zion/errors/503.json": "{}",
  "/etc/zion/lists/office.txt": "192.0.2.0/24\n",
};

for (const { path, text } of generatedFiles()) {
  test(`${path} is what the schema says (node src/config/reference.ts --write)`, () => {
    assert.equal(readFileSync(new URL(path, root), "utf8"), text);
  });
}

for (const name of ["minimal", "production", "zion"]) {
  test(`config/${name}.toml is valid without a warning`, () => {
    const { diagnostics } = parseText(readFileSync(new URL(`config/${name}.toml`, root)), withFiles(files));
    assert.deepEqual(brief(diagnostics), []);
  });
}

test("every default of the full example is the default without it", () => {
  const full = goodConfig(exampleToml(), withFiles(files));
  const least = goodConfig(
    minimal
      .replace(
        "[upstream",
        'listen_https = "0.0.0.0:8443"\n[tls]\ncert_path = "tls/tls.crt"\nkey_path = "tls/tls.key"\n[upstream',
      )
      .replace('path = "/"', 'path = "/{*rest}"'),
    withFiles(files),
  );
  assert.deepEqual(full, least);
});

test("every key of every table is in the full example", () => {
  const lines = exampleToml().split("\n");
  for (const { header, keys } of tableSchemas) {
    const title = exampleHeader(header);
    const start = lines.findIndex((line) => line === title || line === `# ${title}`);
    assert.notEqual(start, -1, title);
    const end = lines.indexOf("", start);
    const section = lines.slice(start, end < 0 ? undefined : end);
    const tables = tableSchemas.map(({ header: other }) => other.replace(/[[\]]/g, ""));
    for (const key of Object.keys(keys)) {
      const table = `${header.replace(/[[\]]/g, "")}.${key}`;
      if (tables.includes(table) || tables.includes(`${table}.NAME`)) continue;
      assert.ok(
        section.some((line) => new RegExp(`^(# )?${key} = `).test(line)),
        `${header} ${key}`,
      );
    }
  }
});

test("what is commented out is valid too", () => {
  const all = exampleToml()
    .split("\n")
    .map((line) => line.replace(/^# (?=\[|[a-z_][a-z_0-9]* = )/, ""))
    .join("\n")
    .replace('url = "http://127.0.0.1:3000"', 'url = "https://127.0.0.1:3000"')
    .replace('\nmode = "standard"', '\nmode = "websocket"')
    .replace("\nlimits = []", '\nlimits = ["app"]')
    .replace('\nstore = "local"', '\nstore = "valkey"')
    .replace("\nlists = []", '\nlists = ["app"]')
    .replace("urls = []", 'urls = ["https://127.0.0.1:3001"]')
    .replaceAll('"app_next"', '"app"')
    // Routes that answer themselves have no upstream.
    .replace(/\n\[route\.re(?:direct|spond)\][\s\S]*?\n(?=\n)/g, "\n")
    .replace(/\nterms_agreed = false/g, "\nterms_agreed = true")
    // It would need an RSA key, which takes a second to make.
    .replace(/^second_(?:cert|key)_path = .*\n/gm, "")
    // Each stands for another that is there too.
    .replace(/^eab_.* = .*\n/gm, "")
    .replace(/^(?:(?:previous_)?secret(?:_env|_file)?|algorithm|jwks_(?:url|ca_file)) = .*\n/gm, "")
    // Read where there are authorities and lists: client-auth.test.ts.
    .replace(
      /^client_(?:ca_path|crl_path|crl_enforce_next_update|names|fingerprints|auth) = (?!"\/etc\/zion\/admin).*\n/gm,
      "",
    )
    // Of routes that serve files, or whose upstream is not sticky and that take no WebSockets.
    .replace(/^(?:serve_dir|static_max_age_secs|cache_profile) = .*\n/gm, "")
    // Of other kinds of profiles.
    .replace(/^(?:api_key.*|users_file|service_.*|request_fields) = .*\n/gm, "")
    .replace(/^until = \d+/m, "until = 9999");
  const { diagnostics } = parseText(all, withFiles(files));
  // The test's certificate is for another name; a CA comes to other ports; routes of the example have other hosts.
  // The example's route keeps to a member, and so has no cache.
  const expected = ["Z2106", "Z2108", "Z2151", "Z2152"];
  assert.deepEqual(brief(diagnostics.filter(({ code }) => !expected.includes(code))), []);
});
