import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { configOf, needsHelm, objectsOf, type Tree, tomlOf } from "./helm.ts";
import { check } from "./helm-check.ts";

/** What somebody might write into a value to get out of it: into TOML, YAML, or the template. */
const hostile: readonly string[] = [
  '"',
  "'",
  '"""',
  "'''",
  "\\",
  '\\"',
  "\n",
  "\r\n",
  "\t",
  "\u0000",
  "\u0007",
  "\u001f",
  "\u007f",
  "\u0080",
  "\u0085",
  "\u009f",
  "\u00a0",
  "\u2028",
  "\u2029",
  "\ufeff",
  "\ufffe",
  "\uffff",
  "😀",
  "é",
  "{{ .Values }}",
  '{{ fail "x" }}',
  "{{- end }}",
  "${HOME}",
  "$(id)",
  "#",
  " # x",
  ": ",
  "- ",
  "---",
  "...",
  "!!binary x",
  "&a",
  "*a",
  "%TAG",
  "|",
  ">",
  "[x]",
  '"\n[admin]\nlisten = "0.0.0.0:1"',
  "\n---\napiVersion: v1\nkind: Secret\n",
  "null",
  "true",
  "1e3",
  "0x10",
  "1_000",
  "~",
  "2026-01-01",
  "",
  " ",
  " x ",
  "<&>",
  "=",
  "a.b",
  "]]",
  "}}",
];

const text = fc.oneof(
  fc.constantFrom(...hostile),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.tuple(fc.constantFrom(...hostile), fc.constantFrom(...hostile)).map((parts) => parts.join("")),
);
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }).map((x) => (x === 0 ? 0 : x)),
);
const tree: fc.Arbitrary<Tree> = fc.letrec<{ table: Tree; value: Tree }>((tie) => ({
  table: fc.dictionary(
    text.filter((key) => key !== "__proto__"),
    tie("value"),
    { maxKeys: 5, noNullPrototype: true },
  ),
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    number,
    fc.boolean(),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(tie("table"), { minLength: 1, maxLength: 3 }),
    tie("table"),
  ),
})).table;

test("any tree of values, however hostile, is the same tree in zion.toml, and no other object changes", (t) => {
  if (!needsHelm(t)) return;
  // Many trees in one run of Helm: each under a name of its own. What Helm adds are names that the schema has.
  const trees = fc.sample(tree, 400);
  const config = Object.fromEntries(trees.map((one, index) => [`tree${index}`, one]));
  const plain = objectsOf({ config: {} });
  const objects = objectsOf({ config }, "--skip-schema-validation");
  const rendered = configOf(objects);
  for (const [index, one] of trees.entries())
    assert.deepEqual(rendered[`tree${index}`], one, JSON.stringify(one));
  const others = (all: readonly Tree[]) => all.filter(({ metadata }) => metadata.name !== "edge-zion-config");
  assert.deepEqual(others(objects), others(plain));
});

test("whole numbers are written as whole numbers, and every text on one line of printable characters", (t) => {
  if (!needsHelm(t)) return;
  const config = { numbers: { a: 50, b: 10_000_000, c: -3, d: 0.01, e: 2 ** 53, f: 1e300 }, texts: hostile };
  const toml = tomlOf(objectsOf({ config }, "--skip-schema-validation"));
  for (const line of ["a = 50", "b = 10000000", "c = -3", "d = 0.01"])
    assert.ok(toml.split("\n").includes(line), line);
  assert.doesNotMatch(
    toml,
    /[^\n\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u,
  );
});

test("the gateway reads the texts as an operator wrote them", (t) => {
  if (!needsHelm(t)) return;
  const route = hostile.map((body, index) => ({ path: `/${index}`, name: `r${index}`, respond: { body } }));
  const loaded = check(objectsOf({ config: { route } }));
  assert.ok(loaded.kind === "loaded");
  assert.deepEqual(
    loaded.config.routes.map(({ transform }) => transform.respond?.body),
    hostile,
  );
});
