import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import type { Row } from "../../src/import/ledger.ts";
import { importNginx } from "../../src/import/nginx.ts";
import { readNginx } from "../../src/import/nginx-syntax.ts";
import type { IncludeFiles } from "../../src/import/source-file.ts";
import type { Verdict } from "../../src/import/verdict.ts";

const noFiles: IncludeFiles = () => "not read: it is not here";

function imported(text: string, include = noFiles) {
  const made = importNginx({ file: "nginx.conf", text }, include);
  assert.equal(made.kind, "imported", JSON.stringify(made));
  return made as Extract<typeof made, { kind: "imported" }>;
}

function inServer(text: string): string {
  return `events {} http { server { listen 80; server_name a.test; ${text} } }`;
}

interface Imported {
  readonly server: Readonly<Record<string, unknown>>;
  readonly tls?: Readonly<Record<string, unknown>>;
  readonly upstream: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly route: readonly Readonly<Record<string, unknown>>[];
  readonly limit?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly list?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly exclude?: readonly Readonly<Record<string, unknown>>[];
}

function configOf(text: string): Imported {
  // The parser's tables have no prototype.
  return JSON.parse(JSON.stringify(parse(imported(text).toml))) as Imported;
}

function rowOf(rows: readonly Row[], name: string): Row {
  const found = rows.filter((row) => row.name === name);
  assert.equal(found.length, 1, `${name}: ${found.length} rows`);
  return found[0]!;
}

function verdictOf(text: string, name: string): Verdict {
  return rowOf(imported(text).report.rows, name).verdict;
}

test("reads words as nginx does: quotes, escapes, comments, variables in braces", () => {
  const { directives, problems } = readNginx(
    {
      file: "a.conf",
      text: `a "x y" 'it''s' \\; # no;\n b '\\'\\.' "\\"" \${v}x; c#d e;\n f { g h; } `,
    },
    noFiles,
  );
  // nginx wants a blank behind a quoted string.
  assert.notEqual(problems.length, 0);
  assert.deepEqual(directives, []);
  const good = readNginx(
    { file: "a.conf", text: `a "x y" 'z';\n b '\\'\\.' "\\"" \${v}x \\;; c#d e; f { g h; i "}" ; }` },
    noFiles,
  );
  assert.deepEqual(good.problems, []);
  assert.deepEqual(
    good.directives.map(({ name, args, block }) => [name, args, block?.map((one) => [one.name, one.args])]),
    [
      ["a", ["x y", "z"], undefined],
      ["b", ["'\\.", '"', "${v}x", "\\;"], undefined],
      ["c#d", ["e"], undefined],
      [
        "f",
        [],
        [
          ["g", ["h"]],
          ["i", ["}"]],
        ],
      ],
    ],
  );
});

for (const [what, text] of Object.entries({
  "an open block": "http { server {",
  "a brace too many": "http { } }",
  "a directive without its end": "http { listen 80 }",
  "an open quote": 'a "b;',
  "a block without a name": "{ a b; }",
})) {
  test(`${what} is a mistake with its line, and nothing is imported`, () => {
    const made = importNginx({ file: "nginx.conf", text: `\n${text}` }, noFiles);
    assert.equal(made.kind, "unreadable");
    if (made.kind === "unreadable") assert.equal(made.problems[0]!.line, 2);
  });
}

test("a file that includes itself is a mistake, not an endless loop", () => {
  const text = "include nginx.conf;";
  const made = importNginx({ file: "nginx.conf", text }, () => [{ file: "nginx.conf", text }]);
  assert.equal(made.kind, "unreadable");
});

test("included files stand where they are included, and the report names them", () => {
  const files = {
    "sites/*.conf": [
      { file: "sites/a.conf", text: "server { listen 80; server_name a.test; include proxy.inc; }" },
      { file: "sites/b.conf", text: "\nserver { listen 80; server_name b.test; return 403; }" },
    ],
    "proxy.inc": [{ file: "proxy.inc", text: "location / { proxy_pass http://127.0.0.1:1; }" }],
  } as Readonly<Record<string, readonly { file: string; text: string }[]>>;
  const made = imported(
    "events {} http { include sites/*.conf; include gone.conf; }",
    (pattern) => files[pattern] ?? "not read: there is no such file",
  );
  assert.equal(made.report.routes, 2);
  assert.ok(
    made.report.rows.some(
      ({ file, line, name }) => file === "sites/b.conf" && line === 2 && name === "server",
    ),
  );
  const gone = made.report.rows.find(({ text }) => text === "include gone.conf")!;
  assert.equal(gone.verdict, "needs_you");
  assert.match(gone.explanation, /no such file/);
});

const golden = path.join(import.meta.dirname, "golden/nginx");

for (const file of globSync("*.conf", { cwd: golden }).sort()) {
  test(`${file}: every directive is in the report once`, () => {
    const text = readFileSync(path.join(golden, file), "utf8");
    const rows = imported(text).report.rows.filter(({ name }) => !/^Sec[A-Z]/.test(name));
    // Counted without the reader: what ends in `;` or opens a block, outside of quotes, comments, code and maps.
    const bare = text
      .replace(/\{\n\s*if ngx[\s\S]*?\n {12}\}/g, ";")
      .replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, "q")
      .replace(/#.*$/gm, "")
      .replace(/^(\s*map [^{]*)\{[^}]*\}/gm, "$1;");
    assert.equal(rows.length, [...bare.matchAll(/[;{]/g)].length);
    assert.equal(new Set(rows.map((row) => `${row.line} ${row.where} ${row.text}`)).size, rows.length);
  });
}

test("nothing that a value holds can become a key, a table or a second line", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom(
      '"\n[admin]\nlisten = "0.0.0.0:1"',
      "''']]\n[[route]]",
      "\u2028[x]",
      "\\",
      '"""',
      "\u0085a",
    ),
  );
  const quoted = (text: string): string => `"${text.replace(/(["\\])/g, "\\$1")}"`;
  fc.assert(
    fc.property(hostile, hostile, hostile, (name, where, value) => {
      const text = `events {} http { upstream ${quoted(`u${name}`)} { server 127.0.0.1:1; }
        server { listen 80; server_name a.test; ssl_certificate ${quoted(value)}; ssl_certificate_key ${quoted(value)};
        listen 443 ssl;
        location ${quoted(`/x${where}`)} { proxy_pass ${quoted(`http://u${name}`)}; proxy_set_header ${quoted(name)} ${quoted(value)};
          proxy_ssl_name ${quoted(value)}; if ($http_user_agent ~ ${quoted(value)}) { return 403; } } } }`;
      const made = importNginx({ file: value, text }, noFiles);
      if (made.kind === "unreadable") return;
      const tables = parse(made.toml) as Readonly<Record<string, unknown>>;
      for (const table of Object.keys(tables))
        assert.ok(
          ["server", "tls", "header_profile", "upstream", "route", "list", "waf_profile"].includes(table),
          table,
        );
      assert.ok((tables["route"] as readonly unknown[]).length <= 2);
      assert.doesNotMatch(made.toml.replaceAll("\n", ""), /[\p{Cc}\u2028\u2029]/u);
    }),
  );
});

test("a protected place that cannot be translated is closed, never open", () => {
  const proxied = "proxy_pass http://127.0.0.1:1;";
  for (const guard of [
    'auth_basic "x"; auth_basic_user_file f;',
    "auth_jwt realm;",
    "satisfy any; allow 10.0.0.1; deny all;",
    "allow 10.0.0.1; deny 10.0.0.0/8; allow 10.0.0.0/7; deny 192.168.0.1; deny all;",
    "allow unix:; deny all;",
    "internal;",
    "auth_request /nowhere;",
    "access_by_lua_block { return }",
    "access_by_lua_file x.lua;",
    'if ($cookie_staff = "") { return 403; }',
    "limit_except GET { allow 10.0.0.1; deny all; }",
    "secure_link $arg_md5;",
    "rewrite ^/x/(.*) /$1 last;",
    "rewrite ^/x/(.*) /$1?a=b break;",
    "rewrite (?<!y)x / break;",
    "return 444;",
    "return 301 $arg_where;",
  ]) {
    const { route, list } = configOf(
      inServer(`location /x/ { ${guard} ${proxied} } location / { ${proxied} }`),
    );
    const x = route.find(({ path: at }) => at === "/x/{*rest}")!;
    assert.ok((x["lists"] as readonly string[]).includes("closed"), guard);
    assert.deepEqual(list!["closed"], { action: "deny", cidrs: ["0.0.0.0/0", "::/0"] });
  }
});

test("certificates of clients are asked for, or the route is closed", () => {
  const at = (guard: string) =>
    configOf(
      `events {} http { server { listen 443 ssl; ssl_certificate a.crt; ssl_certificate_key a.key; ${guard} location / { proxy_pass http://127.0.0.1:1; } } }`,
    );
  const asked = at("ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl crl.pem;");
  assert.equal(asked.route[0]!["client_auth"], "required");
  assert.equal(asked.tls!["client_ca_path"], "ca.pem");
  assert.equal(asked.tls!["client_crl_path"], "crl.pem");
  for (const guard of ["ssl_verify_client on;", "ssl_verify_client optional; ssl_client_certificate ca.pem;"])
    assert.deepEqual(at(guard).route[0]!["lists"], ["closed"], guard);
});

test("no list lets anybody into a closed route", () => {
  const guard = 'allow 10.0.0.1; deny 10.0.0.0/8; auth_basic "x";';
  const { route } = configOf(inServer(`location / { ${guard} proxy_pass http://127.0.0.1:1; }`));
  assert.deepEqual(route[0]!["lists"], ["closed", "denied"]);
});

test("nobody is believed because everybody was", () => {
  const at = (block: string) =>
    configOf(inServer(`set_real_ip_from ${block}; location / { proxy_pass http://127.0.0.1:1; }`));
  assert.equal(at("0.0.0.0/0").server["trusted_proxies"], undefined);
  assert.deepEqual(at("10.0.0.0/8").server["trusted_proxies"], ["10.0.0.0/8"]);
});

test("a level of fields replaces those around it", () => {
  const at = (inner: string) =>
    configOf(inServer(`proxy_set_header Host $host; location / { ${inner} proxy_pass http://127.0.0.1:1; }`))
      .upstream;
  assert.equal(Object.values(at(""))[0]!["preserve_host"], true);
  assert.equal(Object.values(at("proxy_set_header X-A b;"))[0]!["preserve_host"], undefined);
});

test("rates keep their arithmetic", () => {
  const text = `events {} http { limit_req_zone $binary_remote_addr zone=a:1m rate=30r/m;
    server { listen 80; server_name a.test; location / { limit_req zone=a burst=5 nodelay; proxy_pass http://127.0.0.1:1; } } }`;
  assert.deepEqual(configOf(text).limit, { a: { rate: 30, window_secs: 60, burst: 6 } });
  assert.match(rowOf(imported(text).report.rows, "limit_req").explanation, /429, not 503/);
});

test("a pool keeps its weights and loses who is down or a stand-in, and says so", () => {
  const text = `events {} http { upstream u { server 10.0.0.1 weight=3; server 10.0.0.2:81 backup; server 10.0.0.3 down; least_conn; keepalive 7; }
    server { listen 80; location / { proxy_pass https://u; proxy_read_timeout 5m; } } }`;
  assert.deepEqual(configOf(text).upstream["u"], {
    urls: [{ url: "https://10.0.0.1", weight: 3 }],
    load_balancing: "least_requests",
    keepalive: 7,
    connect_timeout_ms: 60_000,
    request_timeout_ms: 300_000,
    idle_timeout_ms: 300_000,
    health: { interval_ms: 0 },
  });
  const servers = imported(text).report.rows.filter(
    ({ name, where }) => name === "server" && where === "upstream u",
  );
  assert.deepEqual(
    servers.map(({ verdict }) => verdict),
    ["translated", "needs_you", "translated"],
  );
});

test("the plain listener redirects when some server does, and serves when none does", () => {
  const tls = "ssl_certificate a; ssl_certificate_key b; location / { proxy_pass http://127.0.0.1:1; }";
  const both = `events {} http { server { listen 80; listen 443 ssl; server_name a.test; ${tls} } }`;
  assert.equal(configOf(both).server["http_mode"], "serve");
  const redirect = `events {} http { server { listen 80; return 301 https://$host$request_uri; } server { listen 443 ssl; server_name a.test; ${tls} } }`;
  assert.equal(configOf(redirect).server["http_mode"], "redirect");
  assert.equal(verdictOf(redirect, "return"), "translated");
  const secure = `events {} http { server { listen 443 ssl; server_name a.test; ${tls} } }`;
  assert.equal(configOf(secure).server["listen_http"], undefined);
});

test("exclusions of the Core Rule Set become those of the class, at the place that they name", () => {
  const rules = `modsecurity on; modsecurity_rules 'SecRuleEngine On
    SecRuleUpdateTargetById 942100 "!ARGS_GET:q"
    SecAction "id:1,phase:1,pass,ctl:ruleRemoveTargetById=941000-941999;REQUEST_HEADERS:Referer"';`;
  const { exclude, route } = configOf(inServer(`location / { ${rules} proxy_pass http://127.0.0.1:1; }`));
  assert.deepEqual(
    exclude!.map(({ rule, field }) => `${rule} ${field}`),
    ["sqli query:q", "nosql query:q", "xss header:referer"],
  );
  assert.equal(route[0]!["waf_shadow"], undefined);
});

test("code is refused, and what nobody knows needs somebody", () => {
  const text = inServer(
    "js_content a.b; content_by_lua_file x.lua; some_module on; location / { proxy_pass http://127.0.0.1:1; }",
  );
  assert.equal(verdictOf(text, "js_content"), "refused");
  assert.equal(verdictOf(text, "content_by_lua_file"), "refused");
  assert.equal(verdictOf(text, "some_module"), "needs_you");
});
