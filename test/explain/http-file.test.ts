import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readHttpFile } from "../../src/explain/http-file.ts";
import { WishProblem } from "../../src/explain/wish.ts";

const file = `@host = shop.example
@base = https://{{host}}

### a search
# comments are none of it
GET {{base}}/search
    ?q=sofa
    &page=2 HTTP/1.1
Accept: text/html
// nor is this
X-Host: {{ host }}

###
POST {{base}}/cart
Content-Type: application/json

{
  "item": "<script>"
}

> {% client.test("not run", () => {}) %}

###
shop.example/plain
`;

test("requests are read with their fields, bodies and variables", () => {
  const entries = readHttpFile(file).map(({ name, wish }) => ({
    name,
    ...wish,
    body: Buffer.from(wish.body).toString(),
  }));
  assert.deepEqual(entries, [
    {
      name: "a search",
      method: "GET",
      scheme: "https",
      authority: "shop.example",
      target: "/search?q=sofa&page=2",
      fields: [
        ["Accept", "text/html"],
        ["X-Host", "shop.example"],
      ],
      body: "",
    },
    {
      name: "line 14 POST /cart",
      method: "POST",
      scheme: "https",
      authority: "shop.example",
      target: "/cart",
      fields: [["Content-Type", "application/json"]],
      body: '{\n  "item": "<script>"\n}',
    },
    {
      name: "line 24 GET /plain",
      method: "GET",
      scheme: "http",
      authority: "shop.example",
      target: "/plain",
      fields: [],
      body: "",
    },
  ]);
});

test("what cannot be asked is named with its line", () => {
  for (const [text, says] of [
    ["GET http://a/{{id}}", /^line 1: nothing says what \{\{id\}\} is/],
    ["POST http://a/\n\n< ./secret.json", /^line 3: a body that is another file/],
    ["GET http://a/\nno field", /^line 2: expected a field/],
    ["GET a b c", /^line 1: expected a method and a URL/],
  ] as const)
    assert.throws(() => readHttpFile(text), { message: says });
});

test("any text is requests or a problem", () => {
  const line = fc.constantFrom(
    ...file.split("\n"),
    "@a = {{a}}",
    "###",
    "< x",
    "  ?",
    "constructor: {{__proto__}}",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(line).map((lines) => lines.join("\n")),
  );
  fc.assert(
    fc.property(text, (any) => {
      try {
        readHttpFile(any);
      } catch (error) {
        assert.ok(error instanceof WishProblem, String(error));
      }
    }),
  );
});
