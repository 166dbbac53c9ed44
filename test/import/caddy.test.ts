import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { importCaddy } from "../../src/import/caddy.ts";
import { readCaddyfile } from "../../src/import/caddyfile-syntax.ts";
import type { IncludeFiles } from "../../src/import/source-file.ts";

const noFiles: IncludeFiles = () => "not read: it is not here";

function imported(text: string, include = noFiles) {
  const made = importCaddy({ file: "Caddyfile", text }, include);
  assert.equal(made.kind, "imported", JSON.stringify(made));
  return made as Extract<typeof made, { kind: "imported" }>;
}

type Table = Readonly<Record<string, unknown>>;

function routesOf(text: string, include = noFiles): readonly Table[] {
  return parse(imported(text, include).toml)["route"] as readonly Table[];
}

/** Where a path goes: its upstream, or "closed". */
function goesTo(routes: readonly Table[], at: string): unknown {
  const route = routes.find((one) => one["path"] === at);
  assert.ok(route !== undefined, `no route ${at}`);
  return (route["lists"] as readonly string[] | undefined)?.includes("closed") ? "closed" : route["upstream"];
}

test("reads tokens as Caddy does: quotes, backticks, heredocs, comments, lines that go on", () => {
  const { sites, problems } = readCaddyfile({
    file: "Caddyfile",
    text: 'a.test,\nb.test { # here\n x "y z" `"q"`\n  long \\\n  line a#b\n respond <<END\n  { text }\n  END 200\n}\n',
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(sites[0]!.addresses, ["a.test", "b.test"]);
  assert.deepEqual(
    sites[0]!.segments.slice(0, 3).map(({ name, args }) => [name, ...args]),
    [
      ["x", "y z", '"q"'],
      ["long", "line", "a#b"],
      ["respond", "  { text }\n", "200"],
    ],
  );
});

test("an open block or quote is a mistake with its line", () => {
  for (const text of ["a.test {\n b", 'a.test {\n b "c\n}', "a.test\n\n}", "a.test {\n b {\n}"]) {
    const made = importCaddy({ file: "Caddyfile", text }, noFiles);
    if (made.kind === "unreadable") assert.ok(made.problems[0]!.line >= 1);
    else assert.equal(text, "a.test\n\n}", text);
  }
});

const golden = path.join(import.meta.dirname, "golden/caddy");

for (const file of globSync("*.Caddyfile", { cwd: golden }).sort()) {
  test(`${file}: every directive is in the report once`, () => {
    const text = readFileSync(path.join(golden, file), "utf8");
    const { rows } = imported(text).report;
    // Counted without the reader: every line with a word, but for those that close a block.
    const lines = text
      .replace(/`[^`]*`/g, "q")
      .split("\n")
      .map((line) => line.replace(/(^|\s)#.*$/, "").trim());
    const count = lines.filter((line) => line !== "" && line !== "}").length;
    assert.equal(rows.length, count);
    assert.equal(new Set(rows.map(({ line }) => line)).size, count);
  });
}

test("the directive for the longest path answers, and `handle` before others", () => {
  const routes = routesOf(`a.test {
    reverse_proxy /api/* localhost:1001
    reverse_proxy localhost:1000
    handle /api/v2/* {
      reverse_proxy localhost:1002
    }
    handle_path /strip/* {
      reverse_proxy localhost:1003
    }
    handle /kept* {
      reverse_proxy /kept/deep/* localhost:1004
      reverse_proxy localhost:1005
    }
  }`);
  assert.equal(goesTo(routes, "/{*rest}"), "local-1000");
  assert.equal(goesTo(routes, "/api/{*rest}"), "local-1001");
  assert.equal(goesTo(routes, "/api/v2/{*rest}"), "local-1002");
  assert.equal(goesTo(routes, "/strip/{*rest}"), "local-1003");
  assert.deepEqual(
    { ...(routes.find((route) => route["path"] === "/strip/{*rest}")!["rewrite"] as Table) },
    { strip_prefix: "/strip" },
  );
  assert.equal(goesTo(routes, "/kept/{*rest}"), "local-1005");
  assert.equal(goesTo(routes, "/kept/deep/{*rest}"), "local-1004");
});

test("a guard for some paths makes routes of its own for them", () => {
  const routes = routesOf("a.test {\n basic_auth /admin/* {\n  u h\n }\n reverse_proxy localhost:1000\n}");
  assert.equal(goesTo(routes, "/{*rest}"), "local-1000");
  assert.equal(goesTo(routes, "/admin/{*rest}"), "closed");
});

test("a protected place that cannot be translated is closed, never open", () => {
  for (const guard of [
    "basic_auth {\n u h\n}",
    "@x header X y\nbasic_auth @x {\n u h\n}",
    "@x not remote_ip office\nrespond @x 403",
    "@x expression {path} == 1\nabort @x",
    "forward_auth a:1 b:1 {\n uri /x\n}",
    "forward_auth a:1 {\n uri /x?{query}\n}",
    "rewrite * /x",
    "uri replace a b",
    "handle_path /* {\n reverse_proxy /x localhost:2\n}",
    "redir https://{env.X}",
    'respond "{env.SECRET}" 200',
    "import gone",
    "invoke named",
    "exec ls",
    "@in remote_ip 10.0.0.0/8\nreverse_proxy @in localhost:2",
    "@in remote_ip 10.0.0.0/8\nhandle @in {\n reverse_proxy localhost:2\n}",
  ]) {
    const routes = routesOf(`a.test {\n${guard}\nreverse_proxy localhost:1\n}`);
    assert.equal(goesTo(routes, "/{*rest}"), "closed", guard);
  }
});

test("methods of a block are those of what is in it", () => {
  const routes = routesOf("a.test {\n@r method GET\nhandle @r {\n reverse_proxy localhost:1\n}\n}");
  assert.deepEqual(
    routes.map(({ methods, upstream, lists }) => [methods, upstream, lists]),
    [
      [["GET"], "local-1", undefined],
      [["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], "nowhere", ["closed"]],
    ],
  );
});

test("redirects, answers and fields are the route's own", () => {
  const routes = routesOf(`a.test {
    redir /old https://{host}/new{uri} permanent
    respond /health "fine" 200
    header /app/* +X-A {method}
    header /app/* -Server
    reverse_proxy localhost:1 {
      header_up X-Up {remote_host}
      header_up -X-Down
      header_down ?Cache-Control no-store
    }
  }`);
  const plain = (at: string) =>
    JSON.parse(JSON.stringify(routes.find((route) => route["path"] === at))) as Table;
  assert.deepEqual(plain("/old")["redirect"], { to: "https://{host}/new{uri}", status: 301 });
  assert.deepEqual(plain("/health")["respond"], { status: 200, body: "fine" });
  const { request_headers: up, response_headers: down } = plain("/app/{*rest}");
  assert.deepEqual(up, { set: { "X-Up": "{client_ip}" }, remove: ["X-Down"] });
  assert.deepEqual(down, {
    add: { "X-A": "{method}" },
    remove: ["Server"],
    default: { "Cache-Control": "no-store" },
  });
  assert.equal(plain("/{*rest}")["upstream"], "local-1");
});

test("refusals by address are lists", () => {
  const config = parse(
    imported("a.test {\n@out not remote_ip 10.0.0.0/8\nrespond @out 403\nreverse_proxy localhost:1\n}").toml,
  ) as unknown as { readonly list: Readonly<Record<string, Table>>; readonly route: readonly Table[] };
  assert.deepEqual(config.route[0]!["lists"], ["allowed"]);
  assert.deepEqual({ ...config.list["allowed"] }, { action: "allow", cidrs: ["10.0.0.0/8"] });
});

test("snippets and files stand where they are imported, with their arguments", () => {
  const text =
    "(up) {\n reverse_proxy localhost:{args[0]}\n}\na.test {\n import up 1001\n}\nb.test {\n import proxy.inc 1002\n}\nimport sites/*\n";
  const routes = routesOf(text, (pattern) =>
    pattern === "proxy.inc"
      ? [{ file: "proxy.inc", text: "reverse_proxy localhost:{args.0}" }]
      : [{ file: "sites/c", text: "c.test {\n import up 1003\n}" }],
  );
  assert.deepEqual(
    routes.map(({ hosts, upstream }) => [(hosts as readonly string[])[0], upstream]),
    [
      ["a.test", "local-1001"],
      ["b.test", "local-1002"],
      ["c.test", "local-1003"],
    ],
  );
});

test("a snippet that imports itself is a mistake, not an endless loop", () => {
  const made = importCaddy(
    { file: "Caddyfile", text: "(a) {\n import a\n}\nx.test {\n import a\n}" },
    noFiles,
  );
  assert.equal(made.kind, "unreadable");
});

test("credentials are not quoted in the report or in comments", () => {
  const { toml, report } = imported(
    "a.test {\n basic_auth {\n  ops $2a$14$abcdefghijkl\n }\n reverse_proxy localhost:1\n}",
  );
  assert.doesNotMatch(toml + JSON.stringify(report), /abcdefghijkl/);
});

test("nothing that a value holds can become a key, a table or a second line", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.constantFrom('"\n[admin]\nlisten = "0.0.0.0:1"', "''']]\n[[route]]", "\u2028[x]", "{*x}", "/\u0000"),
  );
  const quoted = (text: string): string => `"${text.replaceAll("\\", "/").replaceAll('"', '\\"')}"`;
  fc.assert(
    fc.property(hostile, hostile, (name, value) => {
      const text = `a.test {\n tls ${quoted(value)} ${quoted(name)}\n @m path ${quoted(`/${value}`)}\n handle @m {\n reverse_proxy localhost:1 {\n  health_uri ${quoted(`/${name}`)}\n  lb_policy header ${quoted(name)}\n  transport http {\n   tls_server_name ${quoted(value)}\n  }\n }\n }\n reverse_proxy ${quoted(name)}\n}\n`;
      const made = importCaddy({ file: value, text }, noFiles);
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
