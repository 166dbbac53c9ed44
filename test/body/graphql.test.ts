import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { defaultGraphqlLimits, type GraphqlLimits, GraphqlReader } from "../../src/body/graphql.ts";

interface Reading {
  readonly reason: string;
  readonly isGraphql: boolean;
  readonly introspects: boolean;
  readonly strings: readonly string[];
}

function read(
  text: string | Uint8Array,
  limits: Partial<GraphqlLimits> = {},
  cuts: readonly number[] = [],
): Reading {
  const bytes = Buffer.from(text);
  const strings: string[] = [];
  const reader = new GraphqlReader(
    {
      value: (from, start, end, place) =>
        void strings.push(`${place.text()}=${Buffer.from(from.subarray(start, end)).toString()}`),
    },
    { ...defaultGraphqlLimits, ...limits },
  );
  reader.startDocument();
  let at = 0;
  for (const end of [...cuts, bytes.length]) {
    const chunk = new Uint8Array(end - at + 3).fill(0x22);
    chunk.set(bytes.subarray(at, end), 2);
    reader.write(chunk, 2, 2 + end - at);
    at = end;
  }
  const reason = reader.end() ?? "";
  return { reason, isGraphql: reader.isGraphql, introspects: reader.introspects, strings };
}

suite("GraphQL", () => {
  test("queries are known as such", () => {
    for (const text of [
      "{a}",
      '\ufeff # comment {\n query Q($id: ID! = "x", $n: [Int!] = [1, -2.5e+3]) @dir(if: true) { a: b(id: $id) { ...F } }',
      'mutation { add(input: {name: "x", tags: ["a", "b"]}) { id } }',
      "subscription S { s { __typename ... on T @include(if: $x) { a } } }",
      "fragment F on T { a }\nquery { ...F }",
      'query { a(text: """block "quoted" \\""" text""") }',
      'query { a(text: "") b(text: """""") }',
      "query",
    ])
      assert.equal(read(text).isGraphql, text !== "query", text);
  });

  test("anything else is only said not to be one", () => {
    for (const text of [
      "",
      "aplle wa",
      "query for shoes",
      "SELECT * FROM t",
      "select {",
      '{"query": "x"}',
      '{"a":1}',
      "{a",
      "{a}}",
      "{a]}",
      "(a)",
      '"text"',
      '{a(b: "unclosed)}',
      '{a(b: "line\nend")}',
      '{a(b: "\\x")}',
      '{a(b: "\\ud83d")}',
      '{a(b: "\\ude00")}',
      '{a(b: "\\u{110000}")}',
      '{a(b: "\\u00g0")}',
      "{a..b}",
      "{a}; DROP",
      "{é}",
      "' or 1=1 --",
      "<script>{a}</script>",
      "{a\0}",
    ]) {
      const { isGraphql, reason } = read(text);
      assert.equal(isGraphql, false, text);
      assert.equal(reason, "", text);
    }
  });

  test("strings are reported as the server sees them", () => {
    const query = `query ($v: S = "d") {
      user(name: "O\\u0027Brien \\"x\\" \\n\\/\\u{1F600}\\ud83d\\ude00", e: "") { id }
      note(text: """a "b" ""c \\""" \\n ' or 1=1""")
    }`;
    assert.deepEqual(read(query).strings, [
      "graphql:S=d",
      'graphql:name=O\'Brien "x" \n/😀😀',
      'graphql:text=a "b" ""c """ \\n \' or 1=1',
    ]);
    assert.deepEqual(
      read("{a(b: \"' or 1=1 --").strings,
      ["graphql:b=' or 1=1 --"],
      "also one that is not closed",
    );
    assert.deepEqual(read('{a(b: """x""').strings, ["graphql:b=x"]);
    assert.deepEqual(read('{a(b: "0123456789")}', { pieceBytes: 6, overlapBytes: 2 }).strings, [
      "graphql:b=012345",
      "graphql:b=456789",
    ]);
  });

  test("any cutting into chunks gives the same strings and the same verdict", () => {
    const piece = fc.constantFrom(
      ...'{|}|(|)|[|]|a|query|__schema|:|@d|"|"""|\\|\\u0041|\\u{41}|\\"""|\\ud83d\\ude00|...|.|#|\n| |,|1|-2.5|$v|é|\''.split(
        "|",
      ),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 25 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        (pieces, numbers) => {
          const text = Buffer.from(`{a(b: "${pieces.join("")}`);
          const other = Buffer.from(`{a ${pieces.join("")}`);
          for (const bytes of [text, other]) {
            const cuts = numbers.map((number) => number % (bytes.length + 1)).sort((a, b) => a - b);
            const limits = {
              depthMax: 3,
              aliasesMax: 2,
              directivesMax: 2,
              tokensMax: 12,
              pieceBytes: 5,
              overlapBytes: 2,
            };
            assert.deepEqual(read(bytes, limits, cuts), read(bytes, limits));
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("a field that asks for the schema is seen, also in a text that is broken further on", () => {
    for (const text of [
      "{__schema{types{name}}}",
      'query { x: __type(name: "User") { name } }',
      "IntrospectionQuery{__schema {queryType { name }}",
      "query Q { a { b } __schema",
      "{ __schema #\n{ a } }",
    ]) {
      assert.equal(read(text).introspects, true, text);
      assert.equal(read(text).reason, "", text);
      assert.equal(read(text, { introspection: "refuse" }).reason, "graphql_introspection", text);
    }
    for (const text of [
      "{a{__typename}}",
      "__schema",
      '{a(b: "__schema")}',
      "{a(__type: 1)}",
      "{__schemas}",
      "{a} # __schema",
    ])
      assert.equal(read(text, { introspection: "refuse" }).introspects, false, text);
  });

  suite("BT10: limits", () => {
    test("depth", () => {
      const nested = (depth: number): string => `${"{a".repeat(depth)}${"}".repeat(depth)}`;
      assert.equal(read(nested(32)).reason, "");
      assert.equal(read(nested(33)).reason, "graphql_depth");
      assert.equal(read(nested(500)).reason, "graphql_depth");
      assert.equal(read("{a".repeat(100_000)).reason, "graphql_depth");
      assert.equal(read(`{a(b: ${"[".repeat(500)}`).reason, "graphql_depth");
    });

    test("aliases", () => {
      const aliased = (count: number): string =>
        `{${Array.from({ length: count }, (_, at) => `a${at}: b(c: 1) `).join("")}}`;
      assert.equal(read(aliased(200)).reason, "");
      assert.equal(read(aliased(201)).reason, "graphql_aliases");
      assert.equal(read(aliased(10_000)).reason, "graphql_aliases");
    });

    test("directives and tokens", () => {
      assert.equal(read(`{a ${"@d ".repeat(200)}}`).reason, "");
      assert.equal(read(`{a ${"@d ".repeat(201)}}`).reason, "graphql_directives");
      assert.equal(read(`{${"a ".repeat(19_998)}}`).reason, "");
      assert.equal(read(`{${"a ".repeat(19_999)}}`).reason, "graphql_tokens");
    });

    test("documents of one body", () => {
      const reader = new GraphqlReader({ value: () => {} });
      const query = Buffer.from("{a");
      for (let document = 0; document < 50; document++) {
        assert.equal(reader.startDocument(), undefined);
        reader.write(query, 0, query.length);
        reader.end();
      }
      assert.equal(reader.startDocument(), "graphql_batch");
      assert.equal(reader.end(), "graphql_batch");
      reader.reset();
      assert.equal(reader.startDocument(), undefined);
      reader.write(Buffer.from("{a}"), 0, 3);
      assert.equal(reader.end(), undefined);
      assert.ok(reader.isGraphql);
    });
  });

  test("nothing throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        read(bytes);
        read(Buffer.concat([Buffer.from('{a(b: "'), bytes]));
        read(Buffer.concat([Buffer.from('{a(b: """'), bytes]));
      }),
      { numRuns: 500 },
    );
  });
});
