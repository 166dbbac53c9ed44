import assert from "node:assert/strict";
import { test } from "node:test";
import type { ParseOptions } from "../../src/config/parse.ts";
import { renderDiagnostics } from "../../src/config/render.ts";
import {
  brief,
  codesAt,
  goodConfig,
  minimal,
  parseText,
  shippedRules,
  withFiles,
} from "../support/config-case.ts";

const ownRule = (id: string, rest = ""): string => `class = "own"
[[rule]]
id = "${id}"
severity = "warning"
literals = ["secret path"]
${rest}
why = "For tests of the configuration."
block = ["secret path", "a secret path"]
allow = ["secret", "path"]
`;

/** Rules whose literals share nothing: a state of the automaton for nearly every byte. */
function manyRules(count: number, literalBytes: number): string {
  const rules = ['class = "own"'];
  for (let i = 0; i < count; i++) {
    const seed = ((i + 1) * 2_654_435_761) >>> 0;
    const literal = Array.from({ length: literalBytes }, (_, at) => ((seed + at * i) % 36).toString(36)).join(
      "",
    );
    rules.push(
      `[[rule]]\nid = "own-${i}"\nseverity = "notice"\nliterals = ["${seed}${literal}"]\nwhy = "For tests of the size of tables."\nblock = ["${seed}${literal}", "x ${seed}${literal}"]\nallow = ["a", "b"]`,
    );
  }
  return rules.join("\n");
}

const options: ParseOptions = {
  ...withFiles({
    "/etc/zion/own.toml": ownRule("own-path"),
    "/etc/zion/broken.toml": ownRule("own-path", 'serverity = "x"\nwhere = ["quary"]'),
    "/etc/zion/syntax.toml": 'class = "own\n',
    "/etc/zion/taken.toml": ownRule("sql-union-select"),
    "/etc/zion/escape.toml": ownRule("own-path", `"\\u001b[31m${"k".repeat(5000)}" = 1`),
    "/etc/zion/many.toml": manyRules(2000, 60),
    "/etc/zion/key.pem": "-----BEGIN PRIVATE KEY-----\nMIIEvSECRET\n-----END PRIVATE KEY-----\n",
  }),
  now: () => Date.UTC(2026, 0, 15),
};

interface Case {
  readonly title: string;
  readonly toml: string;
  /** "code line:column" of every diagnostic. */
  readonly found: readonly string[];
}

/** Lines from line 10, in the route of the smallest config; tables may follow. */
const after = (title: string, lines: string, ...found: readonly string[]): Case => ({
  title,
  toml: `${minimal}${lines}\n`,
  found,
});
const inProfile = (title: string, line: string, ...found: readonly string[]): Case =>
  after(title, `[waf_profile.default]\n${line}`, ...found);
const inExclude = (title: string, lines: string, ...found: readonly string[]): Case =>
  after(title, `[[exclude]]\n${lines}`, ...found);
const inWaf = (title: string, line: string, ...found: readonly string[]): Case =>
  after(title, `[waf]\n${line}`, ...found);

const cases: readonly Case[] = [
  // Routes.
  after("a route without the WAF", "waf = false", "Z2110 10:7"),
  after("a profile for no WAF", 'waf = false\nwaf_profile = "default"', "Z1214 11:15"),
  after("a shadow of no WAF", "waf = false\nwaf_shadow = true", "Z1214 11:14"),
  after("a profile that is not defined", 'waf_profile = "strict"', "Z1210 10:15"),
  after("a misspelt profile", 'waf_profile = "stict"\n[waf_profile.strict]', "Z1210 10:15"),
  after("a profile of the wrong type", "waf_profile = 3\n[waf_profile.strict]", "Z1043 10:15"),
  after("a misspelt key of a route", 'waf_proflie = "default"', "Z1042 10:1"),
  after("a WAF of the wrong type", 'waf = "off"', "Z1043 10:7"),

  // Profiles.
  after("a profile nobody uses", "[waf_profile.strict]", "Z2108 10:14"),
  after("the name of a profile", 'waf_profile = "a b"\n[waf_profile."a b"]', "Z1110 11:14"),
  inProfile("a mode that there is not", 'mode = "agressive"', "Z1045 11:8"),
  inProfile("a sensitivity of zero", "sensitivity = 0", "Z1043 11:15"),
  inProfile("a sensitivity of five", "sensitivity = 5", "Z1043 11:15"),
  inProfile("a threshold that everything reaches", "threshold = 0", "Z1043 11:13"),
  inProfile("more bits than a byte has", "entropy_threshold = 8.5", "Z1043 11:21"),
  inProfile("entropy nan", "entropy_threshold = nan", "Z1043 11:21"),
  inProfile("a depth of zero", "max_depth = 0", "Z1043 11:13"),
  inProfile("a buffer larger than 64 MiB", "inspect_buffer_kb = 65537", "Z1043 11:21"),
  inProfile("a budget in numbers", "on_budget = 5", "Z1045 11:13"),
  inProfile("streaming, which comes later", "streaming = true", "Z1047 11:1"),
  inProfile(
    "types that are none",
    'allowed_content_types = ["application/json", "json", "text/html; charset=utf-8"]',
    "Z1106 11:46",
    "Z1106 11:54",
  ),
  inProfile(
    "fields that are none",
    'scan_headers = ["*", "x-*", "a b", "x-*-y", ""]',
    "Z1106 11:29",
    "Z1106 11:36",
    "Z1106 11:45",
  ),
  inProfile(
    "rules that there are not",
    'disabled_rules = ["sql", "sql-union-selct"]\nshadow_rules = ["xss"]',
    "Z1210 11:26",
    "Z1210 12:17",
  ),

  // Rule files.
  inWaf("a rule file that does not exist", 'rules = ["no.toml"]', "Z1301 11:10"),
  inWaf("a misspelt key in a rule file", 'rules = ["broken.toml"]', "Z1305 6:1", "Z1305 7:10"),
  inWaf("a rule file that is not TOML", 'rules = ["syntax.toml"]', "Z1305 1:13"),
  inWaf("a rule with the id of a shipped one", 'rules = ["taken.toml"]', "Z1305 3:6"),
  inWaf("more literals than the automaton's tables hold", 'rules = ["many.toml"]', "Z1305 11:9"),
  inWaf("a rule file given twice", 'rules = ["own.toml", "./own.toml"]', "Z1305 3:6"),
  inWaf(
    "a broken rule file, without the follow-up that its rules are missing",
    'rules = ["broken.toml"]\n[[exclude]]\nrule = "own-path"',
    "Z1305 6:1",
    "Z1305 7:10",
  ),
  inWaf("more MiB than a number may say", "max_buffered_mb = -1", "Z1043 11:19"),

  // Exclusions.
  inExclude("an exclusion of nothing", 'route = "/"', "Z1046 10:3"),
  inExclude("a rule that there is not", 'rule = "sql-union-selct"', "Z1210 11:8"),
  inExclude("a route that there is not", 'rule = "sql"\nroute = "shop"', "Z1210 12:9"),
  inExclude("a place that there is not", 'rule = "sql"\nfield = "quary:q"', "Z1106 12:9"),
  inExclude("a place without its name", 'rule = "sql"\nfield = "query:"', "Z1106 12:9"),
  inExclude("a date that there is not", 'rule = "sql"\nuntil = "2027-02-30"', "Z1106 12:9"),
  inExclude("a time without offset", 'rule = "sql"\nuntil = 2027-01-01T00:00:00', "Z1106 12:9"),
  inExclude("a time without date", 'rule = "sql"\nuntil = 12:00:00', "Z1106 12:9"),
  inExclude("a number for a date", 'rule = "sql"\nuntil = 2027', "Z1043 12:9"),
  inExclude("an exclusion that has ended", 'rule = "sql"\nuntil = 2026-01-15', "Z2111 12:9"),
  after("[exclude] for [[exclude]]", '[exclude]\nrule = "sql"', "Z1043 10:2"),
  {
    title: "a broken route, without the follow-up that its name is missing",
    toml: `${minimal}[[route]]\nname = "shop"\npath = "shop"\nupstream = "app"\n[[exclude]]\nrule = "sql"\nroute = "shop"\n`,
    found: ["Z1104 12:9"],
  },
];

for (const { title, toml, found } of cases) {
  test(`points at ${title}`, () => {
    assert.deepEqual(codesAt(toml, options), found);
  });
}

test("a route uses the profile it names, the default one otherwise, or none when that is spelled out", () => {
  const { routes } = goodConfig(
    `${minimal}
[[route]]
path = "/strict"
upstream = "app"
waf_profile = "strict"
[[route]]
path = "/shadow"
upstream = "app"
waf = true
waf_shadow = true
[[route]]
path = "/off"
upstream = "app"
waf = false
[waf_profile.strict]
`,
    options,
  );
  assert.deepEqual(
    routes.map(({ path, waf }) => [path, waf]),
    [
      ["/", { profile: "default", shadow: false, streams: false }],
      ["/strict", { profile: "strict", shadow: false, streams: false }],
      ["/shadow", { profile: "default", shadow: true, streams: false }],
      ["/off", undefined],
    ],
  );
});

test("every key of a profile reaches its field", () => {
  const { waf } = goodConfig(
    `${minimal}
[waf]
rules = ["own.toml"]
max_buffered_mb = 65
[waf_profile.default]
mode = "aggressive"
threshold = 7
max_body_mb = 0
max_depth = 10
max_string_len = 11
max_number_len = 12
json_sequences = true
max_inflate_ratio = 40
graphql_max_depth = 7
graphql_max_aliases = 3
graphql_introspection = "refuse"
deny_unknown_content_types = false
allowed_content_types = ["Application/JSON", "*+json"]
entropy_check = false
entropy_threshold = 7
inspect_buffer_kb = 13
scan_headers = ["User-Agent", "X-*"]
disabled_rules = ["own"]
shadow_rules = ["sql-union-select"]
on_budget = "pass"
inspect_answers = "report"
answer_types = ["text/*"]
answer_window_kb = 9
`,
    options,
  );
  assert.deepEqual(waf.profiles, [
    {
      name: "default",
      mode: "aggressive",
      sensitivity: 3,
      threshold: 7,
      maxBodyMb: 0,
      maxDepth: 10,
      maxStringLen: 11,
      maxNumberLen: 12,
      jsonSequences: true,
      maxInflateRatio: 40,
      graphqlMaxDepth: 7,
      graphqlMaxAliases: 3,
      graphqlIntrospection: "refuse",
      denyUnknownContentTypes: false,
      allowedContentTypes: ["application/json", "*+json"],
      entropyCheck: false,
      entropyThreshold: 7,
      inspectBufferKb: 13,
      scanHeaders: ["user-agent", "x-*"],
      disabledRules: ["own"],
      shadowRules: ["sql-union-select"],
      onBudget: "pass",
      inspectAnswers: "report",
      answerTypes: ["text/*"],
      answerWindowKb: 9,
    },
  ]);
  assert.equal(waf.maxBufferedMb, 65);
  assert.deepEqual(
    waf.rules.map(({ id, file }) => [id, file]),
    [
      ["sql-union-select", "/package/rules/sql.toml"],
      ["own-path", "/etc/zion/own.toml"],
    ],
  );
});

test("a sensitivity of its own wins over the mode", () => {
  const toml = `${minimal}[waf_profile.default]\nmode = "aggressive"\nsensitivity = 2\n`;
  assert.equal(goodConfig(toml, options).waf.profiles[0]!.sensitivity, 2);
});

test("exclusions say rule, route, field and end", () => {
  const { waf } = goodConfig(
    `${minimal}
[[exclude]]
rule = "sql"
[[exclude]]
rule = "sql-union-select"
route = "/"
field = "header:*"
until = 2027-01-01
[[exclude]]
rule = "sql"
until = 2027-01-01T02:00:00+02:00
[[exclude]]
rule = "sql"
until = "2027-01-01 00:00:00.5z"
`,
    options,
  );
  const start2027 = Date.UTC(2027, 0, 1);
  assert.deepEqual(waf.excludes, [
    { rule: "sql" },
    { rule: "sql-union-select", route: "/", field: "header:*", untilMs: start2027 },
    { rule: "sql", untilMs: start2027 },
    { rule: "sql", untilMs: start2027 + 500 },
  ]);
});

test("a misspelt profile shows the one that was probably meant, and where it stands", () => {
  const toml = `${minimal}waf_profile = "stict"\n[waf_profile.strict]\n`;
  const { diagnostics } = parseText(toml, options);
  assert.deepEqual(diagnostics[0]!.suggestion, "strict");
  const related = diagnostics[0]!.related.map(({ line, column, label }) => `${line}:${column} ${label}`);
  assert.deepEqual(related, ["11:14 defined here"]);
});

test("a mistake in a rule file is shown with that file, and no line of it is quoted", () => {
  const toml = `${minimal}[waf]\nrules = ["key.pem"]\n`;
  const { config, diagnostics } = parseText(toml, options);
  assert.equal(config, undefined);
  const text = renderDiagnostics(diagnostics, toml, { color: false });
  assert.match(text, /^error\[Z1305\]: TOML syntax/);
  assert.match(text, /┌─ \/etc\/zion\/key\.pem:1:\d+\n/);
  assert.doesNotMatch(text, /SECRET|PRIVATE KEY|listen_http/);
});

test("names in a rule file do not act on the terminal, nor fill it", () => {
  const toml = `${minimal}[waf]\nrules = ["escape.toml"]\n`;
  const { diagnostics } = parseText(toml, options);
  assert.equal(diagnostics.length, 1);
  assert.doesNotMatch(diagnostics[0]!.message, /\p{Cc}/u);
  assert.ok(diagnostics[0]!.message.length <= 400);
});

test("problems of rule files come after those of the config", () => {
  const toml = `${minimal}waf_profile = "strict"\n[waf]\nrules = ["broken.toml"]\n`;
  assert.deepEqual(codesAt(toml, options), ["Z1210 10:15", "Z1305 6:1", "Z1305 7:10"]);
});

const damaged: readonly (readonly [what: string, rules: ParseOptions["builtinRules"], found: string])[] = [
  ["missing", () => [], "Z1306 0:0"],
  [
    "unreadable",
    () => {
      throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
    },
    "Z1306 0:0",
  ],
  ["broken", () => [{ file: "/package/rules/sql.toml", text: "class = 1\n" }], "Z1306 1:9"],
];
for (const [what, builtinRules, found] of damaged) {
  test(`no config is accepted when the rules of the package are ${what}`, () => {
    const toml = `${minimal}[[exclude]]\nrule = "sql"\n`;
    const broken = { ...options, builtinRules: builtinRules! };
    assert.deepEqual(codesAt(toml, broken), [found]);
    assert.equal(parseText(toml, broken).config, undefined);
  });
}

test("the rules of the package are read from its own directory", () => {
  const { builtinRules: _, ...onDisk } = options;
  const { config, diagnostics } = parseText(minimal, onDisk);
  assert.deepEqual(brief(diagnostics), []);
  assert.ok(config!.waf.rules.length > shippedRules.length);
  assert.ok(config!.waf.rules.every(({ block, allow }) => block.length === 0 && allow.length === 0));
});
