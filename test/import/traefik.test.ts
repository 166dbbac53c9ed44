import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { parseAllDocuments, stringify } from "yaml";
import { importTraefik } from "../../src/import/traefik.ts";
import { readTraefikRule } from "../../src/import/traefik-rule.ts";

function imported(text: string, file = "traefik.yml") {
  const made = importTraefik([{ file, text }]);
  assert.equal(made.kind, "imported", JSON.stringify(made));
  return made as Extract<typeof made, { kind: "imported" }>;
}

type Table = Readonly<Record<string, unknown>>;

function routesOf(text: string): readonly Table[] {
  return parse(imported(text).toml)["route"] as readonly Table[];
}

/** One router with this middleware. */
function withMiddleware(type: string, options: unknown): string {
  return stringify({
    http: {
      routers: { app: { rule: "Host(`a.test`)", service: "app", middlewares: ["one"] } },
      middlewares: { one: { [type]: options } },
      services: { app: { loadBalancer: { servers: [{ url: "http://10.0.0.5" }] } } },
    },
  });
}

const golden = path.join(import.meta.dirname, "golden/traefik");

for (const file of globSync("*.{yml,toml}", { cwd: golden })
  .filter((name) => !name.endsWith(".zion.toml"))
  .sort()) {
  test(`${file}: every option is in the report once`, () => {
    const text = readFileSync(path.join(golden, file), "utf8");
    const { rows } = imported(text, file).report;
    const documents = file.endsWith(".toml")
      ? [parse(text)]
      : parseAllDocuments(text).map((one) => one.toJS() as unknown);
    const names = documents.flatMap((document) => leaves(document, "")).sort();
    assert.deepEqual(rows.map(({ name }) => name).sort(), names);
    assert.equal(new Set(names).size, names.length);
  });
}

/** Counted on what the libraries make of the file: names of everything that has a value. */
function leaves(value: unknown, name: string): readonly string[] {
  const isTable = (one: unknown): one is object =>
    typeof one === "object" && one !== null && !Array.isArray(one);
  const deeper = Array.isArray(value) ? value.some(isTable) : isTable(value) && Object.keys(value).length > 0;
  if (!deeper) return [name];
  return Object.entries(value as object).flatMap(([key, inner]) =>
    leaves(inner, name === "" ? key : `${name}.${key}`),
  );
}

test("rules are read as all the ways to match them", () => {
  const reading = readTraefikRule(
    "(Host(`a`) || Host(`b`)) && (Path(`/x`) || PathPrefix(`/y/`)) && Method(`get`)",
  );
  assert.ok("branches" in reading);
  assert.deepEqual(
    reading.branches.map(({ hosts, paths, methods }) => [
      hosts?.join(),
      paths?.map(({ text }) => text).join(),
      methods?.join(),
    ]),
    [
      ["a", "/x", "GET"],
      ["a", "/y/", "GET"],
      ["b", "/x", "GET"],
      ["b", "/y/", "GET"],
    ],
  );
  for (const bad of [
    "",
    "Host(`a`",
    "Host(`a`) &&",
    "!Host(`a`)",
    "Header(`a`, `b`)",
    "Host(`a`))",
    "Path(`/a`) && Path(`/b`)",
  ])
    assert.ok("problem" in readTraefikRule(bad), bad);
});

test("any rule is read or refused, and never takes long", () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom("Host(`a`)", "&&", "||", "!", "(", ")", " ", "`", "x"),
        maxLength: 60,
      }),
      (text) => {
        const reading = readTraefikRule(text);
        if ("branches" in reading) assert.ok(reading.branches.length <= 64 * 64);
      },
    ),
  );
});

test("a protected place that cannot be translated is closed, never open", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["basicAuth", { users: ["a:b"] }],
    ["digestAuth", { users: ["a:b"] }],
    ["ipAllowList", { sourceRange: ["office"] }],
    ["ipAllowList", { sourceRange: ["10.0.0.0/8"], ipStrategy: { excludedIPs: ["10.0.0.1"] } }],
    ["forwardAuth", { address: "authelia" }],
    ["plugin", { waf: {} }],
    ["passTLSClientCert", { pem: true }],
    ["stripPrefix", { prefixes: ["/x", "/y"] }],
    ["replacePathRegex", { regex: "(?<!x)y", replacement: "/" }],
    ["redirectRegex", { regex: "x", replacement: "https://a.test" }],
    ["chain", { middlewares: ["gone"] }],
    ["somethingNew", { a: 1 }],
  ];
  for (const [type, options] of cases)
    assert.deepEqual(
      routesOf(withMiddleware(type, options))[0]!["lists"],
      ["closed"],
      JSON.stringify([type, options]),
    );
});

test("middlewares of an entry point guard its routes", () => {
  const text = `entryPoints: { web: { address: ":80", http: { middlewares: [office] } } }\n---\n${withMiddleware("compress", {}).replace("middlewares:\n    one", "middlewares:\n    office: { ipAllowList: { sourceRange: [10.0.0.0/8] } }\n    one")}`;
  assert.deepEqual(routesOf(text)[0]!["lists"], ["office"]);
});

test("a router with TLS is never served without", () => {
  const text = withMiddleware("compress", {}).replace("service: app", "service: app\n      tls: {}");
  const both = `entryPoints: { web: { address: ":80" }, websecure: { address: ":443" } }\n---\n${text}`;
  assert.equal((parse(imported(both).toml)["server"] as Table)["http_mode"], "redirect");
  assert.equal((parse(imported(text).toml)["server"] as Table)["listen_http"], undefined);
});

test("nothing that a value holds can become a key, a table or a second line", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.constantFrom('"\n[admin]\nlisten = "0.0.0.0:1"', "''']]\n[[route]]", "\u2028[x]", "{*x}", "/\u0000"),
  );
  fc.assert(
    fc.property(hostile, hostile, (name, value) => {
      const text = stringify({
        entryPoints: { [name]: { address: value } },
        http: {
          routers: {
            [name]: {
              rule: `Host(\`${value}\`) || PathPrefix(\`/${value}\`)`,
              service: name,
              middlewares: [name],
            },
          },
          middlewares: { [name]: { headers: { accessControlAllowOriginList: [value] } } },
          services: {
            [name]: {
              loadBalancer: {
                servers: [{ url: "http://10.0.0.5" }],
                healthCheck: { path: value },
                serversTransport: name,
              },
            },
          },
          serversTransports: { [name]: { serverName: value } },
        },
        tls: { certificates: [{ certFile: value, keyFile: value }] },
      });
      const made = importTraefik([{ file: "x.yml", text }]);
      if (made.kind === "unreadable") return;
      const tables = parse(made.toml);
      for (const table of Object.keys(tables))
        assert.ok(
          ["server", "tls", "header_profile", "upstream", "route", "list", "waf_profile"].includes(table),
          table,
        );
      assert.doesNotMatch(made.toml.replaceAll("\n", ""), /[\p{Cc}\u2028\u2029]/u);
    }),
  );
});
