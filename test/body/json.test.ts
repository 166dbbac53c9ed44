import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JsonReader } from "../../src/body/json.ts";
import { defaultJsonLimits, type JsonLimits } from "../../src/body/json-limit.ts";
import { needsShared, readCorpus } from "../support/shared.ts";
import { inPieces, type Seen, valueList } from "../support/value-list.ts";

const SEED = 0x5eed;

interface Reading {
  readonly reason: string | undefined;
  readonly seen: readonly Seen[];
}

function read(body: string | Uint8Array, limits: Partial<JsonLimits> = {}, cuts: number[] = []): Reading {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const sink = valueList();
  const reader = new JsonReader(sink, { ...defaultJsonLimits, ...limits }, SEED);
  const reason =
    inPieces(bytes, cuts, (piece, start, end) => reader.write(piece, start, end)) ?? reader.end();
  assert.equal(reader.end(), reason, "a verdict is final");
  return { reason, seen: sink.seen };
}

const reasonOf = (body: string | Uint8Array, limits: Partial<JsonLimits> = {}) => read(body, limits).reason;
const everyByte = (body: Uint8Array) => Array.from(body, (_byte, index) => index);

test("JSONTestSuite: what must be refused is refused, what must be accepted is, but for our stricter points", (t) => {
  const folder = needsShared(t);
  if (folder === undefined) return;
  const stricter = new Map([
    ["y_object_duplicated_key.json", "json_dup"],
    ["y_object_duplicated_key_and_value.json", "json_dup"],
    ["y_object_escaped_null_in_key.json", "json_syntax"],
  ]);
  const counts = { accept: 0, reject: 0, either: 0 };
  for (const line of readCorpus(folder, "json-suite.jsonl")) {
    const { id, body_b64 } = line;
    const expect: string = line.expect;
    const body = Buffer.from(body_b64, "base64");
    const { reason, seen } = read(body);
    counts[expect as keyof typeof counts]++;
    if (expect === "accept") assert.equal(reason, stricter.get(id), id);
    if (expect === "reject") assert.notEqual(reason, undefined, id);
    if (body.length < 10_000) assert.deepEqual(read(body, {}, everyByte(body)), { reason, seen }, id);
  }
  assert.ok(counts.accept > 90 && counts.reject > 180, JSON.stringify(counts));
});

test("keys and strings are reported with their paths and their bytes in the body", () => {
  const body = '{"user":{"q":["a",1,"b\\u0041"],"the name":null},"it\'s":"é","":[[{"x":""}]]}';
  const { reason, seen } = read(body);
  assert.equal(reason, undefined);
  assert.deepEqual(
    seen.map(([place, value]) => [place, Buffer.from(value, "latin1").toString()]),
    [
      ["json_key:$.user", "user"],
      ["json_key:$.user.q", "q"],
      ["json:$.user.q[0]", "a"],
      ["json:$.user.q[2]", "bA"],
      ['json_key:$.user["the name"]', "the name"],
      ['json_key:$["it\'s"]', "it's"],
      ['json:$["it\'s"]', "é"],
      ['json_key:$[""]', ""],
      ['json_key:$[""][0][0].x', "x"],
      ['json:$[""][0][0].x', ""],
    ],
  );
  const bytes = Buffer.from(body);
  for (const [, value, start, end] of seen) {
    assert.equal(bytes[start - 1], 0x22);
    assert.equal(bytes[end], 0x22);
    assert.equal(
      JSON.parse(bytes.toString("utf8", start - 1, end + 1)),
      Buffer.from(value, "latin1").toString(),
    );
  }
});

test("the WAF sees the text that the application will see", () => {
  const values = (body: string) => read(body).seen.map(([, value]) => value);
  assert.deepEqual(values('["\\u0027 or 1=1"]'), ["' or 1=1"]);
  assert.deepEqual(values('["\\u003cscript","<\\/script"]'), ["<script", "</script"]);
  assert.deepEqual(values('"..\\/..\\/etc"'), ["../../etc"]);
  assert.deepEqual(values('"\\b\\f\\n\\r\\t\\"\\\\"'), ['\b\f\n\r\t"\\']);
  assert.deepEqual(values('"\\ud83d\\ude00 \\u20AC \\u00e9 \\u0000"'), [
    Buffer.from("😀 € é \0").toString("latin1"),
  ]);
});

test("a payload split across keys or items is not put together", () => {
  assert.deepEqual(
    read('["<scr","ipt>"]').seen.map(([, value]) => value),
    ["<scr", "ipt>"],
  );
});

test("what is not JSON is refused as such", () => {
  const cases = [
    ...["", " ", "{", "[", '"', '"\\', '"\\u00', "[1,]", '{"a":1,}', "{'a':1}", "{a:1}", '{"a" 1}', '{"a"}'],
    ...[
      "[1 2]",
      "[,1]",
      "[1,,2]",
      "{,}",
      '{"a":1 "b":2}',
      "[}",
      "{]",
      '{"a":]',
      '["a":1]',
      "]",
      "}",
      ",",
      ":",
    ],
    ...["/**/1", "[1]//", "NaN", "Infinity", "-", "-a", "+1", ".5", "1.", "1.e3", "1e", "1e+", "01", "-01"],
    ...["0x10", "1_000", "tru", "True", "nul", "undefined", "[truex]", "[1x]", '"a\nb"', '"a\tb"', '"\\x41"'],
    ...['"\\u12g4"', '"\\U0041"', '["\0"]', "\0", "[1\f]", "\u00a01", '{"a\\u0000":1}'],
  ];
  for (const body of cases) {
    assert.equal(reasonOf(body), body === "[1]//" ? "json_trailing" : "json_syntax", JSON.stringify(body));
  }
});

test("one body is one value", () => {
  for (const body of ["{}{}", "[] []", "1 2", '""x', '{"a":1}\n{"a":2}\n', "{}\0", "[]]", "true,"]) {
    assert.equal(reasonOf(body), "json_trailing", body);
  }
  assert.equal(reasonOf(" \t\r\n{} \t\r\n"), undefined);
});

test("a body that is not UTF-8 is refused, and so is a byte order mark and a lone surrogate", () => {
  const latin = (text: string) => Buffer.from(text, "latin1");
  for (const bad of [
    "\x80",
    "\xc0\xaf",
    "\xc1\xbf",
    "\xe0\x80\xaf",
    "\xed\xa0\x80",
    "\xf0\x80\x80\xaf",
    "\xf4\x90\x80\x80",
  ]) {
    assert.equal(reasonOf(latin(`["${bad}"]`)), "json_utf8");
  }
  for (const bad of ["\xe9", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff", "\xe2\x28\xa1"]) {
    assert.equal(reasonOf(latin(`{"a${bad}":1}`)), "json_utf8");
  }
  for (const bad of ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud800\\n", "\\ud800x", "\\udbff\\udbff"]) {
    assert.equal(reasonOf(`["${bad}"]`), "json_utf8", bad);
  }
  for (const mark of ["\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"]) {
    assert.equal(reasonOf(latin(`${mark}{}`)), "json_utf8");
  }
  assert.equal(reasonOf(Buffer.from("\ufeff{}", "utf16le")), "json_utf8");
  assert.equal(reasonOf('["\ud7ff\ue000\u{10ffff}\u0080\u0800"]'), undefined);
});

test("a key that occurs twice in one object is refused, however it is written", () => {
  for (const body of [
    '{"a":1,"a":"\' or 1=1"}',
    '{"a":1,"\\u0061":2}',
    '{"":1,"":1}',
    '[{"b":{"x":{},"y":[{"x":1}],"x":1}}]',
    `{${Array.from({ length: 300 }, (_none, index) => `"k${index}":0`)},"k7":1}`,
  ]) {
    assert.equal(reasonOf(body), "json_dup", body);
  }
  for (const body of ['{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', '{"a":1,"A":1,"a ":1,"aa":1}']) {
    assert.equal(reasonOf(body), undefined, body);
  }
});

test("where duplicates are allowed, paths name the key last read", () => {
  const { reason, seen } = read('{"a":"1","b":"2","a":{"c":"3"},"a":["4"]}', { duplicateKeys: "allow" });
  assert.equal(reason, undefined);
  assert.deepEqual(
    seen.filter(([place]) => place.startsWith("json:")).map(([place]) => place),
    ["json:$.a", "json:$.b", "json:$.a.c", "json:$.a[0]"],
  );
});

test("where sequences are allowed, each value is read as if it came alone", () => {
  const one = fc.tuple(
    fc.oneof(fc.jsonValue(), fc.constantFrom({}, [], "", 0, "a{}")).map((value) => JSON.stringify(value)),
    fc.constantFrom("\n", " ", "\r\n\n", ""),
  );
  let several = 0;
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(60)), (parts, cuts) => {
      // A number ends at white space.
      const body = parts.map(([text, gap]) => text + (/\d$/.test(text) ? gap || "\n" : gap)).join("");
      const alone = parts.map(([text]) => read(text));
      const { reason, seen } = read(body, { sequences: true }, cuts);
      const firstFault = alone.find((reading) => reading.reason !== undefined)?.reason;
      assert.equal(reason, firstFault, body);
      if (reason !== undefined) return;
      const told = (reading: readonly Seen[]) => reading.map(([place, value]) => [place, value]);
      assert.deepEqual(told(seen), told(alone.flatMap((reading) => reading.seen)));
      if (parts.length > 1) {
        assert.equal(reasonOf(body), "json_trailing");
        several++;
      }
    }),
    { numRuns: 1000 },
  );
  assert.ok(several > 300, `${several}`);
  const sequences = { sequences: true };
  for (const body of ["{}x", "{},{}", "{}]", '{}"', "", "\n", "1,2", "{}\u001e{}", "truefalse\u0000"])
    assert.equal(reasonOf(body, sequences), "json_syntax", body);
  assert.equal(reasonOf('{"a":1}{"a":1}', sequences), undefined);
  assert.equal(reasonOf('{"a":1}{"a":1,"a":1}', sequences), "json_dup");
  assert.equal(reasonOf("{}".repeat(5), { ...sequences, nodesMax: 4 }), "json_nodes");
});

test("every limit holds at its boundary", () => {
  const cases: [Partial<JsonLimits>, string, string, string][] = [
    [{ depthMax: 3 }, '[{"a":[]}]', '[{"a":[[]]}]', "json_depth"],
    [{ stringBytesMax: 4 }, '{"éé":"abcd"}', '["abcde"]', "json_string"],
    [{ stringBytesMax: 4 }, '["\\u00e9\\n\\n"]', '["\\u00e9\\u20ac"]', "json_string"],
    [{ stringBytesMax: 4 }, '{"abcd":1}', '{"abcde":1}', "json_string"],
    [{ numberCharsMax: 4 }, "[-0.1,1234]", "[12345]", "json_number"],
    [{ numberCharsMax: 4 }, "1e10", "1e100", "json_number"],
    [{ nodesMax: 3 }, "[1,[]]", "[1,[],2]", "json_nodes"],
    [
      { keysPerObjectMax: 2 },
      '{"a":{"a":1,"b":1},"b":{"a":1,"b":1}}',
      '{"a":{"a":1},"b":1,"c":1}',
      "json_keys",
    ],
    [{ keysMax: 2 }, '[{"a":1},{"a":1}]', '[{"a":1},{"a":1},{"a":1}]', "json_keys"],
    [{ openKeysMax: 2 }, '[{"a":{"b":1}},{"a":{"b":1}}]', '{"a":{"b":{"c":1}}}', "json_keys"],
  ];
  for (const [limits, fits, exceeds, reason] of cases) {
    assert.equal(reasonOf(fits, limits), undefined, fits);
    assert.equal(reasonOf(exceeds, limits), reason, exceeds);
    const bytes = Buffer.from(exceeds);
    assert.equal(read(bytes, limits, everyByte(bytes)).reason, reason, `${exceeds} byte by byte`);
  }
});

test("a long string or key comes in pieces that overlap, and a long key is found twice", () => {
  const limits = { pieceBytes: 6, overlapBytes: 2 };
  assert.deepEqual(read('{"0123456789":"abc\\u0064efg","s":"123456"}', limits).seen, [
    ['json_key:$["012345"]', "012345", 2, 8],
    ['json_key:$["0123456789"]', "456789", 6, 12],
    ['json:$["0123456789"]', "abcdef", 15, 26],
    ['json:$["0123456789"]', "efg", 24, 27],
    ["json_key:$.s", "s", 30, 31],
    ["json:$.s", "123456", 34, 40],
  ]);
  const [first, second] = [`"${"k".repeat(30_000)}1":0`, `"${"k".repeat(30_000)}2":0`];
  assert.equal(reasonOf(`{${first},${second}}`), undefined);
  assert.equal(reasonOf(`{${first},${second},${first}}`), "json_dup");
});

test("five million open brackets are refused at the 65th", () => {
  const reader = new JsonReader(valueList(), defaultJsonLimits, SEED);
  assert.equal(reader.write(Buffer.alloc(64, "["), 0, 64), undefined);
  assert.equal(reader.write(Buffer.alloc(5_000_000, "["), 0, 5_000_000), "json_depth");
  assert.equal(reader.consumed, 64);
});

test("100,000 keys are refused in one object, and read in many", () => {
  const keys = Array.from({ length: 100_000 }, (_none, index) => `"key${index}":${index}`);
  assert.equal(reasonOf(`{${keys}}`), "json_keys");
  assert.equal(reasonOf(`{${keys}}`, { keysPerObjectMax: 100_000 }), "json_keys", "more than is held");
  assert.equal(reasonOf(`{${keys.slice(0, 10_000)}}`), undefined);
  assert.equal(reasonOf(`[${keys.map((key) => `{${key}}`)}]`), undefined);
});

test("a reader that is reset reads the next body as a new one does", () => {
  const sink = valueList();
  const reader = new JsonReader(sink, defaultJsonLimits, SEED);
  const long = `"${"x".repeat(100_000)}`;
  for (const left of [
    '{"a":{"b',
    '["\\ud83d',
    '["\\u00',
    '["\xc3',
    "[tr",
    "[1.",
    '{"a":1,"a"',
    long,
    "[[[",
  ]) {
    const bytes = Buffer.from(left, "latin1");
    reader.write(bytes, 0, bytes.length);
    reader.reset();
    sink.seen.length = 0;
    const next = Buffer.from('{"a":["é",1]}');
    assert.equal(reader.write(next, 0, next.length) ?? reader.end(), undefined, left);
    assert.deepEqual(
      sink.seen.map(([place]) => place),
      ["json_key:$.a", "json:$.a[0]"],
    );
  }
});

// One document in all its spellings: what stands where is known before it is written.
interface Spelled {
  readonly json: string;
  /** Reported texts, in order. */
  readonly texts: readonly string[];
}

const space = fc.constantFrom("", "", "", " ", "\n", "\t\r\n ");
const char = fc.oneof(
  fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  fc.constantFrom("é", "€", "😀", "\u0001", "\n", '"', "\\", "/", "\u{10ffff}", "\ud7ff", "\u0080", "\u2028"),
);
const spelledString: fc.Arbitrary<Spelled> = fc
  .array(fc.tuple(char, fc.integer({ min: 0, max: 3 })), { maxLength: 12 })
  .map((chars) => {
    const text = chars.map(([char]) => char).join("");
    const inner = chars.map(([char, way]) => {
      if (way === 0) {
        return [...Array(char.length).keys()]
          .map((index) => `\\u${char.charCodeAt(index).toString(16).padStart(4, "0")}`)
          .join("");
      }
      return char === "/" && way === 1 ? "\\/" : JSON.stringify(char).slice(1, -1);
    });
    return { json: `"${inner.join("")}"`, texts: [text] };
  });
const scalar: fc.Arbitrary<Spelled> = fc
  .oneof(
    fc.constantFrom("true", "false", "null", "0", "-0", "1E5", "1e-07", "-0.0e+0"),
    fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
    fc.integer().map(String),
  )
  .map((json) => ({ json, texts: [] }));

const { document } = fc.letrec<{ document: Spelled }>((tie) => ({
  document: fc
    .oneof(
      { maxDepth: 5, depthSize: "large", withCrossShrink: true },
      spelledString,
      scalar,
      fc.array(tie("document"), { maxLength: 5 }).chain((items) =>
        space.map((gap) => ({
          json: `[${gap}${items.map(({ json }) => json).join(`${gap},${gap}`)}${gap}]`,
          texts: items.flatMap(({ texts }) => texts),
        })),
      ),
      fc
        .uniqueArray(fc.tuple(spelledString, tie("document")), {
          maxLength: 5,
          selector: ([key]) => key.texts[0],
        })
        .chain((members) =>
          space.map((gap) => ({
            json: `{${gap}${members.map(([key, value]) => `${key.json}${gap}:${gap}${value.json}`).join(`${gap},${gap}`)}${gap}}`,
            texts: members.flatMap(([key, value]) => [...key.texts, ...value.texts]),
          })),
        ),
    )
    .chain((value) =>
      fc.tuple(space, space).map(([before, after]) => ({ ...value, json: before + value.json + after })),
    ),
}));

const cutsOf = fc.array(fc.nat(2_000), { maxLength: 8 });

test("any valid document is accepted and all its strings are reported, in any chunking", () => {
  fc.assert(
    fc.property(document, cutsOf, ({ json, texts }, cuts) => {
      JSON.parse(json);
      const body = Buffer.from(json);
      const whole = read(body);
      assert.equal(whole.reason, undefined);
      assert.deepEqual(
        whole.seen.map(([, value]) => Buffer.from(value, "latin1").toString()),
        texts,
      );
      assert.deepEqual(read(body, {}, cuts), whole);
      assert.deepEqual(read(body, {}, everyByte(body)), whole);
    }),
    { numRuns: 400 },
  );
});

const damage = fc.record({
  at: fc.nat(500),
  remove: fc.nat(3),
  insert: fc.constantFrom(...'{}[],:"\\ u0-1.eE+tn/\n', "\0", "\x7f", "\\u0000", "\\ud800", ""),
});

const several = fc
  .array(document, { minLength: 2, maxLength: 6 })
  .map((items) => ({ json: `[${items.map(({ json }) => json)}]` }));

test("damaged documents are judged as JSON.parse judges them, but for our stricter points, in any chunking", () => {
  const tight = { depthMax: 3, stringBytesMax: 12, numberCharsMax: 6, nodesMax: 9, keysPerObjectMax: 2 };
  const verdicts = new Set<string | undefined>();
  fc.assert(
    fc.property(
      several,
      fc.array(damage, { minLength: 1, maxLength: 2 }),
      cutsOf,
      ({ json }, faults, cuts) => {
        for (const { at, remove, insert } of faults) {
          const index = at % (json.length + 1);
          json = json.slice(0, index) + insert + json.slice(index + remove);
        }
        const isValid = parses(json);
        const body = Buffer.from(json);
        const whole = read(body);
        verdicts.add(whole.reason);
        if (whole.reason === undefined) assert.ok(isValid, json);
        else if (isValid) {
          const isStricter = ["json_dup", "json_utf8"].includes(whole.reason) || json.includes("\\u0000");
          // A surrogate cut in half by the damage is U+FFFD in the body, and the same to both.
          assert.ok(isStricter, `${whole.reason}: ${json}`);
        }
        assert.deepEqual(read(body, {}, cuts), whole);
        const limited = read(body, tight);
        verdicts.add(limited.reason);
        assert.deepEqual(read(body, tight, cuts), limited);
        assert.deepEqual(read(body, tight, everyByte(body)), limited);
        const pieces = read(body, { ...tight, pieceBytes: 4, overlapBytes: 2 });
        assert.deepEqual(read(body, { ...tight, pieceBytes: 4, overlapBytes: 2 }, cuts), pieces);
        assert.deepEqual(read(body, { ...tight, pieceBytes: 4, overlapBytes: 2 }, everyByte(body)), pieces);
      },
    ),
    { numRuns: 1500 },
  );
  assert.ok(verdicts.size >= 8, [...verdicts].join());
});

test("bytes that are no text are judged as a strict decoder does, in any chunking", () => {
  const piece = fc.oneof(
    fc.constantFrom(..."\x80 \xbf \xc0 \xc2 \xdf \xe0 \xed \xef \xf0 \xf4 \xf5 a".split(" ")),
    fc.constantFrom("é", "€", "😀").map((text) => Buffer.from(text).toString("latin1")),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), cutsOf, (pieces, cuts) => {
      const body = Buffer.from(`["${pieces.join("")}"]`, "latin1");
      const whole = read(body);
      assert.equal(whole.reason, decodes(body) ? undefined : "json_utf8");
      assert.deepEqual(read(body, {}, cuts), whole);
    }),
    { numRuns: 1500 },
  );
});

function parses(json: string): boolean {
  try {
    JSON.parse(Buffer.from(json).toString());
    return true;
  } catch {
    return false;
  }
}

function decodes(body: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(body);
    return true;
  } catch {
    return false;
  }
}
