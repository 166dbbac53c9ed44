import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { diskAccess } from "../../src/config/files.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { openExplainer } from "../../src/explain/explainer.ts";
import type { ExplainedDecision } from "../../src/explain/explanation.ts";
import type { Question } from "../../src/explain/question.ts";
import { bytesOf, type EvalCase } from "../eval/case.ts";
import { type CorpusName, corpusNames, isOwn, readCorpus, sample } from "../eval/corpora.ts";
import { Lane } from "../eval/lane.ts";
import { arbitraryHead, damagedHead } from "../support/arbitrary-head.ts";
import { newDirectory } from "../support/directory.ts";
import { type LogEvent, startGateway } from "../support/gateway.ts";
import { sharedFolder } from "../support/shared.ts";
import { makeToken } from "../support/tokens.ts";

// That explanations come from the code that decides: whatever is asked, they say what the running gateway does.

const secret = "0123456789abcdef0123456789abcdef";

/** Routes that differ in all that gates ask for; the corpora meet the last one. */
const routes = (port: number, secretFile: string): string => `
schema_version = 1
[server]
workers = 1
shutdown_delay_ms = 0
internal_networks = ["10.0.0.0/8"]
trusted_proxies = ["127.0.0.1"]
lists = ["bots"]
max_body_mb = 1
header_timeout_ms = 1000
body_idle_timeout_ms = 1000

[list.bots]
user_agents = ["BadBot"]

[list.browsers]
action = "allow"
user_agents = ["Mozilla"]

[limit.plenty]
rate = 1000000
window_secs = 60

[auth_profile.users]
algorithm = "HS256"
secret_file = "${secretFile}"

[waf_profile.keen]
sensitivity = 3
threshold = 3

[upstream.origin]
url = "http://127.0.0.1:${port}"

[[route]]
name = "users"
path = "/users/{*rest}"
upstream = "origin"
auth_profile = "users"

[[route]]
name = "inner"
path = "/inner/{*rest}"
upstream = "origin"
internal_only = true

[[route]]
name = "browsers"
path = "/browsers/{*rest}"
upstream = "origin"
lists = ["browsers"]

[[route]]
name = "pages"
path = "/pages/{*rest}"
methods = ["GET", "POST"]
upstream = "origin"
refuse_encoded_slash = true
limits = ["plenty"]
[route.cors]
allowed_origins = ["https://a.test"]

[[route]]
name = "shadow"
path = "/shadow/{*rest}"
upstream = "origin"
waf_shadow = true

[[route]]
name = "keen"
path = "/keen/{*rest}"
upstream = "origin"
waf_profile = "keen"

[[route]]
name = "bare"
path = "/bare/{*rest}"
upstream = "origin"
waf = false
max_body_mb = 1

[[route]]
name = "rest"
path = "/{*rest}"
upstream = "origin"
`;

test("what explain says is what the gateway does, over corpora and random requests", async (t) => {
  const folder = newDirectory("explain");
  const secretFile = path.join(folder, "secret");
  writeFileSync(secretFile, secret);
  const text = routes(await startPatientOrigin(t), secretFile);
  const gateway = await startGateway(t, text.replace("schema_version = 1\n", ""));
  const cases = [...corpusCases(), ...randomCases()];
  const lane = new Lane(gateway.port, 8000);
  const answers = [];
  for (const one of cases) answers.push(await lane.send(one));
  lane.close();
  gateway.signal("SIGTERM");
  await gateway.exited;
  const logged = new Map(gateway.accessLog().map((line) => [String(line["zion.request_id"]), line]));

  const { config } = parseConfig(text.replace("[server]", '[server]\nlisten_http = "127.0.0.1:8080"'), {
    file: "zion.toml",
    ...diskAccess(),
  });
  const explainer = await openExplainer({ config: config!, generation: 0, environment: process.env });
  t.after(() => explainer.close());
  const explanations = await explainer.explain(cases.map(questionOf));

  const faults: string[] = [];
  const outcomes = new Set<string>();
  let compared = 0;
  for (const [index, { decision, undecided }] of explanations.entries()) {
    const answer = answers[index]!;
    const line = logged.get(answer.requestId);
    // A client that never ends its request is timed out: explain says that there is no end.
    if (undecided.length > 0) continue;
    compared++;
    const mine = explainedText(decision);
    outcomes.add(mine.replace(/ \d+ points/, ""));
    const theirs = line === undefined ? `no line (${answer.status})` : loggedText(line);
    if (mine !== theirs) faults.push(`${cases[index]!.id}: explained ${mine}; done ${theirs}`);
  }
  assert.deepEqual(faults, []);
  assert.ok(compared >= 500, `only ${compared} compared`);
  assert.ok(compared >= cases.length * 0.97, `${cases.length - compared} of ${cases.length} undecided`);
  assert.ok(outcomes.size >= 40, `only ${outcomes.size} outcomes: ${[...outcomes].join("\n")}`);
  t.diagnostic(`${compared} of ${cases.length} requests compared, ${outcomes.size} outcomes`);
});

/** Reads every body whole, and answers everything with 200. */
async function startPatientOrigin(t: TestContext): Promise<number> {
  const options = { maxHeaderSize: 1 << 20, requireHostHeader: false };
  const server = http.createServer(options, (request, response) => {
    request.resume();
    request.on("end", () => response.end("ok"));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function questionOf(one: EvalCase): Question {
  return { bytes: bytesOf(one), from: "127.0.0.1", secure: false, serverName: "", brief: true };
}

function explainedText({
  decision,
  status,
  reason,
  wafGate,
  wafDetail,
  score,
  route,
}: ExplainedDecision): string {
  const said = decision === "answer" ? "allow" : decision;
  return [said, status, reason, wafGate, wafDetail, `${score} points`, route].join(" ");
}

function loggedText(line: LogEvent): string {
  const text = (name: string): string => (typeof line[name] === "string" ? line[name] : "");
  const decision = text("zion.decision");
  const status = Number(line["http.response.status_code"]);
  // The origin answers everything with 200, as nothing of the gateway's own does.
  const own = text("zion.upstream") !== "" && text("zion.reason") === "" ? 0 : status;
  const detail = text("security_rule.name") || text("zion.waf.detail");
  const route = text("http.route");
  const score = Number(line["zion.waf.score"] ?? 0);
  return [
    decision,
    own,
    text("zion.reason"),
    text("zion.waf.gate"),
    detail,
    `${score} points`,
    route === "-" ? "" : route,
  ].join(" ");
}

function corpusCases(): EvalCase[] {
  const shared = sharedFolder();
  const perCorpus = (name: CorpusName): EvalCase[] =>
    shared === undefined && !isOwn(name)
      ? []
      : sample(readCorpus(name, shared).cases, isOwn(name) ? 150 : 60).map((one) => ({
          ...one,
          // The client that sends it must know whether an answer has a body.
          ...(isHead(one) ? { method: "HEAD" } : {}),
          id: `${name} ${one.id}`,
        }));
  return corpusNames.flatMap(perCorpus);
}

function isHead({ raw }: EvalCase): boolean {
  return raw !== undefined && Buffer.from(raw).latin1Slice(0, 5) === "HEAD ";
}

const routePrefixes = [
  "/users",
  "/inner",
  "/browsers",
  "/pages",
  "/shadow",
  "/keen",
  "/bare",
  "",
  "/nowhere",
];

const values = [
  "hello",
  "1' OR '1'='1",
  "1 UNION/**/SELECT password FROM users",
  "<script>alert(1)</script>",
  "../../etc/passwd",
  "%252e%252e%252fetc%252fpasswd",
  "; cat /etc/passwd",
  "${jndi:ldap://x/a}",
  "select a nice sofa",
  "a".repeat(300),
];

function randomCases(): EvalCase[] {
  const token = makeToken(
    { alg: "HS256" },
    { sub: "anna", exp: Math.floor(Date.now() / 1000) + 600 },
    secret,
  );
  const field = fc.oneof(
    fc.constantFrom<readonly [string, string]>(
      ["User-Agent", "Mozilla/5.0"],
      ["User-Agent", "BadBot"],
      ["Origin", "https://a.test"],
      ["Origin", "https://evil.test"],
      ["X-Forwarded-For", "10.1.1.1"],
      ["X-Forwarded-For", "203.0.113.5"],
      ["X-Forwarded-For", "nonsense"],
      ["Authorization", `Bearer ${token}`],
      ["Authorization", "Bearer x.y.z"],
      ["Via", "1.1 other"],
      ["Access-Control-Request-Method", "POST"],
      ["Upgrade", "websocket"],
      ["Cookie", "a=1; b=2"],
    ),
    fc.constantFrom(...values).map((value) => ["X-Note", value] as const),
  );
  const body = fc.oneof(
    fc.constant({ type: "", text: "" }),
    fc
      .constantFrom(...values)
      .map((value) => ({ type: "application/json", text: JSON.stringify({ a: [value] }) })),
    fc.constantFrom(...values).map((value) => ({
      type: "application/x-www-form-urlencoded",
      text: `a=${encodeURIComponent(value)}`,
    })),
    fc.constant({ type: "application/json", text: '{"a":1,"a":2}' }),
    fc.constant({ type: "application/x-unheard-of", text: "abc" }),
    fc.constant({ type: "application/json", text: JSON.stringify("x".repeat(1_100_000)) }),
  );
  const made = fc
    .record({
      prefix: fc.constantFrom(...routePrefixes),
      path: fc.constantFrom("/a", "/a%2Fb", "/a//b", "/../x", "/a%00", "/a/b.php"),
      value: fc.constantFrom(...values),
      isEncoded: fc.boolean(),
      method: fc.constantFrom("GET", "GET", "POST", "PUT", "OPTIONS", "DELETE", "TRACE"),
      fields: fc.uniqueArray(field, { maxLength: 4, selector: ([name]) => name }),
      body,
    })
    .map(({ prefix, path, value, isEncoded, method, fields, body: sent }, index = 0): EvalCase => {
      const query = isEncoded ? encodeURIComponent(value) : value.replace(/[^!-~]/g, "+");
      const headers = [...fields, ...(sent.type === "" ? [] : [["Content-Type", sent.type] as const])];
      const target = `${prefix}${path}?q=${query}`;
      return {
        id: `random ${method} ${target} ${JSON.stringify(headers)} ${sent.text.slice(0, 60)} ${index}`,
        category: "random",
        expect: "either",
        method,
        target,
        headers,
        body: Buffer.from(sent.text, "utf8"),
      };
    });
  const heads = fc.oneof(arbitraryHead(), damagedHead()).map((head): EvalCase => {
    const rest = /content-length: ?5\r\n/i.test(head) ? "a=b&c" : /chunked\r\n/.test(head) ? "0\r\n\r\n" : "";
    return {
      id: `head ${JSON.stringify(head)}`,
      category: "head",
      expect: "either",
      method: head.startsWith("HEAD ") ? "HEAD" : "GET",
      target: "/",
      headers: [],
      body: Buffer.alloc(0),
      raw: Buffer.from(head + rest, "latin1"),
    };
  });
  const seed = fc.readConfigureGlobal()?.seed ?? 1;
  return [...fc.sample(made, { numRuns: 300, seed }), ...fc.sample(heads, { numRuns: 150, seed })];
}
