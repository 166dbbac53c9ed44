import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRules } from "../../src/waf/parse-rules.ts";

const kinds = new Set(["sql.union_select", "sql.sleep", "html.tag"]);

/** One rule that is right, with lines replaced by what a case is about. */
function ruleFile(changes: Readonly<Record<string, string>> = {}): string {
  const lines: Record<string, string> = {
    id: 'id = "demo-one"',
    severity: 'severity = "critical"',
    why: 'why = "It is only an example."',
    confirm: 'literals = ["xyzzy"]',
    block: 'block = ["say xyzzy", { in = "header:x-test", value = "xyzzy" }]',
    allow: 'allow = ["say nothing", { b64 = "AAEC" }]',
    ...changes,
  };
  return `class = "demo"\n\n[[rule]]\n${Object.values(lines).join("\n")}\n`;
}

function problemsOf(text: string): string[] {
  return parseRules([{ file: "a.toml", text }], kinds).problems.map(
    ({ line, column, message }) => `${line}:${column} ${message}`,
  );
}

test("a rule is read as it was written", () => {
  const { rules, problems } = parseRules([{ file: "a.toml", text: ruleFile() }], kinds);
  assert.deepEqual(problems, []);
  const [rule] = rules;
  assert.equal(rule?.id, "demo-one");
  assert.equal(rule.class, "demo");
  assert.equal(rule.score, 5);
  assert.equal(rule.sensitivity, 1);
  assert.equal(rule.enabled, true);
  assert.deepEqual(rule.where.entries, ["*"]);
  assert.deepEqual([...rule.allow[1]!.bytes], [0, 1, 2]);
  assert.equal(rule.block[1]!.in, "header:x-test");
});

const cases: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ["an unknown key", { extra: "serverity = 1" }, "10:1 unknown key `serverity` (rule demo-one)"],
  [
    "an id with capitals",
    { id: 'id = "Demo"' },
    "4:6 `id` must be lower-case words joined by -, at most 64 characters (rule Demo)",
  ],
  [
    "an unknown severity",
    { severity: 'severity = "high"' },
    "5:12 `severity` must be critical, error, warning or notice (rule demo-one)",
  ],
  ["no reason", { why: "" }, "3:3 `why` must say what the rule protects from (rule demo-one)"],
  [
    "a kind that no detector reports",
    { confirm: 'detect = ["sql.sleep", "sql.slep"]' },
    '7:24 no detector reports "sql.slep" (rule demo-one)',
  ],
  [
    "an unknown place",
    { extra: 'where = ["query", "querry"]' },
    '10:19 there is no place "querry" (rule demo-one)',
  ],
  [
    "a regex that does not parse",
    { confirm: 'literals = ["xyzzy"]\nregex = "xyzzy("' },
    "8:9 bad regex: missing closing ): `xyzzy(` (rule demo-one)",
  ],
  [
    "a look-ahead",
    { confirm: 'literals = ["xyzzy"]\nregex = "xyzzy(?=a)"' },
    "8:9 bad regex: invalid or unsupported Perl syntax: `(?=` (rule demo-one)",
  ],
  [
    "a back-reference",
    { confirm: "literals = [\"xyzzy\"]\nregex = '(x)\\1yzzy'" },
    "8:9 bad regex: invalid escape sequence: `\\1` (rule demo-one)",
  ],
  [
    "a regex that matches nothing at all",
    { confirm: 'literals = ["xyzzy"]\nregex = "(xyzzy)?"' },
    "8:9 unsafe pattern: it matches the empty text (rule demo-one)",
  ],
  [
    "a regex with too many states",
    { confirm: 'literals = ["xyzzy"]\nregex = "(xyzzy[a-z]{0,30}){30}"' },
    "8:9 unsafe pattern:",
  ],
  [
    "a regex without literals",
    { confirm: 'regex = "xyzzy"' },
    "7:9 a regex needs `literals` (rule demo-one)",
  ],
  [
    "a literal that stands everywhere",
    { confirm: 'literals = ["a b"]' },
    "7:13 a literal needs 3 characters without a space (rule demo-one)",
  ],
  [
    "a literal with a space around it",
    { confirm: 'literals = ["xyzzy", " or "]' },
    "7:22 a literal begins and ends with a character (rule demo-one)",
  ],
  [
    "an encoded literal",
    { confirm: 'literals = ["%3cscript"]' },
    "7:13 a literal is written decoded: the views undo percent-encoding (rule demo-one)",
  ],
  [
    "literals beside a detector",
    { confirm: 'detect = "sql.sleep"\nliterals = ["sleep"]' },
    "8:1 `literals` does not go with `detect` (rule demo-one)",
  ],
  ["no confirmation", { confirm: "" }, "4:6 the rule has neither `detect` nor `literals` (rule demo-one)"],
  [
    "one example only",
    { block: 'block = ["xyzzy"]' },
    "8:9 `block` must list at least two examples (rule demo-one)",
  ],
  [
    "an example with a slip",
    { allow: 'allow = ["a", { valeu = "b" }]' },
    "9:15 unknown key `valeu` in an example (rule demo-one)",
  ],
  [
    "a sensitivity out of range",
    { extra: "sensitivity = 5" },
    "10:15 `sensitivity` must be a whole number from 1 to 4 (rule demo-one)",
  ],
  [
    "a score in quotes",
    { extra: 'score = "5"' },
    "10:9 `score` must be a whole number from 1 to 20 (rule demo-one)",
  ],
];

for (const [title, changes, expected] of cases) {
  test(`${title} is an error with its place`, () => {
    const [first = "", ...more] = problemsOf(ruleFile(changes));
    assert.ok(first.startsWith(expected), `${JSON.stringify([first, ...more])}`);
    assert.deepEqual(more, []);
  });
}

test("an id that another file has is an error that names the file", () => {
  const { rules, problems } = parseRules(
    [
      { file: "a.toml", text: ruleFile() },
      { file: "b.toml", text: ruleFile() },
    ],
    kinds,
  );
  assert.deepEqual(rules, []);
  assert.deepEqual(
    problems.map(({ file, line, message }) => ({ file, line, message })),
    [{ file: "b.toml", line: 4, message: 'the id "demo-one" is taken by a rule in a.toml (rule demo-one)' }],
  );
});

test("a syntax error is reported with its place, and nothing else of that file", () => {
  const [problem, ...more] = parseRules([{ file: "a.toml", text: 'class = "x"\n[[rule]\n' }], kinds).problems;
  assert.deepEqual(more, []);
  assert.equal(problem?.line, 2);
  assert.match(problem.message, /^TOML syntax: /);
});

test("a file without class or rules is refused", () => {
  assert.match(problemsOf("[[rule]]\nid = 'x'\n")[0]!, /`class` must name/);
  assert.match(problemsOf('class = "x"\n')[0]!, /has no \[\[rule\]\]/);
  assert.match(problemsOf("class = 7\n")[0]!, /^1:9 `class` must name/);
  assert.match(problemsOf('class = "x"\nrules = 1\n[[rule]]\n')[0]!, /^2:1 unknown key `rules`/);
});

test("no text makes the reader throw", () => {
  const piece = fc.constantFrom(
    'class = "x"\n',
    "[[rule]]\n",
    "rule = 1\n",
    'id = "a-b"\n',
    "literals = [1]\n",
    'regex = "((a{900}){900}){900}"\n',
    "block = [[1], {}]\n",
    "allow = {}\n",
    "where = []\n",
    "detect = 1979-05-27\n",
    'why = """',
    "\u0000",
    "[a.b]\n",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 12 })), { maxLength: 12 }), (pieces) => {
      const { rules, problems } = parseRules([{ file: "a.toml", text: pieces.join("") }], kinds);
      assert.ok(problems.length > 0 && rules.length === 0);
    }),
    { numRuns: 300 },
  );
});
