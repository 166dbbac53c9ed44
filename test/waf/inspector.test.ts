import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BODY_BYTES,
  FORM_VALUE,
  HEADER,
  JSON_STRING,
  PATH,
  Place,
  QUERY_NAME,
  QUERY_VALUE,
} from "../../src/body/place.ts";
import { buildRuleSet, engineKinds } from "../../src/waf/compile.ts";
import type { Detector } from "../../src/waf/detection.ts";
import { FINDINGS_MAX } from "../../src/waf/finding.ts";
import { Inspector } from "../../src/waf/inspector.ts";
import { parseRules } from "../../src/waf/parse-rules.ts";
import { compileProfile, type ProfileOptions } from "../../src/waf/profile.ts";
import { Scratch } from "../../src/waf/scratch.ts";
import { chainNames, LAYERS_MAX, VIEWS_MAX, WINDOW_BYTES } from "../../src/waf/views.ts";

/** Finds `evil(`, and counts its calls. */
function openDetector(): Detector & { calls: number } {
  return {
    name: "demo",
    kinds: { "demo.evil": "a call of evil" },
    triggers: ["evil"],
    calls: 0,
    detect({ lower }, found) {
      this.calls++;
      const start = lower.indexOf("evil(");
      if (start >= 0) found.push({ kind: "demo.evil", start, end: start + 5 });
    },
  };
}

/** Finds `evil(` only where a value begins. */
function atStartDetector(): ReturnType<typeof openDetector> {
  return {
    ...openDetector(),
    detect({ lower }, found) {
      if (lower.startsWith("evil(")) found.push({ kind: "demo.evil", start: 0, end: 5 });
    },
  };
}

interface RuleLines {
  readonly id: string;
  readonly lines: readonly string[];
  readonly severity?: string;
}

const evil: RuleLines = { id: "demo-evil", lines: ['detect = "demo.evil"'] };
const word: RuleLines = { id: "demo-word", lines: ['literals = ["xyzzy"]'], severity: "notice" };
const spaced: RuleLines = {
  id: "demo-spaced",
  lines: ['literals = ["union all select"]'],
  severity: "warning",
};
const pattern: RuleLines = {
  id: "demo-regex",
  lines: ['literals = ["plugh"]', "regex = 'plugh[0-9]+'"],
  severity: "error",
};

function inspectorOf(rules: readonly RuleLines[], options: ProfileOptions = {}, detector = openDetector()) {
  const text = rules
    .map(
      ({
        id,
        lines,
        severity = "critical",
      }) => `[[rule]]\nid = "${id}"\nseverity = "${severity}"\nwhy = "a test's rule"
${lines.join("\n")}\nblock = ["a", "b"]\nallow = ["c", "d"]\n`,
    )
    .join("\n");
  const kinds = new Set([...Object.keys(detector.kinds), ...Object.keys(engineKinds)]);
  const parsed = parseRules([{ file: "t.toml", text: `class = "demo"\n${text}` }], kinds);
  assert.deepEqual(parsed.problems, []);
  const ruleSet = buildRuleSet(parsed.rules, [detector]);
  const inspector = new Inspector(new Scratch(ruleSet));
  const profile = compileProfile(ruleSet, options);
  inspector.begin(profile);
  return { inspector, profile, detector };
}

function give(inspector: Inspector, value: string, kind = JSON_STRING, name = "q"): void {
  const place = new Place({ placeName: () => name });
  place.kind = kind;
  const bytes = Buffer.from(`??${value}??`, "latin1");
  inspector.value(bytes, 2, bytes.length - 2, place);
}

/** Rule ids and decoders of all findings of one value. */
function found(
  rules: readonly RuleLines[],
  value: string,
  kind = JSON_STRING,
  detector = openDetector(),
): string[] {
  const { inspector } = inspectorOf(rules, { allFindings: true }, detector);
  give(inspector, value, kind);
  return inspector.findings.map(({ rule, decoders }) => [rule.id, ...decoders].join(" "));
}

test("a finding says rule, place, offsets, decoders and the text", () => {
  const { inspector } = inspectorOf([evil]);
  give(inspector, "say %45vil(1)", QUERY_VALUE);
  const [finding, ...more] = inspector.findings;
  assert.deepEqual(more, []);
  assert.equal(finding?.rule.id, "demo-evil");
  assert.equal(finding.kind, "demo.evil");
  assert.equal(finding.place, "query:q");
  assert.deepEqual([finding.start, finding.end], [4, 9]);
  assert.deepEqual(finding.decoders, ["percent"]);
  assert.equal(finding.excerpt, "Evil(");
  assert.equal(inspector.score, 5);
  assert.equal(inspector.refused, true);
});

const readings: readonly (readonly [string, string, number?])[] = [
  ["evil(", ""],
  ["%65vil(", " percent"],
  ["%2565vil%28", " percent percent"],
  ["%25%36%35vil(", " percent percent"],
  ["&#101;vil&lpar;", " entity"],
  ["\\u0065vil(", " script"],
  ["\\u0025\\u0036\\u0035vil(", " script percent"],
  ["ev\0il(", " squeeze"],
  ["ev/**/il(", " squeeze"],
  ["e\xef\xbd\x96il(", " fold"],
  ["\xc1\xa5vil(", " fold"],
  ["e'v'il(", " shell"],
  ["'ev'+'il('", " concat"],
  ["'ev' 'il('", " concat"],
  ["'ev'+'il('", " form concat", FORM_VALUE],
  ["x+ACc-+AGU-+AHY-+AGk-+AGw-+ACg-", " utf7"],
  ["ZXZpbCgnaGVsbG8nKQ==", " base64"],
  ["JTY1dmlsKDEpIG9yIHNv", " base64 percent"],
  [Buffer.from(Buffer.from("evil('twice')!!").toString("base64")).toString("base64"), " base64 base64"],
  ["a+%65vil(", " form", FORM_VALUE],
  ["%26%23101;vil(", " percent entity", FORM_VALUE],
  ["/a+b/%65vil(", " percent", PATH],
];

for (const [value, decoders, kind] of readings) {
  test(`${JSON.stringify(value)} is seen${decoders === "" ? "" : " after"}${decoders}`, () => {
    assert.deepEqual(found([evil], value, kind), [`demo-evil${decoders}`]);
  });
}

const jsonTexts: readonly (readonly [string, string, number?])[] = [
  ['{"q":"evil(1)"}', " json"],
  ['{"q":"\\u0065vil(1)"}', " json"],
  ['{"q":"%65vil(1)"}', " percent json"],
  ['{"q":"\\u002565vil(1)"}', " json percent"],
  ['[1, -2.5e3, true, null, {"a":{"b":[]}}, "x", "evil(1)"]', " json"],
  ['{"q":"{\\"p\\":\\"evil(1)\\"}"}', " json json"],
  ["%7B%22q%22%3A%22evil(1)%22%7D", " percent json", FORM_VALUE],
  ['"evil(1)"', " json"],
  [Buffer.from('{"q":"evil(1)"}').toString("base64"), " base64 json"],
];
for (const [value, decoders, kind] of jsonTexts)
  test(`${value} is read string by string`, () => {
    assert.deepEqual(found([evil], value, kind, atStartDetector()), [`demo-evil${decoders}`]);
  });

test("what is no string of JSON text is not read on its own", () => {
  for (const value of [
    '{"evil(1)":1}',
    '"evil(1)" b',
    'say "evil(1)"',
    '{q: "evil(1)"}',
    '[see] "evil(1)"',
    '["a" and "evil(1)"]',
  ])
    assert.deepEqual(found([evil], value, JSON_STRING, atStartDetector()), [], value);
});

test("strings of JSON text are read in every piece of a long value", () => {
  const { inspector } = inspectorOf([evil], {}, atStartDetector());
  const piece = Buffer.from('x evil(0)","a": "y","b" : "evil(1)"}');
  const place = new Place();
  place.kind = JSON_STRING;
  inspector.value(piece, 0, piece.length, place);
  assert.equal(inspector.score, 0);
  place.repeated = 8;
  inspector.value(piece, 0, piece.length, place);
  assert.equal(inspector.score, 5);
});

test("an unclosed comment hides nothing", () => {
  for (const value of ["/* evil(1)", "/*/* evil(1)", "1 /*! evil(1)", "%2f%2a evil(1)"])
    assert.notDeepEqual(found([evil], value), [], value);
});

test("a literal with spaces is found over comments, tabs and runs of spaces", () => {
  for (const value of [
    "union all select",
    "1 union  all\t\nselect",
    "union/**/all/*x*/select",
    "UNION%20ALL%0dSELECT",
  ])
    assert.equal(found([spaced], value).length, 1, value);
  assert.deepEqual(found([spaced], "union of all"), []);
});

test("a regex runs only with its literal, and says where it matched", () => {
  const { inspector } = inspectorOf([pattern], { allFindings: true });
  give(inspector, "a plugh, and PLUGH42!");
  assert.deepEqual(
    inspector.findings.map(({ start, end, excerpt }) => ({ start, end, excerpt })),
    [{ start: 13, end: 20, excerpt: "PLUGH42" }],
  );
});

test("points add up over the values of a request, each rule once", () => {
  const { inspector, profile } = inspectorOf([word, spaced]);
  give(inspector, "xyzzy");
  give(inspector, "xyzzy again");
  assert.equal(inspector.score, 2);
  assert.equal(inspector.refused, false);
  give(inspector, "union all select");
  assert.equal(inspector.score, 5);
  assert.equal(inspector.refused, true);
  assert.equal(inspector.done, true);
  inspector.begin(profile);
  assert.equal(inspector.score, 0);
  assert.deepEqual(inspector.findings, []);
  give(inspector, "nothing");
  assert.equal(inspector.refused, false);
});

test("inspection ends at the threshold unless all findings are asked for", () => {
  const short = inspectorOf([evil, word]);
  give(short.inspector, "evil(");
  give(short.inspector, "xyzzy");
  assert.equal(short.inspector.findings.length, 1);
  const long = inspectorOf([evil, word], { allFindings: true });
  give(long.inspector, "evil(");
  give(long.inspector, "xyzzy");
  assert.equal(long.inspector.findings.length, 2);
});

test("a detector is not called without its trigger, nor where no rule looks", () => {
  const header: RuleLines = { id: "demo-evil", lines: ['detect = "demo.evil"', 'where = ["header:x-*"]'] };
  const { inspector, detector } = inspectorOf([header], { allFindings: true });
  give(inspector, "a good value, with (parentheses) & so on: 1=1 %41", HEADER, "x-a");
  give(inspector, "evil(", PATH);
  assert.equal(detector.calls, 0);
  give(inspector, "evil(", HEADER, "y-a");
  assert.equal(inspector.findings.length, 0);
  give(inspector, "evil(", HEADER, "X-Any");
  assert.equal(inspector.findings.length, 1);
});

test("sensitivity, disabled rules and shadow decide what counts", () => {
  const careful: RuleLines = { id: "demo-careful", lines: ['literals = ["xyzzy"]', "sensitivity = 3"] };
  const score = (options: ProfileOptions): number => {
    const { inspector } = inspectorOf([careful], options);
    give(inspector, "xyzzy");
    return inspector.score;
  };
  assert.equal(score({}), 0);
  assert.equal(score({ sensitivity: 3 }), 5);
  assert.equal(score({ mode: "aggressive" }), 5);
  assert.equal(score({ sensitivity: 4, disabled: ["demo-careful"] }), 0);
  assert.equal(score({ sensitivity: 4, disabled: ["demo"] }), 0);
  const { inspector } = inspectorOf([evil], { shadow: ["demo-evil"] });
  give(inspector, "evil(");
  assert.equal(inspector.score, 0);
  assert.equal(inspector.findings[0]?.shadow, true);
});

test("an exclusion holds for its route, field and time only", () => {
  const score = (route: string, name: string, nowMs: number): number => {
    const { inspector, profile } = inspectorOf([evil], {
      excludes: [{ rule: "demo-evil", route: "blog", field: "json:$.text*", untilMs: 1_000 }],
    });
    inspector.begin(profile, route, nowMs);
    give(inspector, "evil(", JSON_STRING, name);
    return inspector.score;
  };
  assert.equal(score("blog", "$.text.body", 999), 0);
  assert.equal(score("shop", "$.text.body", 999), 5);
  assert.equal(score("blog", "$.title", 999), 5);
  assert.equal(score("blog", "$.text.body", 1_000), 5);
});

test("more layers than are undone are a finding", () => {
  const depth: RuleLines = { id: "demo-depth", lines: ['detect = "encoding.depth"'] };
  const nested = (layers: number): string => `%${"25".repeat(layers - 1)}41`;
  assert.deepEqual(found([depth], nested(LAYERS_MAX)), []);
  assert.deepEqual(found([depth], nested(LAYERS_MAX + 1)), ["demo-depth"]);
});

test("at most 16 findings are kept, and all of them count", () => {
  const many = Array.from({ length: FINDINGS_MAX + 4 }, (_, index) => ({
    id: `demo-${index}`,
    lines: ['literals = ["xyzzy"]'],
    severity: "notice",
  }));
  const { inspector } = inspectorOf(many, { allFindings: true });
  give(inspector, "xyzzy");
  assert.equal(inspector.findings.length, FINDINGS_MAX);
  assert.equal(inspector.score, 2 * many.length);
});

test("a spent budget is visible, and refuses or passes as the profile says", () => {
  for (const onExhausted of ["refuse", "pass"] as const) {
    const { inspector } = inspectorOf([evil], { workBase: 100, workPerByte: 1, onExhausted });
    for (let count = 0; count < 40; count++) give(inspector, "evil evil evil evil");
    assert.equal(inspector.exhausted, true);
    assert.equal(inspector.refused, onExhausted === "refuse");
    const before = inspector.workUnits;
    give(inspector, "evil(");
    assert.equal(inspector.workUnits, before);
  }
});

test("a long value is read in pieces, and a match on a border is found", () => {
  const { inspector, profile } = inspectorOf([evil]);
  for (const offset of [WINDOW_BYTES - 3, WINDOW_BYTES * 3 - 4, 100_000]) {
    inspector.begin(profile);
    give(inspector, `${"a ".repeat(Math.floor(offset / 2))}evil(${" b".repeat(30_000)}`);
    assert.equal(inspector.findings[0]?.start, Math.floor(offset / 2) * 2, String(offset));
  }
});

test("the excerpt has no byte that acts on a terminal, and 64 at most", () => {
  const long: RuleLines = { id: "demo-long", lines: ['literals = ["plugh"]', "regex = 'plugh.*'"] };
  const { inspector } = inspectorOf([long]);
  give(inspector, `plugh\x1b[2J\xff\\${"z".repeat(100)}`);
  const { excerpt } = inspector.findings[0]!;
  assert.ok(excerpt.startsWith("plugh\\x1b[2J\\xff\\\\zzz"), excerpt);
  assert.equal([...excerpt.matchAll(/z/g)].length, 64 - 11);
});

test("whatever the value is, the work is bounded and the original reading is never lost", () => {
  const piece = fc.constantFrom(
    "%25",
    "%41",
    "+",
    "&amp;",
    "&#37;",
    "\\u0025",
    "\\",
    "/*",
    "*/",
    "/*!",
    "'",
    '"',
    "'+'",
    "$IFS",
    "^",
    "\0",
    "\n",
    "..//",
    "\xef\xbc\x85",
    "\xc0\xae",
    "QUJDREVGR0hJSktM",
    " ",
    "a:",
    "z",
  );
  const { inspector, profile } = inspectorOf([evil], { allFindings: true });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.array(piece, { maxLength: 60 }), (before, after) => {
      const value = `${before.join("")} evil(1) ${after.join("")}`;
      inspector.begin(profile);
      give(inspector, value);
      assert.equal(inspector.score, 5, value);
      // Per level of base64: decoders, automaton and one detector over each view.
      assert.ok(inspector.workUnits <= value.length * 3 * VIEWS_MAX * 12);
      assert.ok(inspector.findings[0]!.end > inspector.findings[0]!.start);
    }),
    { numRuns: 300 },
  );
});

test("the chain of a reading names its decoders in their order", () => {
  assert.deepEqual(chainNames(0), []);
  assert.deepEqual(chainNames(1 * 256 + 3 * 16 + 13), ["percent", "entity", "base64"]);
});

test("binary data is read for the text in it, and costs little", () => {
  const noise = Array.from({ length: 8_192 }, (_, at) =>
    String.fromCharCode((Math.imul(at + 7, 2654435761) >>> 13) & 0xff),
  ).join("");
  const { inspector, profile } = inspectorOf([evil]);
  give(inspector, noise, BODY_BYTES);
  assert.equal(inspector.refused, false);
  assert.ok(inspector.workUnits < 4 * noise.length, String(inspector.workUnits));
  inspector.begin(profile);
  give(inspector, `${noise}\x00a call of evil(1)\x00${noise}`, BODY_BYTES);
  assert.deepEqual(inspector.findings[0]?.decoders, ["strings"]);
});

test("names are not read as base64", () => {
  assert.deepEqual(found([evil], "ZXZpbCgnaGVsbG8nKQ==", QUERY_NAME), []);
  assert.deepEqual(found([evil], "ZXZpbCgnaGVsbG8nKQ==", QUERY_VALUE), ["demo-evil base64"]);
});

test("a reading is only for detectors whose language has what was undone", () => {
  const asked = (name: string, value: string): number => {
    const demo = { ...openDetector(), name };
    const { inspector } = inspectorOf([evil], { allFindings: true }, demo);
    give(inspector, value);
    return demo.calls;
  };
  assert.equal(asked("shell", "e'v'il("), 1);
  assert.equal(asked("command.any", "e'v'il("), 1);
  assert.equal(asked("anything new", "e'v'il("), 1);
  assert.equal(asked("sql", "e'v'il("), 0);
  assert.equal(asked("sql", "e/**/vil("), 1);
  assert.equal(asked("html", "\\65 vil("), 1, "CSS");
  assert.equal(asked("shell", "\\65 vil("), 0);
});

test("requests that take turns with one scratch find what they find one after the other", () => {
  const { profile, inspector: alone } = inspectorOf([evil, word, spaced, pattern], { allFindings: true });
  const scratch = new Scratch(alone.ruleSet);
  const values = readings.map(([value]) => value);
  const parts = [...values, "xyzzy", "union  all\tselect", "plugh42", "nothing at all", "7"];
  const result = ({ score, findings, workUnits, bytes }: Inspector): unknown => [
    score,
    findings.map(({ rule, decoders, start, end, excerpt }) => [rule.id, decoders, start, end, excerpt]),
    workUnits,
    bytes,
  ];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(2), fc.constantFrom(...parts)), { maxLength: 24 }),
      (calls: readonly (readonly [number, string])[]) => {
        const together = [0, 1, 2].map(() => new Inspector(scratch));
        for (const inspector of together) inspector.begin(profile);
        for (const [who, value] of calls) give(together[who]!, value, QUERY_VALUE);
        for (const [who, inspector] of together.entries()) {
          alone.begin(profile);
          for (const [whose, value] of calls) if (whose === who) give(alone, value, QUERY_VALUE);
          assert.deepEqual(result(inspector), result(alone));
        }
      },
    ),
  );
});
