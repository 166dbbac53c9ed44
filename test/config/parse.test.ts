import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { codes } from "../../src/config/codes.ts";
import { certificate, codesAt, goodConfig, minimal, parseText, withFiles } from "../support/config-case.ts";

const pair = certificate();
const other = certificate();
const expired = certificate(Date.now() - 400 * 86_400_000);
const future = certificate(Date.now() + 400 * 86_400_000);
const files = {
  "/etc/zion/a.crt": pair.certPem,
  "/etc/zion/a.key": pair.keyPem,
  "/etc/zion/open.key": pair.keyPem,
  "/etc/zion/other.key": other.keyPem,
  "/etc/zion/expired.crt": expired.certPem,
  "/etc/zion/expired.key": expired.keyPem,
  "/etc/zion/future.crt": future.certPem,
  "/etc/zion/future.key": future.keyPem,
  "/etc/zion/broken.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  "/etc/zion/broken.key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
  "/etc/zion/locked.key":
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
  "/etc/zion/empty.crt": "",
  "/etc/zion/der.crt": "\x30\x82\x01\x02",
};
const options = withFiles(files, { "/etc/zion/open.key": 0o100644 });
/** Test files with cases of further codes. */
const elsewhere = [
  "acme.test.ts",
  "audit.test.ts",
  "certificate.test.ts",
  "client-auth.test.ts",
  "waf.test.ts",
  "auth.test.ts",
  "lists.test.ts",
  "mesh.test.ts",
  "state-directory.test.ts",
  "renames.test.ts",
  "./static.test.ts",
];

/** Sections that complete a fragment, so that a case shows only its own problem. */
const server = '[server]\nlisten_http = "0.0.0.0:8080"\n';
const app = '[upstream.app]\nurl = "http://127.0.0.1:3000"\n';
const route = '[[route]]\npath = "/"\nupstream = "app"\n';

interface Case {
  readonly title: string;
  readonly toml: string | Uint8Array;
  /** "code line:column" of every diagnostic. */
  readonly found: readonly string[];
}

/** A server key on line 3 of an otherwise good file. */
const inServer = (title: string, line: string, ...found: readonly string[]): Case => ({
  title,
  toml: `${server}${line}\n${app}${route}`,
  found,
});
/** An upstream key on line 2. */
const inUpstream = (title: string, lines: string, ...found: readonly string[]): Case => ({
  title,
  toml: `[upstream.app]\n${lines}\n${server}${route}`,
  found,
});
/** A route key on line 2. */
const inRoute = (title: string, lines: string, ...found: readonly string[]): Case => ({
  title,
  toml: `[[route]]\n${lines}\n${server}${app}`,
  found,
});
/** Lines of [tls] from line 2, with a TLS listener. */
const inTls = (title: string, lines: string, ...found: readonly string[]): Case => ({
  title,
  toml: `[tls]\n${lines}\n[server]\nlisten_https = "0.0.0.0:8443"\n${app}${route}`,
  found,
});

const a = 'cert_path = "a.crt"\nkey_path = "a.key"';

const cases: readonly Case[] = [
  // The file as a whole.
  { title: "an empty file", toml: "", found: ["Z1006 0:0"] },
  { title: "a file of blanks and comments", toml: "# nothing\n\n", found: ["Z1006 0:0"] },
  { title: "broken UTF-8", toml: Uint8Array.of(0x61, 0x3d, 0xff), found: ["Z1002 0:0"] },
  { title: "UTF-16", toml: Buffer.from("a = 1", "utf16le"), found: ["Z1002 1:2"] },
  { title: "a NUL", toml: "a = 1\nb = \0", found: ["Z1002 2:5"] },
  { title: "more than 1 MiB", toml: `#${"x".repeat(1_048_576)}`, found: ["Z1003 0:0"] },
  { title: "a syntax error", toml: '[server]\nlisten_http = 0.0.0.0:8080"\n', found: ["Z1004 2:18"] },
  { title: "a key given twice", toml: `${server}listen_http = "0.0.0.0:1"\n`, found: ["Z1004 3:1"] },
  { title: "a table given twice", toml: `${server}${server}`, found: ["Z1004 3:2"] },
  { title: "__proto__", toml: `${minimal}__proto__ = 1\n`, found: ["Z1004 10:1"] },
  {
    title: "an integer beyond 2^53",
    toml: `${minimal}max_body_mb = 99999999999999999999\n`,
    found: ["Z1004 10:15"],
  },
  { title: "nested arrays", toml: `a = ${"[".repeat(2000)}`, found: ["Z1005 1:21"] },
  { title: "nested dotted keys", toml: `a${".a".repeat(50_000)} = 1`, found: ["Z1005 0:0"] },
  {
    title: "100,000 keys",
    toml: Array.from({ length: 100_000 }, (_, i) => `k${i}=1`).join("\n"),
    found: ["Z1005 0:0"],
  },
  {
    title: "a newer schema_version, and nothing else",
    toml: `schema_version = 2\n[servr]\n`,
    found: ["Z1010 1:18"],
  },
  { title: "schema_version 0", toml: `schema_version = 0\n${minimal}`, found: ["Z1010 1:18"] },
  {
    title: "a schema_version of the wrong type",
    toml: `schema_version = "1"\n${minimal}`,
    found: ["Z1043 1:18"],
  },
  { title: "no [server]", toml: `${app}${route}`, found: ["Z1046 0:0"] },
  { title: "no route", toml: `${server}${app}`, found: ["Z1213 0:0"] },

  // Names.
  inServer("an unknown key", 'xff_mod = "drop"', "Z1042 3:1"),
  inServer("a key in kebab case", "max-headers = 9", "Z1042 3:1"),
  {
    title: "a misspelt table, without the follow-up that it is missing",
    toml: `[sever]\nlisten_http = "0.0.0.0:8080"\n${app}${route}`,
    found: ["Z1041 1:2"],
  },
  {
    title: "[[routes]], without the follow-up that there is no route",
    toml: `${server}${app}[[routes]]\npath = "/"\n`,
    found: ["Z1041 5:3"],
  },
  {
    title: "a quoted unknown key with a control character",
    toml: `"\\u001b[31m" = 1\n${minimal}`,
    found: ["Z1042 1:1"],
  },
  inUpstream("an unknown key in a sub-table", 'url = "http://a"\nhealth.pth = "/"', "Z1042 3:8"),
  inUpstream("an unknown key in a member", 'urls = [{ ur = "http://a" }]', "Z1042 2:11"),
  inUpstream(
    "a table that belongs nowhere",
    'url = "http://a"\n[upstream.app.helth]\npath = "/"',
    "Z1041 3:15",
  ),
  {
    title: "keys of later versions",
    toml: `${server}tcp_user_timeout_secs = 5\n${app}${route}[sovereign]\nregion = "x"\n`,
    found: ["Z1047 3:1", "Z1047 10:1"],
  },
  inRoute(
    "a cache profile that is not there",
    'path = "/"\nupstream = "app"\ncache_profile = "x"',
    "Z1210 4:17",
  ),
  {
    title: "a cache profile that no route uses",
    toml: `${server}${app}${route}[cache_profile.x]\nttl_seconds = 5\n`,
    found: ["Z2108 8:16"],
  },
  inRoute(
    "a cache of event streams",
    'path = "/"\nupstream = "app"\nmode = "sse_stream"\ncache_profile = "default"',
    "Z1214 5:1",
  ),
  inRoute(
    "a cache of what the gateway answers itself",
    'path = "/"\ncache_profile = "default"\n[route.respond]\nstatus = 204',
    "Z1214 3:1",
    "Z2107 8:11",
  ),
  {
    title: "a cache of sticky sessions",
    toml: `${server}${app}[upstream.app.sticky]\n${route}mode = "static_cache"\n`,
    found: ["Z1214 9:1"],
  },
  inTls("a protocol that is not served", `${a}\nalpn = ["h2", "spdy/3"]`, "Z1045 4:15"),
  inServer(
    "so few control frames that every client is cut off",
    "h2_control_frames_per_sec = 9",
    "Z1106 3:29",
  ),
  inRoute("a mode that there is not", 'path = "/"\nupstream = "app"\nmode = "statc"', "Z1045 4:8"),
  inRoute(
    "origins that are none",
    'path = "/"\nupstream = "app"\nmode = "websocket"\nwebsocket_origins = ["*", "https://a.test/x", "a.test"]',
    "Z1106 5:27",
    "Z1106 5:47",
  ),
  inRoute(
    "origins where no WebSocket is served",
    'path = "/"\nupstream = "app"\nwebsocket_origins = ["https://a.test"]',
    "Z1214 4:21",
  ),
  inRoute(
    "messages looked at where no WebSocket is served",
    'path = "/"\nupstream = "app"\nwebsocket_inspect = true',
    "Z1214 4:21",
  ),
  inRoute(
    "messages looked at where the WAF is off",
    'path = "/"\nupstream = "app"\nmode = "websocket"\nwaf = false\nwebsocket_inspect = true',
    "Z2110 5:7",
    "Z1214 6:21",
  ),
  inRoute(
    "WebSocket to an upstream of HTTP/2",
    'path = "/"\nupstream = "two"\nmode = "websocket"\n[upstream.two]\nurl = "http://127.0.0.1:9"\nprotocol = "h2c"',
    "Z2114 4:8",
    "Z2107 10:11",
  ),
  inRoute(
    "a route that takes more than the WAF",
    'path = "/"\nupstream = "app"\nmax_body_mb = 11',
    "Z2120 4:15",
  ),
  inRoute(
    "a route that takes more than its profile, and nobody more than [server] where it is a shadow",
    'path = "/"\nupstream = "app"\nwaf_profile = "few"\nmax_body_mb = 2\n[[route]]\npath = "/b"\nupstream = "app"\nwaf_shadow = true\nmax_body_mb = 90\n[waf_profile.few]\nmax_body_mb = 1',
    "Z2120 5:15",
  ),
  inRoute(
    "nobody whose profile takes less than what was never raised",
    'path = "/"\nupstream = "app"\nwaf_profile = "few"\n[waf_profile.few]\nmax_body_mb = 1',
  ),
  inServer("a server that takes more than the WAF", "max_body_mb = 20", "Z2120 3:15"),

  // Types and ranges.
  inServer("a string for a number", 'max_headers = "ten"', "Z1043 3:15"),
  inServer("a fraction", "max_headers = 9.5", "Z1043 3:15"),
  inServer("nan", "max_headers = nan", "Z1043 3:15"),
  inServer("a number below its range", "max_headers = -1", "Z1043 3:15"),
  inServer("a number above its range", "workers = 257", "Z1043 3:11"),
  inServer("a value that is not listed", 'xff_mode = "rewite"', "Z1045 3:12"),
  inServer("two bad elements of one array", "trusted_proxies = [1, 2]", "Z1043 3:20", "Z1043 3:23"),
  { title: "a value where a table belongs", toml: `server = 3\n${app}${route}`, found: ["Z1043 1:10"] },
  { title: "[route] for [[route]]", toml: `${server}${app}[route]\npath = "/"\n`, found: ["Z1043 5:2"] },
  inUpstream("a weight of zero", 'urls = [{ url = "http://a", weight = 0 }]', "Z1043 2:38"),

  // Listeners.
  inServer(
    "a name for a listen address",
    'listen_https = "localhost:8443"\n[tls]\ncert_path = "/etc/zion/a.crt"\nkey_path = "/etc/zion/a.key"',
    "Z1101 3:16",
  ),
  { title: "no listener", toml: `[server]\n${app}${route}`, found: ["Z1221 1:2"] },
  {
    title: "a bad listener, without the follow-up that there is none",
    toml: `[server]\nlisten_http = 8080\n${app}${route}`,
    found: ["Z1043 2:15"],
  },
  {
    title: "TLS without [tls]",
    toml: `[server]\nlisten_https = "0.0.0.0:8443"\n${app}${route}`,
    found: ["Z1222 2:16"],
  },
  inServer("one address twice", `[telemetry]\nlisten = "127.0.0.1:8080"`, "Z1220 4:10"),
  inServer("an open admin listener", `[admin]\nlisten = "0.0.0.0:9180"`, "Z1223 4:10"),
  inServer(
    "an admin socket without a state directory",
    `[admin]\nlisten = "unix:/run/zion.sock"`,
    "Z1225 4:10",
  ),
  inServer("writing without a token", "[admin]\nwrite = true", "Z1226 4:9"),
  inServer(
    "an admin token that has expired",
    `[admin.token.ci]\nsha256 = "${"0".repeat(64)}"\nexpires = 2020-01-01`,
    "Z2117 5:11",
  ),
  inServer("a token for the name of its variable", `[admin]\nwrite_token_env = "s3cr3t-t0ken"`, "Z1106 4:19"),
  inServer(
    "a bad block and a block with host bits",
    'trusted_proxies = ["10.0.0.0/33", "10.1.2.3/8"]',
    "Z1102 3:20",
    "Z1102 3:35",
  ),
  inServer("trust in everyone", 'trusted_proxies = ["0.0.0.0/0", "::/0"]', "Z2101 3:20", "Z2101 3:33"),

  // TLS files.
  inTls("no key", 'cert_path = "a.crt"', "Z1046 1:2"),
  inTls("a missing file", 'cert_path = "no.crt"\nkey_path = "a.key"', "Z1301 2:13"),
  inTls("a certificate and another's key", 'cert_path = "a.crt"\nkey_path = "other.key"', "Z1303 3:12"),
  inTls("files in the wrong places", 'cert_path = "a.key"\nkey_path = "a.crt"', "Z1302 2:13", "Z1302 3:12"),
  inTls("broken PEM", 'cert_path = "broken.crt"\nkey_path = "broken.key"', "Z1302 2:13", "Z1302 3:12"),
  inTls("an empty file", 'cert_path = "empty.crt"\nkey_path = "a.key"', "Z1302 2:13"),
  inTls("DER", 'cert_path = "der.crt"\nkey_path = "a.key"', "Z1302 2:13"),
  inTls("an encrypted key", 'cert_path = "a.crt"\nkey_path = "locked.key"', "Z1304 3:12"),
  inTls("an expired certificate", 'cert_path = "expired.crt"\nkey_path = "expired.key"', "Z2102 2:13"),
  inTls("a certificate of the future", 'cert_path = "future.crt"\nkey_path = "future.key"', "Z2102 2:13"),
  inTls("a key others can read", 'cert_path = "a.crt"\nkey_path = "open.key"', "Z1314 3:12"),
  inTls("a certificate for another name", `${a}\n[[tls.sni]]\nserver_name = "b.test"\n${a}`, "Z2106 6:13"),
  inTls(
    "one server name twice",
    `${a}\n[[tls.sni]]\nserver_name = "a.test"\n${a}\n[[tls.sni]]\nserver_name = "A.test"\n${a}`,
    "Z1211 9:15",
  ),
  inTls("an entry without its name", `${a}\n[[tls.sni]]\n${a}`, "Z1046 4:7"),

  // Upstreams.
  inUpstream("no member", "keepalive = 1", "Z1046 1:11"),
  inUpstream("a bad member, without the follow-up that there is none", "url = 3", "Z1043 2:7"),
  inUpstream("credentials in a URL", 'url = "http://u:p@a"', "Z1105 2:7"),
  inUpstream("a scheme that is not spoken", 'url = "ftp://a"', "Z1105 2:7"),
  inUpstream("a member twice", 'urls = ["http://a", "http://A:80/"]', "Z1211 2:21"),
  inUpstream("tls and a plain URL", 'url = "http://a"\ntls = true', "Z1214 3:7"),
  inUpstream("no tls and an https URL", 'url = "https://a"\ntls = false', "Z1214 3:7"),
  inUpstream(
    "a client certificate without its key",
    'url = "https://a"\nclient_cert_path = "a.crt"',
    "Z1214 3:20",
  ),
  inUpstream("TLS keys for a plain upstream", 'url = "http://a"\nserver_name = "b"', "Z1214 3:15"),
  inUpstream(
    "a client certificate with another's key",
    'url = "https://a"\nclient_cert_path = "a.crt"\nclient_key_path = "other.key"',
    "Z1303 4:19",
  ),
  inUpstream("a CA file without a certificate", 'url = "https://a"\nca_path = "a.key"', "Z1302 3:11"),
  inUpstream(
    "ejection from a pool of one",
    'url = "http://a"\n[upstream.app.outlier_detection]\neject_secs = 1',
    "Z1214 3:15",
  ),
  inUpstream(
    "bad statuses",
    'url = "http://a"\nhealth.expected_status = ["2xx", 700, "399-200", 204]',
    "Z1106 3:27",
    "Z1106 3:34",
    "Z1106 3:39",
  ),
  inUpstream("a bad hash key", 'url = "http://a"\nhash_key = "header:"', "Z1106 3:12"),
  inUpstream("a hash key that nothing uses", 'url = "http://a"\nhash_key = "path"', "Z2108 3:12"),
  inUpstream(
    "a cookie that another upstream has",
    'url = "http://a"\nsticky = { cookie = "k" }\n[upstream.b]\nurl = "http://b"\nsticky = { cookie = "k" }',
    "Z2107 4:11",
    "Z2118 6:21",
  ),
  inUpstream(
    "a sticky cookie that browsers drop",
    'url = "http://a"\nsticky = { same_site = "none" }',
    "Z1106 3:24",
  ),
  {
    title: "an upstream in both forms",
    toml: `[upstreams]\napp = "http://a"\n${minimal}`,
    found: ["Z1211 2:1"],
  },
  {
    title: "a name with a space",
    toml: `${server}[upstream."a b"]\nurl = "http://a"\n[[route]]\npath = "/"\nupstream = "a b"\n`,
    found: ["Z1110 3:11"],
  },
  {
    title: "an upstream nobody uses",
    toml: `${minimal}[upstream.spare]\nurl = "http://a"\n`,
    found: ["Z2107 10:11"],
  },

  // Routes.
  inRoute("no path and no upstream", 'name = "x"', "Z1046 1:3", "Z1046 1:3"),
  inRoute(
    "a misspelt key, without the follow-up that it is missing",
    'path = "/"\nupstreem = "app"',
    "Z1042 3:1",
  ),
  inRoute("an upstream that is not defined", 'path = "/"\nupstream = "ap"', "Z1210 3:12"),
  inRoute("a pattern without its slash", 'path = "api"\nupstream = "app"', "Z1104 2:9"),
  inRoute("a rest in the middle", 'path = "/{*a}/b"\nupstream = "app"', "Z1104 2:14"),
  inRoute("a parameter that is part of a segment", 'path = "/a{b}"\nupstream = "app"', "Z1104 2:11"),
  inRoute("a query in a pattern", 'path = "/a?b=1"\nupstream = "app"', "Z1104 2:11"),
  inRoute("the gateway's own paths", 'path = "/_zion/x"\nupstream = "app"', "Z1104 2:8"),
  inRoute("another router's wildcard", 'path = "/a/*"\nupstream = "app"', "Z2109 2:8"),
  inRoute(
    "bad hosts",
    'path = "/"\nupstream = "app"\nhosts = ["https://a.test", "a.test:80", "a.*", "b.test"]',
    "Z1103 4:10",
    "Z1103 4:28",
    "Z1103 4:41",
  ),
  inRoute("no hosts", 'path = "/"\nupstream = "app"\nhosts = []', "Z1106 4:9"),
  inRoute(
    "bad methods",
    'path = "/"\nupstream = "app"\nmethods = ["get", "CONNECT"]',
    "Z1045 4:12",
    "Z1045 4:19",
  ),
  inRoute(
    "the same name twice",
    'path = "/a"\nupstream = "app"\nname = "x"\n[[route]]\npath = "/b"\nupstream = "app"\nname = "x"',
    "Z1211 8:8",
  ),
  inRoute(
    "the same pattern by other names",
    'path = "/a/{x}"\nupstream = "app"\n[[route]]\npath = "/a/{y}"\nupstream = "app"',
    "Z1212 5:8",
  ),
  inRoute(
    "one host in common",
    'path = "/"\nupstream = "app"\nhosts = ["a.test", "b.test"]\n[[route]]\npath = "/"\nupstream = "app"\nhosts = ["b.test", "c.test"]',
    "Z1212 6:8",
  ),
  inRoute("a duration in words", 'path = "/"\nupstream = "app"\nmax_body_mb = "ten"', "Z1043 4:15"),
  inServer("a route that declares nothing", "require_route_auth = true", "Z1224 6:3"),

  // The log.
  inServer(
    "a credential in the log",
    '[access_log]\ninclude_headers = ["Cookie", "a b", "referer"]',
    "Z1106 4:20",
    "Z1106 4:30",
  ),
];

for (const { title, toml, found } of cases) {
  test(`points at ${title}`, () => {
    assert.deepEqual(codesAt(toml, options), found);
  });
}

test("every code of the catalogue is reached by a case", () => {
  const reached = new Set(cases.flatMap(({ found }) => found.map((text) => text.split(" ")[0])));
  for (const file of elsewhere) {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
    // As an expected diagnostic: the code and its place.
    for (const [, code] of text.matchAll(/"(Z\d{4}) \d+:\d+/g)) reached.add(code!);
  }
  // A file that cannot be read is the command line's to report.
  const missing = Object.keys(codes).filter((code) => code !== "Z1001" && !reached.has(code));
  assert.deepEqual(missing, []);
});

test("a warning does not stop the config, an error does", () => {
  const warned = parseText(`${server}trusted_proxies = ["0.0.0.0/0"]\n${app}${route}`);
  assert.equal(warned.diagnostics.length, 1);
  assert.deepEqual(warned.config?.server.trustedProxies, ["0.0.0.0/0"]);
  assert.equal(parseText(`${server}max_headers = 1\n${app}${route}`).config, undefined);
});

test("accepts a byte order mark and CRLF, and counts columns without them", () => {
  assert.deepEqual(goodConfig(`\uFEFF${minimal.replaceAll("\n", "\r\n")}`), goodConfig(minimal));
  assert.deepEqual(codesAt(Buffer.from(`\uFEFFnope = 1\r\n${minimal.replaceAll("\n", "\r\n")}xyz = 1\r\n`)), [
    "Z1042 1:1",
    "Z1042 11:1",
  ]);
});

test("counts columns in characters", () => {
  // One CJK character is one UTF-16 unit, a mathematical letter two: both are one character.
  assert.deepEqual(codesAt(`${minimal}name = "日本𝒳é"\nhosts = ["𝒳日", "b.test", "a b"]\n`), [
    "Z1110 10:8",
    "Z1103 11:10",
    "Z1103 11:26",
  ]);
});
