import assert from "node:assert/strict";
import { test } from "node:test";
import { type Outcome, type RequestParts, shippedRuleSet, WafBench } from "./waf-corpus.ts";

const ruleSet = shippedRuleSet();
const form = [["Content-Type", "application/x-www-form-urlencoded"]] as const;
const json = [["Content-Type", "application/json"]] as const;

function outcomeOf(parts: RequestParts): Outcome {
  return new WafBench(ruleSet).give(parts);
}

/** An injection that only a string of the document is, escapes resolved. */
const document = '{user(id:"1 u\\u006eion select 1,password from users"){id}}';
const encoded = encodeURIComponent(document);

const carriers: readonly (readonly [string, RequestParts])[] = [
  ["an address", { target: `/graphql?query=${encoded}` }],
  ["an address, behind other parameters", { target: `/graphql?operationName=a&query=${encoded}` }],
  ["an address whose parameter is spelled with escapes", { target: `/graphql?%71uer%79=${encoded}` }],
  ["a form", { method: "POST", headers: form, body: Buffer.from(`a=1&query=${encoded}`) }],
  ["JSON", { method: "POST", headers: json, body: Buffer.from(JSON.stringify({ query: document })) }],
  [
    "a message of graphql-transport-ws",
    {
      method: "POST",
      headers: json,
      body: Buffer.from(JSON.stringify({ type: "subscribe", payload: { query: document } })),
    },
  ],
  [
    "the operations of a request with files",
    {
      method: "POST",
      headers: [["Content-Type", "multipart/form-data; boundary=b"]],
      body: operations(JSON.stringify({ query: document, variables: { file: null } })),
    },
  ],
];
for (const [what, parts] of carriers)
  test(`the strings of a GraphQL query are read in ${what}`, () => {
    const { refused, findings } = outcomeOf(parts);
    assert.equal(refused, true);
    assert.match(findings[0]!, / graphql:id /);
  });

function operations(text: string): Buffer {
  const part = (name: string, content: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;
  return Buffer.from(`${part("operations", text)}${part("map", '{"0":["variables.file"]}')}--b--\r\n`);
}

test("operations have the limits of a body, also where they are longer than a piece, and may be no JSON", () => {
  const outcome = (text: string): Outcome =>
    outcomeOf({
      method: "POST",
      headers: [["Content-Type", "multipart/form-data; boundary=b"]],
      body: operations(text),
    });
  const long = `{user(note:"${"a ".repeat(9000)}"){id}}`;
  const deep = `${"{a".repeat(40)}${"}".repeat(40)}`;
  assert.equal(outcome(JSON.stringify({ query: long })).refused, false);
  assert.equal(outcome(JSON.stringify({ query: `${long}${deep}` })).detail, "graphql_depth");
  assert.equal(outcome("cut, sew and iron").refused, false);
  assert.equal(outcome("<script>alert(1)</script>").refused, true);
});

test("a GraphQL query in an address has the limits of one in a body", () => {
  const deep = `{a`.repeat(40) + "}".repeat(40);
  const { refused, detail } = outcomeOf({ target: `/graphql?query=${encodeURIComponent(deep)}` });
  assert.deepEqual([refused, detail], [true, "graphql_depth"]);
});

test("a query of a form is read wherever its pieces are cut, also within an escape", () => {
  for (let padding = 0; padding < 4; padding++) {
    const long = `{user(note:"${"a ".repeat(4080)}${" ".repeat(padding)}",id:"1 u\\u006eion select 1,2 from users")}`;
    const every = [...Buffer.from(long)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    const { refused, findings } = outcomeOf({
      method: "POST",
      headers: form,
      body: Buffer.from(`query=${every}`),
    });
    assert.equal(refused, true);
    assert.match(findings[0]!, / graphql:id /);
  }
});

test("a parameter called query that is no GraphQL passes", () => {
  const values = [
    "red shoes { size 43 }",
    '{job="api",code=~"5.."}',
    'sum(rate(http_requests_total{job="api"}[5m])) by (code)',
    '{"query":{"match":{"title":"a \\u006eew day"}}}',
    '*[_type == "post"]{title}',
    '{ user(name: "O\'Neil") { id } }',
    'query Find($q: String = "select a plan") { plans(q: $q) { id name } }',
  ];
  const refused = values.filter((value) => {
    const target = `/search?query=${encodeURIComponent(value)}`;
    const body = Buffer.from(`query=${encodeURIComponent(value)}`);
    return outcomeOf({ target }).refused || outcomeOf({ method: "POST", headers: form, body }).refused;
  });
  assert.deepEqual(refused, []);
});
