import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { test } from "node:test";
import type { ReplayOptions } from "../../src/cli/replay.ts";
import type { ReplayReport } from "../../src/cli/replay-page.ts";
import { type CorpusName, corpusNames, isOwn, readCorpus, sample } from "../eval/corpora.ts";
import { newDirectory } from "../support/directory.ts";
import { fullForm, sharedFolder } from "../support/shared.ts";

// It starts a process for each configuration; the built ones have no types to strip.
const module = process.env["ZION_BUILT"] === "1" ? "../../dist/cli/replay.js" : "../../src/cli/replay.ts";
const { replayCommand } = (await import(module)) as typeof import("../../src/cli/replay.ts");

const base = `schema_version = 1
[server]
listen_http = "127.0.0.1:8080"
[admin]
listen = "off"
[upstream.shop]
url = "http://10.0.0.1"
[[route]]
name = "search"
path = "/search"
upstream = "shop"
[[route]]
name = "rest"
path = "/{*rest}"
upstream = "shop"
`;
const excluded = `${base}[[exclude]]\nrule = "sqli-union-select"\nroute = "search"\nfield = "query:q"\n`;
const narrowed = base.replace('name = "rest"', 'name = "rest"\nmethods = ["GET"]');

const requests = [
  { id: "one", expect: "pass", method: "GET", target: "/search?q=sofa", headers: [] },
  {
    id: "two",
    expect: "block",
    method: "GET",
    target: "/search?q=1%20UNION%20SELECT%20a%20FROM%20b",
    headers: [],
  },
  { id: "three", expect: "pass", method: "PUT", target: "/a", headers: [] },
  { id: "four", expect: "pass", method: "PUT", target: "/b", headers: [["Host", "shop.test"]] },
  {
    id: "five",
    expect: "block",
    raw_b64: Buffer.from("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n").toString("base64"),
  },
  { id: "six", expect: "pass", raw_b64: Buffer.from("GET / HTTP/1.1\r\nHo").toString("base64") },
];

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = newDirectory("replay");
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

const jsonl = (values: readonly object[]): string => values.map((one) => `${JSON.stringify(one)}\n`).join("");

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function replay(
  folder: string,
  sources: readonly string[],
  options: Partial<ReplayOptions> = {},
  terminal = false,
): Promise<Ran> {
  let out = "";
  let err = "";
  const code = await replayCommand(
    {
      admin: undefined,
      captureKey: undefined,
      from: undefined,
      failOn: ["allow-to-deny", "deny-to-allow"],
      format: "human",
      ...options,
      sources: sources.map((name) => (name === "running" ? name : path.join(folder, name))),
      config: path.join(folder, options.config ?? "next.toml"),
      against: options.against === undefined ? undefined : path.join(folder, options.against),
    },
    {},
    {
      out: { write: (text) => void (out += text), color: false },
      err: { write: (text) => void (err += text), color: false, terminal },
    },
  );
  return { code, out: out.replaceAll(`${folder}/`, ""), err: err.replaceAll(`${folder}/`, "") };
}

test("two configurations are compared in a table, what differs by route and rule", async () => {
  const folder = folderWith({
    "zion.toml": base,
    "next.toml": excluded,
    "requests.jsonl": jsonl(requests),
  });
  const { code, out, err } = await replay(folder, ["requests.jsonl"], { against: "zion.toml" });
  assert.equal(
    out,
    `6 requests   base: zion.toml   candidate: next.toml
             candidate allow  candidate deny
base allow                 3               0
base deny                  1               1
undecidable      1   the request has no end: a client would be waited for
newly allowed      1x   search   sqli-union-select   query:q   such as two
`,
  );
  assert.equal(err, "");
  assert.equal(code, 1);
});

test("without a base it is what was decided then, or what a corpus expects", async () => {
  const folder = folderWith({ "next.toml": narrowed, "requests.jsonl": jsonl(requests) });
  const { code, out } = await replay(folder, ["requests.jsonl"]);
  assert.match(out, /base: what was decided then/);
  assert.match(out, /^newly refused {6}2x {3}method_route {3}such as three$/m);
  assert.equal(code, 1);
});

test("the exit code says what it was asked to fail on", async () => {
  const folder = folderWith({
    "zion.toml": base,
    "next.toml": excluded,
    "requests.jsonl": jsonl(requests),
  });
  const codeOf = async (failOn: ReplayOptions["failOn"]): Promise<number> =>
    (await replay(folder, ["requests.jsonl"], { against: "zion.toml", failOn })).code;
  assert.equal(await codeOf(["allow-to-deny"]), 0);
  assert.equal(await codeOf(["deny-to-allow"]), 1);
  assert.equal(await codeOf(["undecidable"]), 1);
  assert.equal(await codeOf([]), 0);
});

test("HAR files and lines of curl are requests too; what became of a line nobody knows", async () => {
  const har = {
    log: {
      entries: [
        { request: { method: "GET", url: "http://a.test/search?q=sofa", headers: [] } },
        { request: { method: "POST", url: "http://a.test/", headers: [], bodySize: 9 } },
      ],
    },
  };
  const curl =
    "# two\ncurl 'http://a.test/search?q=1%20UNION%20SELECT%20a%20FROM%20b' \\\n  -H 'A: b'\ncurl http://a.test/ -d a=1\n";
  const files = {
    "zion.toml": base,
    "next.toml": excluded,
    "all.har": JSON.stringify(har),
    "lines.txt": curl,
  };
  const folder = folderWith(files);
  const compared = await replay(folder, ["all.har", "lines.txt"], { against: "zion.toml" });
  assert.match(compared.out, /^4 requests/);
  assert.match(compared.out, /^newly allowed {6}1x {3}search .* such as line 2 GET/m);
  assert.match(compared.out, /^undecidable {6}1 {3}its body is not in the file$/m);
  const alone = await replay(folder, ["lines.txt"]);
  assert.match(
    alone.out,
    /^undecidable {6}2 {3}nobody says what was decided: name a configuration with --against$/m,
  );
});

test("what a HAR file says was answered with success is let through then; an error is anybody's", async () => {
  const asked = (path: string, status: number) => ({
    request: { method: "GET", url: `http://a.test${path}`, headers: [] },
    response: { status },
  });
  const attack = "/search?q=1%20UNION%20SELECT%20a%20FROM%20b";
  const entries = [
    asked("/", 200),
    asked(attack, 200),
    asked(attack, 302),
    asked(attack, 400),
    asked(attack, 0),
  ];
  const folder = folderWith({
    "next.toml": base,
    "all.har": JSON.stringify({ log: { entries } }, undefined, 2),
  });
  const { code, out } = await replay(folder, ["all.har"]);
  assert.match(out, /^5 requests {3}base: what was decided then/);
  assert.match(out, /^base allow {17}1 {15}2 {3}newly refused$/m);
  assert.match(
    out,
    /^newly refused {6}2x {3}search {3}sqli-union-select {3}query:q {3}such as 2 GET http:\/\/a\.test/m,
  );
  assert.match(out, /^undecidable {6}2 {3}nobody says what was decided/m);
  assert.equal(code, 1);
});

test("of an audit log what is certain is compared, and the rest is apart", async () => {
  const record = (rid: string, more: object): object => ({
    cfg: 1,
    kind: "request_blocked",
    rid,
    ts: "2026-11-22T10:00:00.000Z",
    src: { ip: "203.0.113.9" },
    ...more,
  });
  const finding = { decoders: [], end: 17, place: "query:q", rule: "sqli-union-select", start: 2 };
  const waf = {
    findings: [finding],
    gate: "patterns",
    reason: "waf_patterns",
    rule: "sqli-union-select",
    score: 5,
    status: 400,
  };
  const lines = jsonl([
    { kind: "heartbeat", ts: "2026-11-22T10:00:00.000Z" },
    record("a", { out: waf, req: { host: "a", m: "GET", path: "/search", route: "search" } }),
    record("b", { out: waf, req: { host: "a", m: "GET", path: "/other", route: "rest" } }),
    record("c", {
      kind: "request_refused",
      out: { reason: "body_cap", status: 413 },
      req: { host: "a", m: "POST", path: "/x", route: "rest" },
    }),
  ]);
  const folder = folderWith({ "next.toml": `${base}waf_shadow = true\n`, "audit.jsonl": lines });
  const { out, code } = await replay(folder, ["audit.jsonl"]);
  assert.equal(
    out,
    `3 requests   base: what was decided then   candidate: next.toml
             candidate allow  candidate deny
base allow                 0               0
base deny                  1               1
undecidable      1   header fields and body are not stored
newly allowed      1x   rest   sqli-union-select   query:q   such as b
`,
  );
  assert.equal(code, 1);
});

test("the decisions of the gateway that runs are a source", async (t) => {
  const server = http.createServer((_request, response) => response.end('{"decisions":[]}'));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  const admin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = folderWith({ "next.toml": base });
  const { code, out } = await replay(folder, ["running"], { admin });
  assert.match(out, /^0 requests/);
  assert.equal(code, 0);
  assert.equal((await replay(folder, ["running"])).code, 3);
});

test("what is no collection of requests is refused", async () => {
  const folder = folderWith({ "next.toml": base, "bad.toml": "x = 1", "text.txt": "hello\n" });
  assert.deepEqual(await replay(folder, ["text.txt"]), {
    code: 2,
    out: "",
    err: "zion: text.txt: it is neither JSON by line, nor HAR, nor lines of curl\n",
  });
  assert.equal((await replay(folder, ["nowhere"])).code, 3);
  assert.equal((await replay(folder, ["text.txt"], { from: "me" })).code, 2);
  assert.equal((await replay(folder, ["text.txt"], { config: "bad.toml" })).code, 1);
});

test("progress is shown on a terminal, and nowhere else", async () => {
  const folder = folderWith({ "next.toml": base, "requests.jsonl": jsonl(requests) });
  assert.equal((await replay(folder, ["requests.jsonl"], {}, true)).err, "\r6 requests\r\x1b[K");
  assert.equal((await replay(folder, ["requests.jsonl"])).err, "");
});

test("one configuration against itself decides every request of the corpora alike", async (t) => {
  const shared = sharedFolder();
  const cases = corpusNames
    .filter((name: CorpusName) => shared !== undefined || isOwn(name))
    .flatMap((name) => {
      const all = readCorpus(name, shared).cases;
      return fullForm ? all : sample(all, 200);
    });
  const lines = cases.map(({ id, expect, method, target, headers, body, raw }) =>
    raw === undefined
      ? { id, expect, method, target, headers, body_b64: Buffer.from(body).toString("base64") }
      : { id, expect, raw_b64: Buffer.from(raw).toString("base64") },
  );
  const folder = folderWith({ "zion.toml": base, "next.toml": base, "corpora.jsonl": jsonl(lines) });
  const { out, code } = await replay(folder, ["corpora.jsonl"], { against: "zion.toml", format: "json" });
  const report = JSON.parse(out) as ReplayReport & { readonly format_version: string };
  assert.equal(report.format_version, "1.0");
  assert.equal(report.total, cases.length);
  assert.ok(report.total >= 500, `only ${report.total} requests`);
  assert.deepEqual(report.flips, []);
  assert.equal(report.otherReason, 0);
  assert.equal(code, 0);
  const undecided = report.undecidable.reduce((sum, { count }) => sum + count, 0);
  assert.ok(undecided <= report.total * 0.01, JSON.stringify(report.undecidable));
  t.diagnostic(
    `${report.total} requests, ${undecided} of them undecidable: ${report.denyDeny} refused by both`,
  );
});
