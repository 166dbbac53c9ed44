import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import * as zlib from "node:zlib";
import fc from "fast-check";
import type { WafSettings } from "../../src/gate/waf-settings.ts";
import { Inspector } from "../../src/waf/inspector.ts";
import { WINDOW_BYTES } from "../../src/waf/views.ts";
import { snappyBlock, snappySync, varint } from "../support/snappy.ts";
import { type Outcome, shippedRuleSet, WafBench } from "./waf-corpus.ts";
import { demoRuleSet } from "./waf-demo-rules.ts";

const ruleSet = demoRuleSet();
const bench = new WafBench(ruleSet);

function post(type: string | undefined, body: string | Uint8Array, settings?: Partial<WafSettings>): Outcome {
  const to = settings === undefined ? bench : new WafBench(ruleSet, settings);
  return to.give({
    method: "POST",
    headers: type === undefined ? [] : [["Content-Type", type]],
    body: typeof body === "string" ? Buffer.from(body) : body,
  });
}

/** `gate detail`, or `passed`. */
function said({ refused, gate, detail }: Outcome): string {
  return refused ? `${gate} ${detail}` : "passed";
}

function multipart(...parts: readonly string[]): string {
  return `${parts.map((part) => `--xx\r\n${part}\r\n`).join("")}--xx--\r\n`;
}
const field = (name: string, value: string, more = ""): string =>
  `Content-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}`;
const form = "application/x-www-form-urlencoded";
const parted = "multipart/form-data; boundary=xx";

const finds: readonly (readonly [string, string | undefined, string, string])[] = [
  ["a form's value", form, "a=1&b=a+%78yzzy", "form:b"],
  ["a form's name", form, "xyzzy=1", "form_name:xyzzy"],
  ["a value cut in two by a repeated name", form, "a=xy&a=zzy&b=/*&b=*/xyzzy", "form:b"],
  ["a JSON string", "application/json", '{"user":{"q":["", "a xyzzy"]}}', "json:$.user.q[1]"],
  ["an escaped JSON string", "application/vnd.api+json", '{"q":"\\u0078yzzy"}', "json:$.q"],
  ["a JSON key", "application/json; charset=utf-8", '{"xyzzy":1}', "json_key:$.xyzzy"],
  ["a report", "application/csp-report", '{"csp-report":{"q":"xyzzy"}}', "json:$.csp-report.q"],
  ["a part's value", parted, multipart(field("a", "1"), field("b", "xyzzy")), "part:b"],
  ["a part's file name", parted, multipart(field("a", "1", '; filename="xyzzy.txt"')), "part_filename:a"],
  ["a part's file", parted, multipart(field("a", "is xyzzy", '; filename="a.txt"')), "body_bytes:a"],
  [
    "JSON in a part",
    parted,
    multipart(
      'Content-Disposition: form-data; name="a"\r\nContent-Type: application/json\r\n\r\n{"q":"xyzzy"}',
    ),
    "json:$.q",
  ],
  ["XML text", "application/xml", "<a><b>xyz&#122;y</b></a>", "xml:a/b"],
  ["an XML attribute", "application/soap+xml", '<a b="xyzzy"/>', "xml_attribute:a/@b"],
  ["a text", "text/plain", "say xyzzy", "body"],
  ["JSON that calls itself text", "text/plain;charset=UTF-8", '{"q":"\\u0078yzzy"}', "json:$.q"],
  ["text that only looks like JSON", "text/plain", '{"q": yes xyzzy', "body"],
  ["a body without a type", undefined, "say xyzzy", "body"],
  ["GraphQL", "application/graphql", '{ a(b: "\\u0078yzzy") { c } }', "graphql:b"],
  ["bytes", "application/octet-stream", "\0\u0001xyzzy", "body_bytes"],
  ["a picture's text", "image/png", "\0\u0001xyzzy", "body_bytes"],
];
for (const [what, type, body, place] of finds)
  test(`looks into ${what}`, () => {
    const outcome = post(type, body);
    assert.equal(said(outcome), "patterns demo-xyzzy");
    assert.ok(
      outcome.findings.some((finding) => finding.split(" [")[0] === `demo-xyzzy ${place}`),
      `${outcome.findings}`,
    );
  });

const passes: readonly (readonly [string, string | undefined, string | Uint8Array])[] = [
  ["a form", form, "a=1&b=2&b=3"],
  ["JSON", "application/json", '{"a":[1,2.5,true,null,"x"]}'],
  ["JSON as text", "text/plain", '{"a":1}'],
  ["lines of JSON", "application/x-ndjson", '{"a":1}\n{"a":2}\n'],
  ["text", "text/plain", "{not json"],
  ["no type at all", undefined, "a=1"],
  ["XML", "text/xml", '<?xml version="1.0"?><a>b</a>'],
  ["multipart", parted, multipart(field("a", "b"))],
  [
    "an OData batch",
    "multipart/mixed; boundary=batch_1",
    "--batch_1\r\nContent-Type: application/http\r\n\r\n",
  ],
  ["random bytes", "application/octet-stream", randomBytes(4096)],
  ["a picture", "image/webp", randomBytes(4096)],
  ["a file in multipart", parted, multipart(field("a", "\x01\x02".repeat(300), '; filename="a.bin"'))],
  ["a body of no bytes, whatever its type says", "nonsense", ""],
];
for (const [what, type, body] of passes)
  test(`passes ${what}`, () => {
    assert.equal(said(post(type, body)), "passed");
  });

const refuses: readonly (readonly [string, string, string, string])[] = [
  ["a type outside the list", "application/x-unheard-of", "a", "content_type ct_unknown"],
  ["a type that is none", "json", "{}", "content_type ct_syntax"],
  ["a charset that hides", "text/plain; charset=utf-7", "a", "content_type ct_charset"],
  ["multipart without a boundary", "multipart/form-data", "a", "content_type ct_boundary"],
  ["multipart that is none", parted, "a=1", "content_type multipart_boundary"],
  ["multipart cut short", parted, `--xx\r\n${field("a", "1")}`, "content_type multipart_cut"],
  ["XML that is none", "text/xml", "a=1", "content_type xml_syntax"],
  ["a document type", "text/xml", "<!DOCTYPE a><a/>", "content_type xml_doctype"],
  ["JSON that is none", "application/json", "a=1", "json json_syntax"],
  ["a second JSON value", "application/json", "{} {}", "json json_trailing"],
  ["a JSON key twice", "application/json", '{"a":1,"\\u0061":2}', "json json_dup"],
  ["JSON 65 deep", "application/json", "[".repeat(65) + "]".repeat(65), "json json_depth"],
  ["a number of 1,025 digits", "application/json", "1".repeat(1025), "json json_number"],
  [
    "a GraphQL alias bomb",
    "application/json",
    `{"query":"{${" a:b".repeat(201)} }"}`,
    "content_type graphql_aliases",
  ],
];
for (const [what, type, body, expected] of refuses)
  test(`refuses ${what}`, () => {
    assert.equal(said(post(type, body)), expected);
  });

test("a strict list is one line, and a lenient one inspects unknown types as bytes", () => {
  const strict = { allowedContentTypes: ["application/json"] };
  assert.equal(said(post("application/json", "{}", strict)), "passed");
  assert.equal(said(post("text/plain", "a", strict)), "content_type ct_unknown");
  const lenient = { denyUnknownContentTypes: false };
  assert.equal(said(post("application/x-unheard-of", "a", lenient)), "passed");
  assert.equal(said(post("application/x-unheard-of", "a xyzzy", lenient)), "patterns demo-xyzzy");
});

test("of binary bytes the texts are inspected, and the rest costs no budget", () => {
  const poor = { workBase: 2000, workPerByte: 0 };
  const bytes = new WafBench(ruleSet, {}, (waf) => ({ ...waf, profile: { ...waf.profile, ...poor } }));
  const give = (type: string, ...body: Uint8Array[]): string =>
    said(bytes.give({ method: "POST", headers: [["Content-Type", type]], body: Buffer.concat(body) }));
  const random = randomBytes(40_000).map((byte) => (byte >= 0x20 && byte < 0x7f ? byte | 0x80 : byte));
  assert.equal(give("application/octet-stream", random), "passed");
  assert.equal(
    give("application/octet-stream", random, Buffer.from("please say xyzzy, thank you"), random),
    "patterns demo-xyzzy",
  );
  const file = [field("a", "", '; filename="a.bin"'), "--xx--\r\n"].map((text) => Buffer.from(text));
  assert.equal(
    give(parted, Buffer.from("--xx\r\n"), file[0]!, random, Buffer.from("\r\n"), file[1]!),
    "passed",
  );
});

test("compressed bytes that do not say so are not refused for their entropy", () => {
  const body = zlib.gzipSync(randomBytes(4000));
  assert.equal(said(post(undefined, body)), "passed");
  assert.equal(said(post("text/plain", zlib.deflateSync(randomBytes(4000)))), "passed");
});

test("a program, an archive or a font is let through, with its type or without, and code in it is not", () => {
  const pieces = ["META-INF/MANIFEST.MF", "' or '1'='1' -- x", "../src/main.c", "Usage:\n chrt [options]\n"];
  const rest = Buffer.from(
    `\x00${pieces.join("\x00\x01")}\x00please say xyzzy, thank you all\x00`.repeat(300),
    "latin1",
  );
  const code = Buffer.from("<?php xyzzy(); ?>");
  for (const begin of ["PK\x03\x04", "\x7fELF\x02\x01\x01", "\x00\x01\x00\x00\x00\x10"].map((text) =>
    Buffer.from(text, "latin1"),
  ))
    for (const type of ["application/octet-stream", "application/java-archive", undefined]) {
      const headers = type === undefined ? [] : ([["Content-Type", type]] as const);
      const give = (...chunks: Uint8Array[]): string =>
        said(bench.give({ method: "POST", headers, body: Buffer.concat(chunks) }));
      assert.equal(give(begin, rest), "passed");
      assert.equal(give(begin, rest, code, rest), "patterns demo-xyzzy");
      assert.equal(give(rest), "patterns demo-xyzzy");
    }
  const part = (...chunks: Uint8Array[]): string => {
    const body = Buffer.concat([
      Buffer.from(`--xx\r\n${field("a", "", '; filename="a.jar"')}`),
      ...chunks,
      Buffer.from("\r\n--xx--\r\n"),
    ]);
    return said(bench.give({ method: "POST", headers: [["Content-Type", parted]], body }));
  };
  assert.equal(part(Buffer.from("PK\x03\x04"), rest), "passed");
  assert.equal(part(Buffer.from("PK\x03\x04"), code, rest), "patterns demo-xyzzy");
  assert.equal(part(Buffer.from("\x00\x01"), rest), "patterns demo-xyzzy");
});

test("JSON limits are the profile's", () => {
  assert.equal(said(post("application/json", "[[[]]]", { maxDepth: 2 })), "json json_depth");
  assert.equal(said(post("application/json", '["abcd"]', { maxStringLen: 3 })), "json json_string");
  assert.equal(said(post("application/json", "[1234]", { maxNumberLen: 3 })), "json json_number");
});

test("a body of several JSON values is the profile's to take, and each of them is inspected", () => {
  const lines = (text: string) => `{"index":{}}\n{"event":"${text}"}\n{"event":"fine"}`;
  assert.equal(said(post("application/json", lines("fine"))), "json json_trailing");
  assert.equal(said(post("application/json", lines("fine"), { jsonSequences: true })), "passed");
  const escaped = post("application/json", lines("\\u0078yzzy"), { jsonSequences: true });
  assert.deepEqual(escaped.findings, ["demo-xyzzy json:$.event [] xyzzy"]);
});

test("a body larger than the profile allows is refused, declared or not", () => {
  assert.equal(said(post("text/plain", "a", { maxBodyMb: 0 })), "body_size body_size");
  assert.equal(
    said(post("text/plain", Buffer.alloc(1_048_577, 97), { maxBodyMb: 1 })),
    "body_size body_size",
  );
  assert.equal(said(post("text/plain", Buffer.alloc(1_048_576, 97), { maxBodyMb: 1 })), "passed");
});

test("the strings of GraphQL in JSON are values of their own", () => {
  const body = JSON.stringify({ query: '{ a(b: "\\u0078yzzy") { c } }' });
  assert.deepEqual(post("application/json", body).findings, ["demo-xyzzy json:$.query [script] xyzzy"]);
  const excludes = [{ rule: "demo-xyzzy", field: "json" }];
  assert.deepEqual(post("application/json", body, { excludes }).findings, ["demo-xyzzy graphql:b [] xyzzy"]);
  assert.deepEqual(post("application/json", `[${body}]`, { excludes }).refused, true);
  assert.deepEqual(post("application/json", `{"variables":${body}}`, { excludes }).refused, false);
});

test("a spent budget refuses or passes as the profile says", () => {
  const spent = (onBudget: "refuse" | "pass"): string => {
    const poor = new WafBench(ruleSet, { onBudget }, (waf) => ({
      ...waf,
      profile: { ...waf.profile, workBase: 500, workPerByte: 0 },
    }));
    const headers = [["Content-Type", "text/plain"]] as const;
    return said(poor.give({ method: "POST", headers, body: Buffer.from(`${"%20/b ".repeat(500)} xyzzy`) }));
  };
  assert.equal(spent("refuse"), "budget work_units");
  assert.equal(spent("pass"), "passed");
});

test("entropy refuses random text and not tokens, files or media", () => {
  const random = randomBytes(4096);
  assert.equal(said(post("text/plain", random)), "entropy entropy");
  assert.equal(said(post(undefined, random)), "passed");
  assert.equal(said(post(undefined, random, { allowedContentTypes: ["text/*"] })), "entropy entropy");
  assert.equal(said(post("text/plain", random, { entropyCheck: false })), "passed");
  assert.equal(said(post("text/plain", random, { entropyThreshold: 8 })), "passed");
  assert.equal(said(post("text/plain", random.subarray(0, 255))), "passed");
  assert.equal(said(post("text/plain", random.toString("base64"))), "passed");
  const letters = Array.from({ length: 2000 }, (_, index) =>
    String.fromCodePoint(0x4e00 + ((index * 7919) % 4000)),
  );
  const json = JSON.stringify({ a: letters.join("") });
  assert.equal(said(post("application/json", json, { entropyThreshold: 4 })), "entropy entropy");
  assert.equal(
    said(post("application/json", `{"a":${"[1,2,3],".repeat(0)}1}`, { entropyThreshold: 0 })),
    "passed",
  );
});

const codings: readonly (readonly [string, (body: Uint8Array) => Uint8Array])[] = [
  ["gzip", zlib.gzipSync],
  ["deflate", zlib.deflateSync],
  ["br", zlib.brotliCompressSync],
  ["zstd", zlib.zstdCompressSync],
];
async function coded(
  coding: string,
  body: Uint8Array,
  settings?: Partial<WafSettings>,
  chunks: number[] = [],
) {
  const headers = [
    ["Content-Type", "application/json"],
    ["Content-Encoding", coding],
  ] as const;
  return said(await new WafBench(ruleSet, settings).giveLater({ method: "POST", headers, body, chunks }));
}

for (const [coding, encode] of codings)
  test(`undoes ${coding}`, async () => {
    assert.equal(await coded(coding, encode(Buffer.from('{"a":"xyzzy"}'))), "patterns demo-xyzzy");
    assert.equal(await coded(coding, encode(Buffer.from('{"a":"b"}'))), "passed");
    assert.equal(await coded(coding, encode(Buffer.from('{"a":"b"')), {}, [1, 2, 3]), "json json_syntax");
    const large = Buffer.from(JSON.stringify({ a: randomBytes(400_000).toString("hex"), b: "xyzzy" }));
    assert.equal(await coded(coding, encode(large), {}, Array(100).fill(4096)), "patterns demo-xyzzy");
  });

const protobuf = "application/x-protobuf";
function remoteWrite(body: Uint8Array, type = protobuf, chunks: readonly number[] = []): Promise<Outcome> {
  const headers = [
    ["Content-Type", type],
    ["Content-Encoding", "snappy"],
  ] as const;
  return new WafBench(ruleSet).giveLater({ method: "POST", headers, body, chunks });
}

test("undoes snappy of protobuf, and of nothing else", async () => {
  const label = (value: string): Buffer =>
    Buffer.concat([varint((1 << 3) | 2), varint(value.length), Buffer.from(value)]);
  assert.equal(said(await remoteWrite(snappySync(label("xyzzy")))), "patterns demo-xyzzy");
  assert.equal(said(await remoteWrite(snappySync(label("up")))), "passed");
  assert.equal(
    said(await remoteWrite(snappySync(label("up")), `${protobuf};proto=io.prometheus.write.v2.Request`)),
    "passed",
  );
  assert.equal(said(await remoteWrite(snappySync(label("up")).subarray(0, -1))), "coding decompress");
  const words = Array.from({ length: 60_000 }, (_, index) => `${index * 7919}`).join(" ");
  const large = snappySync(label(`${words} xyzzy`));
  for (const chunks of [[], Array(5_000).fill(100), Array(500).fill(4096)])
    assert.equal(said(await remoteWrite(large, protobuf, chunks)), "patterns demo-xyzzy");
  assert.equal(said(await remoteWrite(snappySync(label(words)))), "passed");
  for (const type of [
    "application/json",
    form,
    "text/plain",
    parted,
    "application/octet-stream",
    "application/grpc",
  ])
    assert.equal(said(await remoteWrite(snappySync(label("up")), type)), "coding coding_unsupported", type);
});

test("a body in snappy that is text as it came is read as that, too", async () => {
  // ASCII that is snappy: 40 bytes, 9 of them behind the tag " ", 31 behind the tag "x". Undone, it says "yzzy".
  const raw = (text: string): Buffer => Buffer.from(`( 123456789x${text.padEnd(31, ".")}`);
  assert.equal(said(await remoteWrite(raw("yzzy"))), "patterns demo-xyzzy");
  assert.equal(said(await remoteWrite(raw("yzzy"), protobuf, [1, 2, 3, 15])), "patterns demo-xyzzy");
  assert.equal(said(await remoteWrite(raw("yz"))), "passed");
  // With a control character it is text to nobody.
  assert.equal(said(await remoteWrite(raw("yzzy\x12"))), "passed");
  // It is found in a long one too, wherever it is cut; whoever finds it ends the decoder.
  const fill = Buffer.alloc(60, 0x31);
  const literals = Array.from({ length: 200 }, () => ({ literal: fill }));
  const long = Buffer.concat([snappyBlock(12_031, literals), Buffer.from(`x${"yzzy".padEnd(31, ".")}`)]);
  for (const chunks of [[], Array(100).fill(777)])
    assert.equal(said(await remoteWrite(long, protobuf, chunks)), "patterns demo-xyzzy");
});

test("refuses codings that it cannot undo, broken ones and bombs", async () => {
  const body = Buffer.from("{}");
  assert.equal(await coded("compress", body), "coding coding_unsupported");
  assert.equal(await coded("gzip, gzip", body), "coding coding_unsupported");
  assert.equal(await coded("gzip", body), "coding decompress");
  assert.equal(await coded("gzip", zlib.gzipSync(Buffer.alloc(1_000_000, 0x20))), "coding ratio_cap");
  // A name in the header, as gzip(1) writes it, is text for whoever knows no codings.
  const named = (name: string): Buffer => {
    const plain = zlib.gzipSync("[1]");
    plain[3] = 8;
    return Buffer.concat([plain.subarray(0, 10), Buffer.from(`${name}\0`), plain.subarray(10)]);
  };
  assert.equal(await coded("gzip", named("report.csv")), "passed");
  assert.equal(await coded("gzip", named("&b=xyzzy&")), "patterns demo-xyzzy");
  assert.equal(await coded("identity", body), "passed");
});

const long = "word ".repeat(5000);
/** Types and bodies with a word in the middle of a long value, or across the border of two pieces. */
const longs: readonly (readonly [string, string, (value: string) => string])[] = [
  ["a form's value", form, (value) => `a=${value}`],
  ["a form's value without a name", form, (value) => value],
  ["a form's name", form, (value) => `${value}=1`],
  ["a JSON string", "application/json", (value) => `{"a":"${value}"}`],
  ["an escaped JSON string", "application/json", (value) => `{"a":"\\n${value}"}`],
  ["a JSON key", "application/json", (value) => `{"${value}":1}`],
  ["a part", parted, (value) => multipart(field("a", value))],
  ["a file", parted, (value) => multipart(field("a", value, '; filename="b"'))],
  ["XML text", "text/xml", (value) => `<a>${value}</a>`],
  ["an XML attribute", "text/xml", (value) => `<a b="${value}"/>`],
  ["an XML comment", "text/xml", (value) => `<a><!-- ${value}--></a>`],
  ["a GraphQL string", "application/graphql", (value) => `{ a(b: "${value}") }`],
  ["GraphQL in JSON", "application/json", (value) => `{"query":"{ a(b: \\"${value}\\") }"}`],
  ["text", "text/plain", (value) => value],
  ["bytes", "application/octet-stream", (value) => value],
];
for (const [what, type, write] of longs)
  test(`${what} longer than a window comes to the inspector in windows, and nothing hides where they meet`, () => {
    const { value } = Inspector.prototype;
    let longest = 0;
    Inspector.prototype.value = function (bytes, start, end, place) {
      longest = Math.max(longest, end - start);
      value.call(this, bytes, start, end, place);
    };
    try {
      assert.equal(said(post(type, write(long))), "passed");
      for (const at of [7_166, 8_150, 8_187, 8_189, 8_190, 8_191, 8_192, 15_355]) {
        const payload = `${long.slice(0, at)}xyzzy${long.slice(at)}`;
        assert.equal(said(post(type, write(payload))), "patterns demo-xyzzy", `at ${at}`);
      }
    } finally {
      Inspector.prototype.value = value;
    }
    assert.ok(longest > 7_000 && longest <= WINDOW_BYTES, `${longest}`);
  });

const bodies: readonly (readonly [string, string])[] = [
  [form, `a=1&b=${long};c=plugh&d=${long}xyzzy`],
  [form, `${long}=${long}plugh&d=x&d=yzzy${long}`],
  ["application/json", `{"query":"{ a(b: \\"${long}plugh\\") }","${long}":"${long}xyzzy"}`],
  ["application/json", `{"a":"${long}plugh${long}\\x`],
  ["text/xml", `<a b="${long}plugh">${long}xyzzy</a>`],
  [parted, multipart(field("a", `${long}plugh`), field("b", `${long}xyzzy`))],
  [form, "a=1&b=plugh&b=2;c=%78yzzy&d=/etc"],
  [form, "a=1&b=2"],
  ["application/json", '{"query":"{ a(b: \\"plugh\\") }","a":{"b":["\\u0078yzzy",1.5e3]}}'],
  ["application/json", '{"a":[1,2,"x"],"a":"xyzzy"}'],
  ["text/plain", `{"a":"plugh","b":"${"word ".repeat(8000)}xyzzy"}`],
  ["text/plain", `[1,2,3,"plugh"] ${"word ".repeat(8000)}xyzzy`],
  ["application/graphql", '{ a(b: "plugh", c: """xyzzy""") }'],
  ["text/xml", '<a b="plugh"><!-- xyzzy --></a>'],
  ["text/xml", "<a></b>xyzzy"],
  [parted, multipart(field("a", "plugh"), field("b", "xyzzy", '; filename="b"'))],
  [parted, `${multipart(field("a", "b"))}xyzzy`],
  ["application/octet-stream", `${"\0".repeat(20_000)}xyzzy`],
];
for (const [index, [type, body]] of bodies.entries())
  test(`any chunking gives the same verdict: ${type} ${index}`, () => {
    const parts = { method: "POST", headers: [["Content-Type", type]] as const, body: Buffer.from(body) };
    const whole = bench.give(parts);
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 20_000 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(lengths, (chunks) => assert.deepEqual(bench.give({ ...parts, chunks }), whole)),
      { numRuns: 40 },
    );
  });

test("a profile says how deep GraphQL may go, how many aliases it may use, and whether it may ask for the schema", () => {
  for (const [text, settings, reason] of [
    ["{ a { b { c } } }", { graphqlMaxDepth: 2 }, "graphql_depth"],
    ["{ x: a y: a z: a }", { graphqlMaxAliases: 2 }, "graphql_aliases"],
    ["{ __schema { types { name } } }", { graphqlIntrospection: "refuse" }, "graphql_introspection"],
  ] as const) {
    const body = JSON.stringify({ query: text });
    assert.equal(said(post("application/json", body)), "passed", text);
    assert.equal(said(post("application/json", body, settings)), `content_type ${reason}`);
  }
});

test("aws-chunked is undone for clients of S3, and for nobody else", async () => {
  const headers = [
    ["Content-Type", "application/octet-stream"],
    ["Content-Encoding", "aws-chunked"],
  ] as const;
  const streaming = [...headers, ["X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]] as const;
  const ask = async (
    fields: readonly (readonly [string, string])[],
    ...pieces: string[]
  ): Promise<string> => {
    const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("");
    return said(
      await bench.giveLater({ method: "PUT", headers: fields, body: Buffer.from(`${chunks}0\r\n\r\n`) }),
    );
  };
  assert.equal(await ask(streaming, "a line of", " a file"), "passed");
  assert.equal(await ask(streaming, "a line with xyz", "zy in two pieces"), "patterns demo-xyzzy");
  assert.equal(await ask(headers, "a line of a file"), "coding coding_unsupported");
});

test("a script in a file is found whatever bytes stand between its words", () => {
  const shipped = new WafBench(shippedRuleSet());
  for (const byte of ["\x00", "\x01", "\xff"]) {
    const code = `<?php /*${byte}*/ system/*${byte}*/($_GET/*${byte}*/[0]);?>`;
    const body = Buffer.from(`PK\x03\x04${"\x00".repeat(5000)}${code}${"\x00".repeat(100)}`, "latin1");
    const headers = [["Content-Type", "application/octet-stream"]] as const;
    assert.ok(shipped.give({ method: "PUT", headers, body }).refused, JSON.stringify(byte));
  }
});

test("a name that a record held is looked at again where a parameter stands", () => {
  const shipped = new WafBench(shippedRuleSet());
  const file = "/var/log/nginx/access.log";
  const records = Array.from({ length: 2000 }, () => ({ log: { file: { path: file } } }));
  const give = (body: unknown): boolean =>
    shipped.give({
      method: "POST",
      headers: [["Content-Type", "application/json"]],
      body: Buffer.from(JSON.stringify(body)),
    }).refused;
  assert.ok(!give({ records }));
  assert.ok(give({ records, path: file }));
});

test("the names of logs and configurations are data in records, and attacks where parameters stand", () => {
  const shipped = new WafBench(shippedRuleSet());
  const give = (type: string, body: unknown): string => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return said(shipped.give({ method: "POST", headers: [["Content-Type", type]], body: Buffer.from(text) }));
  };
  const refused = "patterns lfi-sensitive-file";
  for (const file of ["/var/log/nginx/access.log", "/etc/nginx/nginx.conf", "/etc/localtime"]) {
    assert.equal(give("application/json", { log: { file: { path: file } } }), "passed", file);
    assert.equal(give("application/x-ndjson", `{"create":{}}\n{"log":{"path":"${file}"}}\n`), "passed", file);
    assert.equal(give("application/json", { path: file }), refused, file);
    assert.equal(give("text/plain", { path: file }), refused, file);
    assert.equal(give(form, `path=${file}`), refused, file);
  }
  for (const file of [
    "/etc/passwd",
    "/proc/self/environ",
    "/root/.ssh/id_rsa",
    "/etc/../etc/nginx/nginx.conf",
  ])
    assert.notEqual(give("application/json", { log: { file: { path: file } } }), "passed", file);
});
