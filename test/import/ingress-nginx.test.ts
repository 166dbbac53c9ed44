import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { parseAllDocuments, stringify } from "yaml";
import { importIngress } from "../../src/import/ingress.ts";
import { annotationRows } from "../../src/import/ingress-annotations.ts";

function imported(text: string) {
  const made = importIngress([{ file: "ingress.yaml", text }]);
  assert.equal(made.kind, "imported", JSON.stringify(made));
  return made as Extract<typeof made, { kind: "imported" }>;
}

type Table = Readonly<Record<string, unknown>>;

function configOf(text: string) {
  // The parser's tables have no prototype.
  return JSON.parse(JSON.stringify(parse(imported(text).toml))) as {
    readonly server: Table;
    readonly route: readonly Table[];
    readonly upstream: Readonly<Record<string, Table>>;
  };
}

function ingress(annotations: Readonly<Record<string, string>>, rule: Table = {}): string {
  const named = Object.entries(annotations).map(([key, value]) => [
    `nginx.ingress.kubernetes.io/${key}`,
    value,
  ]);
  const backend = { service: { name: "web", port: { number: 80 } } };
  return stringify({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web", namespace: "shop", annotations: Object.fromEntries(named) },
    spec: {
      rules: [{ host: "a.test", http: { paths: [{ path: "/", pathType: "Prefix", backend }] }, ...rule }],
    },
  });
}

test("all annotations of ingress-nginx have a row", () => {
  // 86 that others translate and 45 that they list as not supported, some of them twice by an old name.
  assert.ok(Object.keys(annotationRows).length >= 131, String(Object.keys(annotationRows).length));
});

const golden = path.join(import.meta.dirname, "golden/ingress-nginx");

for (const file of globSync("*.yaml", { cwd: golden }).sort()) {
  test(`${file}: every annotation, path, certificate and setting is in the report once`, () => {
    const text = readFileSync(path.join(golden, file), "utf8");
    const { rows } = imported(text).report;
    // Counted on what the YAML library makes of it, without the reader.
    let count = 0;
    const objects = parseAllDocuments(text).flatMap((document) => {
      const object = document.toJS() as { kind: string; items?: readonly unknown[] };
      return (object.kind === "List" ? object.items! : [object]) as readonly ObjectLike[];
    });
    for (const { kind, metadata, spec, data } of objects) {
      if (kind !== "Ingress") {
        count += 1 + Object.keys(data ?? {}).length;
        continue;
      }
      count += Object.keys(metadata.annotations ?? {}).length;
      for (const key of ["ingressClassName", "defaultBackend", "backend"])
        if (spec?.[key] !== undefined) count++;
      count += ((spec?.["tls"] ?? []) as readonly unknown[]).length;
      for (const { http } of (spec?.["rules"] ?? []) as readonly { http?: { paths: readonly unknown[] } }[])
        count += http?.paths.length ?? 1;
    }
    assert.equal(rows.length, count);
    assert.equal(new Set(rows.map((row) => `${row.where} ${row.line} ${row.text}`)).size, count);
  });
}

interface ObjectLike {
  readonly kind: string;
  readonly metadata: { readonly annotations?: Table };
  readonly spec?: Table;
  readonly data?: Table;
}

test("what is no object of Kubernetes, or no YAML, is a mistake with its line", () => {
  for (const text of ["a: 1", "kind: Ingress\n  x: [", "- 1", "kind: Ingress\nkind: Ingress"]) {
    const made = importIngress([{ file: "x.yaml", text }]);
    assert.equal(made.kind, "unreadable", text);
    if (made.kind === "unreadable") assert.ok(made.problems[0]!.line >= 1);
  }
});

test("a small file with many aliases is refused, not followed", () => {
  const levels = Array.from(
    { length: 30 },
    (_, i) => `a${i}: &a${i} [${i === 0 ? "x" : `*a${i - 1}, *a${i - 1}`}]`,
  );
  const made = importIngress([{ file: "bomb.yaml", text: `kind: Ingress\n${levels.join("\n")}\n` }]);
  assert.equal(made.kind, "unreadable");
});

test("a protected place that cannot be translated is closed, never open", () => {
  for (const annotations of [
    { "auth-type": "basic" },
    { "auth-tls-secret": "a/b" },
    { "auth-url": "https://$host/auth" },
    { satisfy: "any" },
    { "whitelist-source-range": "office" },
    { "configuration-snippet": "deny all;" },
    { "server-snippet": "if ($http_x) { return 403; }" },
    { "configuration-snippet": "access_by_lua_block { x }" },
    { "configuration-snippet": "unreadable {" },
    { "auth-snippet": "return 401;" },
    { "ssl-passthrough": "true" },
    { "rewrite-target": "/x?y=$1" },
    { "rewrite-target": "/$1" },
    { "permanent-redirect": "https://$arg_x" },
    { "backend-protocol": "FCGI" },
  ] as readonly Readonly<Record<string, string>>[]) {
    const { route } = configOf(ingress(annotations));
    assert.deepEqual((route[0]!["lists"] as readonly string[])[0], "closed", JSON.stringify(annotations));
  }
});

test("headers are believed only from whom the controller believed them", () => {
  const map = (data: Readonly<Record<string, string>>): string =>
    `${stringify({ kind: "ConfigMap", metadata: { name: "ingress-nginx-controller" }, data })}---\n${ingress({})}`;
  const cidr = { "proxy-real-ip-cidr": "10.0.0.0/8" };
  assert.equal(configOf(map(cidr)).server["trusted_proxies"], undefined);
  assert.deepEqual(configOf(map({ ...cidr, "use-forwarded-headers": "true" })).server["trusted_proxies"], [
    "10.0.0.0/8",
  ]);
  assert.deepEqual(configOf(map({ ...cidr, "use-proxy-protocol": "true" })).server["proxy_protocol"], [
    "10.0.0.0/8",
  ]);
  const everyone = map({ "proxy-real-ip-cidr": "0.0.0.0/0", "use-forwarded-headers": "true" });
  assert.equal(configOf(everyone).server["trusted_proxies"], undefined);
});

test("nothing that a value holds can become a key, a table or a second line", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom('"\n[admin]\nlisten = "0.0.0.0:1"', "''']]\n[[route]]", "\u2028[x]", "{*x}", "/\u0000"),
  );
  fc.assert(
    fc.property(hostile, hostile, fc.constantFrom(...Object.keys(annotationRows)), (name, value, key) => {
      const backend = { service: { name, port: { number: 80 } } };
      const text = ingress(
        { [key]: value },
        { host: name, http: { paths: [{ path: `/${value}`, pathType: name, backend }] } },
      );
      const made = importIngress([{ file: value, text }]);
      if (made.kind === "unreadable") return;
      const allowed = [
        "server",
        "header_profile",
        "tls",
        "upstream",
        "route",
        "list",
        "limit",
        "auth_profile",
        "waf_profile",
        "exclude",
      ];
      const tables = parse(made.toml);
      for (const table of Object.keys(tables)) assert.ok(allowed.includes(table), table);
      assert.doesNotMatch(made.toml.replaceAll("\n", ""), /[\p{Cc}\u2028\u2029]/u);
    }),
  );
});
