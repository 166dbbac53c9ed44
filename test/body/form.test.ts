import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defaultFormLimits, type FormLimits, FormReader } from "../../src/body/form.ts";
import { QUERY_NAME, QUERY_VALUE } from "../../src/body/place.ts";
import { inPieces, type Seen, valueList } from "../support/value-list.ts";

interface Reading {
  readonly reason: string | undefined;
  readonly seen: readonly Seen[];
}

function read(body: string, limits: Partial<FormLimits> = {}, cuts: number[] = []): Reading {
  const sink = valueList();
  const reader = new FormReader(sink, { ...defaultFormLimits, ...limits }, 99);
  const bytes = Buffer.from(body, "latin1");
  const reason =
    inPieces(bytes, cuts, (piece, start, end) => reader.write(piece, start, end)) ?? reader.end();
  return { reason, seen: sink.seen };
}

const everyByte = (body: string) => Array.from(body, (_char, index) => index);
const pairsOf = (body: string) => read(body).seen.map(([place, value]) => `${place} ${value}`);

test("names and values are reported raw, with their bytes in the form", () => {
  const body = "a=1&b+c=%27+or&d==e=&f=&&=g&h";
  const { seen, reason } = read(body);
  assert.equal(reason, undefined);
  assert.deepEqual(
    seen.map(([place, value]) => [place, value]),
    [
      ["form_name:a", "a"],
      ["form:a", "1"],
      ["form_name:b c", "b+c"],
      ["form:b c", "%27+or"],
      ["form_name:d", "d"],
      ["form:d", "=e="],
      ["form_name:f", "f"],
      ["form", "g"],
      ["form", "h"],
    ],
  );
  for (const [, value, start, end] of seen) assert.equal(body.slice(start, end), value);
});

test("a query has its own places", () => {
  const sink = valueList();
  const reader = new FormReader(sink, defaultFormLimits, 1, QUERY_NAME, QUERY_VALUE);
  const bytes = Buffer.from("/p?q=x", "latin1");
  reader.write(bytes, 3, bytes.length);
  assert.equal(reader.end(), undefined);
  assert.deepEqual(sink.seen, [
    ["query_name:q", "q", 0, 1],
    ["query:q", "x", 2, 3],
  ]);
});

test("a pair with `;` is also read as servers do that split there", () => {
  assert.deepEqual(pairsOf("a=1;b=<x>;;c&d=2"), [
    "form_name:a a",
    "form:a 1;b=<x>;;c",
    "form:a 1",
    "form_name:b b",
    "form:b <x>",
    "form c",
    "form_name:d d",
    "form:d 2",
  ]);
  const flood = read(`a=${";b=1".repeat(1_000)}`, { pairsMax: 10 });
  assert.equal(flood.reason, undefined);
  assert.equal(flood.seen.length, 2 + 9 + 9, "the pair, and ten pieces of which the first is empty");
});

test("the values of a repeated name are also read joined, however the name is written", () => {
  assert.deepEqual(pairsOf("a=1/*&b=x&%61=*/union&c=y&a=+select").at(-1), "form:a 1/*,*/union,+select");
  assert.deepEqual(pairsOf("x=1&y=1&y=2&x=2").slice(-2), ["form:x 1,2", "form:y 1,2"]);
  assert.equal(pairsOf("a=1&A=2&a%5b=3&a[=").length, 7);
  assert.equal(pairsOf("a=1&a=&a").length, 4, "empty values and bare names join nothing");
  const { seen } = read("a=1&b=2&a=3");
  assert.deepEqual(seen.at(-1), ["form:a", "1,3", 2, 11]);
});

test("a name is joined over all windows of a long form", () => {
  const filler = `f${"x".repeat(300)}=1&`;
  const { seen } = read(`q=1&q=2&${filler}q=3&q=4&${filler.replace("f", "g")}z=5&q=6`, { windowBytes: 100 });
  assert.deepEqual(
    seen.filter(([, value]) => value.includes(",")).map(([place, value]) => [place, value]),
    [
      ["form:q", "1,2"],
      ["form:q", "1,2,3,4"],
      ["form:q", "1,2,3,4,6"],
    ],
  );
});

test("a payload that is cut in two is joined over 2,000 short pairs, 100 long ones and any number of known names", () => {
  const short = Array.from({ length: 2_000 }, (_, index) => `n${index}=v${index}&`).join("");
  assert.deepEqual(read(`q=%3Cscr&${short}q=ipt%3E`).seen.at(-1)!.slice(0, 2), ["form:q", "%3Cscr,ipt%3E"]);
  const long = Array.from({ length: 100 }, (_, index) => `n${index}=${"v".repeat(60_000)}&`).join("");
  assert.deepEqual(read(`q=%3Cscr&${long}q=ipt%3E`).seen.at(-1)!.slice(0, 2), ["form:q", "%3Cscr,ipt%3E"]);
  const known = Array.from({ length: 9_900 }, (_, index) => `n${index % 50}=v&`).join("");
  const { seen } = read(`q=%3Cscr&${known}q=ipt%3E`);
  assert.ok(seen.some(([place, value]) => place === "form:q" && value === "%3Cscr,ipt%3E"));
});

test("names without end take no memory without end, and joining goes on", () => {
  const names = Array.from({ length: 9_900 }, (_, index) => `n${index}=${index}&`).join("");
  const { seen, reason } = read(`${names}q=%3Cscr&q=ipt%3E`);
  assert.equal(reason, undefined);
  assert.deepEqual(seen.at(-1)!.slice(0, 2), ["form:q", "%3Cscr,ipt%3E"]);
});

test("wherever windows end, every two values of a name stand side by side in a joined one", () => {
  const pair = fc.tuple(fc.constantFrom("a", "b", "c"), fc.stringMatching(/^[0-9]{1,12}$/));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 40 }), fc.integer({ min: 1, max: 60 }), (pairs, windowBytes) => {
      const { seen } = read(pairs.map(([name, value]) => `${name}=${value}`).join("&"), { windowBytes });
      for (const name of ["a", "b", "c"]) {
        const own = pairs.filter(([other]) => other === name).map(([, value]) => value);
        const joined = seen.filter(([place]) => place === `form:${name}`).map(([, value]) => value);
        for (let index = 1; index < own.length; index++)
          assert.ok(joined.some((value) => value.includes(`${own[index - 1]},${own[index]}`)));
      }
    }),
    { numRuns: 500 },
  );
});

test("a long pair comes in pieces, which overlap and have its name", () => {
  const short = { pieceBytes: 6, overlapBytes: 2 };
  assert.deepEqual(
    read("ab=0123456789&c=1", short).seen.map(([place, value, start, end]) => [place, value, start, end]),
    [
      ["form_name:ab", "ab", 0, 2],
      ["form:ab", "012345", 3, 9],
      ["form:ab", "456789", 7, 13],
      ["form_name:c", "c", 14, 15],
      ["form:c", "1", 16, 17],
    ],
  );
  const shown = (body: string): string[] =>
    read(body, short).seen.map(([place, value]) => `${place} ${value}`);
  assert.deepEqual(shown("0123456789"), ["form 012345", "form 456789"], "no `=`");
  assert.deepEqual(
    shown("01234567=abc"),
    ["form 012345", "form 4567", "form abc"],
    "a name as long as a value",
  );
  assert.deepEqual(shown("a=12;b=34"), [
    "form_name:a a",
    "form:a 12;b=3",
    "form:a 12",
    "form_name:b b",
    "form:b 3",
    "form:a =34",
  ]);
});

test("of long values of a repeated name both ends are joined", () => {
  const { seen } = read(`q=${"x".repeat(9_000)}<scr&q=ipt>${"y".repeat(20_000)}&q=z`);
  const joined = seen.filter(([, value]) => value.includes(",")).map(([, value]) => value);
  assert.equal(joined.length, 1);
  assert.match(joined[0]!, /^x{1024}\nx{1020}<scr,ipt>y{1020}\ny{1024},z$/);
});

test("what a form may make the reader hold is bounded", () => {
  const held: number[] = [];
  const sink = { value: (bytes: Uint8Array) => void held.push(bytes.length) };
  const reader = new FormReader(sink, defaultFormLimits, 1);
  const give = (text: string, times: number): void => {
    const bytes = Buffer.from(text);
    reader.reset();
    for (let time = 0; time < times; time++) assert.equal(reader.write(bytes, 0, bytes.length), undefined);
    assert.equal(reader.end(), undefined);
  };
  give("x".repeat(1000), 1000);
  give(`a=${"x".repeat(8000)}&`, 100);
  give(`a=${"x".repeat(20_000)}&`, 100);
  assert.ok(Math.max(...held) <= 45_000, `${Math.max(...held)}`);
});

test("every limit holds at its boundary", () => {
  const cases: [Partial<FormLimits>, string, string, string][] = [
    [{ pairsMax: 3 }, "a&b&c", "a&b&c&", "form_count"],
    [{ pairsMax: 3 }, "&&", "&&&", "form_count"],
    [{ nameBytesMax: 3 }, "abc=1&def", "abcd=1", "form_name"],
    [{ nameBytesMax: 3 }, "abc", "abcd", "form_name"],
    [{ valueBytesMax: 3 }, "a=abc&b=def", "a=abcd&b=1", "form_value"],
    [{ valueBytesMax: 3 }, "a=abc", "a=abcd", "form_value"],
  ];
  for (const [limits, fits, exceeds, reason] of cases) {
    assert.equal(read(fits, limits).reason, undefined, fits);
    assert.equal(read(exceeds, limits).reason, reason, exceeds);
    assert.equal(read(exceeds, limits, everyByte(exceeds)).reason, reason, exceeds);
  }
  assert.equal(read("p=1&".repeat(100_000)).reason, "form_count");
});

test("an empty form has no values", () => {
  assert.deepEqual(read(""), { reason: undefined, seen: [] });
});

test("a reader that is reset reads the next form as a new one does", () => {
  const sink = valueList();
  const reader = new FormReader(sink, { ...defaultFormLimits, pairsMax: 3 }, 1);
  const write = (text: string) => reader.write(Buffer.from(text), 0, text.length);
  for (const left of ["a=1&a=2&b;c%", "a&b&c&d&", "x".repeat(200_000), "a="]) {
    write(left);
    reader.reset();
    sink.seen.length = 0;
    assert.equal(write("a=1&b=2") ?? reader.end(), undefined);
    assert.deepEqual(
      sink.seen.map(([place, value, start]) => [place, value, start]),
      [
        ["form_name:a", "a", 0],
        ["form:a", "1", 2],
        ["form_name:b", "b", 4],
        ["form:b", "2", 6],
      ],
    );
  }
});

const text = fc
  .array(fc.constantFrom(..."xxy&&===;%1+,", "%61", "\xe9"), { maxLength: 60 })
  .map((chars) => chars.join(""));
const cutsOf = fc.array(fc.nat(200), { maxLength: 8 });

test("any chunking gives the same values and the same verdict", () => {
  const tight = { pairsMax: 4, nameBytesMax: 6, valueBytesMax: 9, windowBytes: 20 };
  const long = { pieceBytes: 7, overlapBytes: 3, nameBytesMax: 12, valueBytesMax: 18 };
  const verdicts = new Set<string | undefined>();
  fc.assert(
    fc.property(text, cutsOf, (body, cuts) => {
      assert.deepEqual(read(body, {}, cuts), read(body));
      const whole = read(body, tight);
      verdicts.add(whole.reason);
      assert.deepEqual(read(body, tight, cuts), whole);
      assert.deepEqual(read(body, tight, everyByte(body)), whole);
      const pieces = read(body, long);
      assert.deepEqual(read(body, long, cuts), pieces);
      assert.deepEqual(read(body, long, everyByte(body)), pieces);
    }),
    { numRuns: 1000 },
  );
  assert.equal(verdicts.size, 4, [...verdicts].join());
});

test("decoded, the pairs are those of URLSearchParams, and repeated names are all its values", () => {
  const safe = text.map((body) => body.replaceAll(";", "").replaceAll("\xe9", "e"));
  fc.assert(
    fc.property(safe, (body) => {
      const params = new URLSearchParams(body);
      const expected: string[] = [];
      for (const pair of body.split("&")) {
        const equals = pair.indexOf("=");
        if (equals < 0) expected.push(pair);
        else expected.push(pair.slice(0, equals), pair.slice(equals + 1));
      }
      const joined: string[] = [];
      for (const name of new Set(params.keys())) {
        const values = params.getAll(name).filter((value) => value !== "");
        const bare = body
          .split("&")
          .filter((pair) => !pair.includes("=") && pair !== "")
          .map(decode)
          .filter((pair) => pair === name);
        if (values.length > 1 && bare.length === 0) joined.push(values.join(","));
      }
      const seen = read(body).seen.map(([, value]) => value);
      const plain = expected.filter((value) => value !== "");
      assert.deepEqual(seen.slice(0, plain.length), plain);
      const extra = seen.slice(plain.length).map(decode);
      for (const value of joined) assert.ok(extra.includes(value), `${value} of ${body}`);
    }),
    { numRuns: 500 },
  );
});

function decode(value: string): string {
  return value
    .replaceAll("+", " ")
    .replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
