import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inspectableCharset } from "../../src/body/charset.ts";
import { readContentType } from "../../src/body/content-type.ts";
import { needsShared, readCorpus } from "../support/shared.ts";

const reasonOf = (text: string): string => {
  const read = readContentType(text);
  return typeof read === "string" ? read : `${read.family} ${read.essence}`;
};

test("the family says how the body is read", () => {
  const families: Record<string, string[]> = {
    json: [
      "application/json",
      "Application/JSON",
      "application/vnd.api+json",
      "application/problem+json",
      "text/json",
    ],
    form: ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded;"],
    xml: ["application/xml", "text/xml", "application/soap+xml", "image/svg+xml"],
    text: ["text/plain", "text/html", "text/csv", "application/x-ndjson"],
    graphql: ["application/graphql"],
    grpc: [
      "application/grpc",
      "application/grpc+json",
      "application/grpc-web-text+proto",
      "application/grpc-web",
    ],
    protobuf: ["application/x-protobuf", "application/protobuf", "application/x+protobuf"],
    octet: ["application/octet-stream"],
    report: ["application/csp-report", "application/reports+json"],
    other: [
      "application/jsonx",
      "application/x",
      "image/png",
      "application/json+x",
      "application/grpcx",
      "a/b",
    ],
  };
  for (const [family, texts] of Object.entries(families)) {
    for (const text of texts) {
      const essence = text.toLowerCase().replace(";", "");
      assert.equal(reasonOf(text), `${family} ${essence}`);
    }
  }
  assert.equal(reasonOf("multipart/form-data; boundary=x"), "multipart multipart/form-data");
  assert.deepEqual(readContentType(undefined), { family: "none", essence: "", charset: "", boundary: "" });
});

test("parameters are read by the grammar, in any case, with the space that is allowed", () => {
  const expected = { family: "json", essence: "application/json", charset: "utf-8", boundary: "" };
  for (const text of [
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    '  APPLICATION/json \t;\tCharSet="Utf8"  ',
    "application/json;;; charset=utf-8 ;",
    'application/json; profile="a;b=\\"c\\", charset=utf-7"; charset=utf-8',
  ]) {
    assert.deepEqual(readContentType(text), expected, text);
  }
});

test("what is not the grammar is refused", () => {
  for (const text of [
    ...["", " ", "json", "application", "application/", "/json", "application//json", "application /json"],
    ...[
      "application/json/x-bypass",
      "application/json, text/plain",
      "application/json text/plain",
      "*/json x",
    ],
    ...["application/json; charset", "application/json; charset =utf-8", "application/json; charset= utf-8"],
    ...["application/json; =utf-8", "application/json; charset=", 'application/json; charset="utf-8'],
    ...[
      'application/json; charset="utf-8"x',
      "application/json; a=b c",
      "application/json; a=b,c",
      "a/b; a=\x80",
    ],
    ...['a/b; a="\x80"', 'a/b; a="\\', 'a/b; a="\x00"', "a/b\0", "a/b;\n", "\u00e9/b", "a/b; x=\u0100"],
  ]) {
    assert.equal(reasonOf(text), "ct_syntax", JSON.stringify(text));
  }
});

test("a parameter stands once, in its plain form, and there are at most eight", () => {
  const params = (count: number) => Array.from({ length: count }, (_none, index) => `; p${index}=1`).join("");
  assert.equal(reasonOf(`a/b${params(8)}`), "other a/b");
  assert.equal(reasonOf(`a/b${params(9)}`), "ct_params");
  assert.equal(reasonOf(`a/b${params(200)}`), "ct_params");
  assert.equal(reasonOf("application/json; charset=utf-8; charset=utf-8"), "ct_params");
  assert.equal(reasonOf("application/json; charset=utf-8; CHARSET=utf-16"), "ct_params");
  assert.equal(reasonOf("multipart/form-data; boundary*0=a; boundary*1=b"), "ct_params");
  assert.equal(reasonOf("text/plain; charset*=utf-8''utf-7"), "ct_params");
});

test("only charsets in which ASCII is ASCII are read", () => {
  for (const charset of [
    ...[
      "ibm037",
      "cp500",
      "utf-7",
      "utf-16",
      "utf-16le",
      "UTF-16BE",
      "utf-32",
      "ucs-2",
      "shift_jis",
      "gbk",
      "gb18030",
    ],
    ...[
      "big5",
      "euc-jp",
      "iso-2022-jp",
      "hz-gb-2312",
      "utf_8",
      "'utf-8'",
      "x",
      "utf-8.",
      "__proto__",
      "constructor",
    ],
  ]) {
    assert.equal(reasonOf(`application/json; charset=${charset}`), "ct_charset", charset);
    assert.equal(reasonOf(`multipart/form-data; boundary=x; charset="${charset}"`), "ct_charset", charset);
  }
  assert.equal(reasonOf('text/plain; charset="utf\\-8"'), "ct_charset");
  for (const [label, name] of [
    ["UTF-8", "utf-8"],
    ["us-ascii", "us-ascii"],
    ["Latin1", "iso-8859-1"],
    ["windows-1252", "windows-1252"],
  ] as const) {
    assert.equal(inspectableCharset(label), name);
  }
});

test("every charset that is let through decodes each ASCII byte as itself, and no other byte as ASCII", () => {
  for (const label of [
    "utf-8",
    "iso-8859-2",
    "iso-8859-7",
    "iso-8859-15",
    "windows-1251",
    "windows-1258",
    "koi8-u",
  ]) {
    const name = inspectableCharset(label);
    assert.equal(name, label);
    const decoder = new TextDecoder(label);
    for (let byte = 0; byte < 256; byte++) {
      const [code = 0] = [...decoder.decode(Uint8Array.of(byte))].map((char) => char.charCodeAt(0));
      assert.equal(code < 0x80, byte < 0x80, `${label} ${byte}`);
      if (byte < 0x80) assert.equal(code, byte);
    }
  }
});

test("the boundary is what every reader takes for it", () => {
  const boundaryOf = (rest: string) => {
    const read = readContentType(`multipart/form-data${rest}`);
    return typeof read === "string" ? read : read.boundary;
  };
  assert.equal(boundaryOf("; boundary=----WebKitFormBoundaryabc123"), "----WebKitFormBoundaryabc123");
  assert.equal(boundaryOf("; boundary=----=_Part_1_2.3:4/5"), "----=_Part_1_2.3:4/5");
  assert.equal(boundaryOf('; boundary="a b,c=d?e"'), "a b,c=d?e");
  assert.equal(boundaryOf(`;boundary=${"x".repeat(70)}; charset=utf-8`), "x".repeat(70));
  assert.equal(boundaryOf("; BOUNDARY=x"), "x");
  for (const rest of [
    ...[
      "",
      ";",
      "; boundary",
      "; boundary=",
      '; boundary=""',
      "; boundary=a; boundary=a",
      '; boundary=a; Boundary="b"',
    ],
    ...[
      `; boundary=${"x".repeat(71)}`,
      '; boundary="a "',
      '; boundary="a\\b"',
      '; boundary="a;b"',
      '; boundary="a<b"',
    ],
    ...[
      "; boundary=a,b",
      "; boundary=a b",
      "; boundary=,",
      '; boundary="a',
      "; boundary=a<b",
      '; boundary="a"b',
    ],
  ]) {
    assert.match(boundaryOf(rest), /^ct_(boundary|syntax)$/, rest);
  }
});

test("every Content-Type of real browsing is read", (t) => {
  const folder = needsShared(t);
  if (folder === undefined) return;
  let count = 0;
  for (const { id, headers } of readCorpus(folder, "benign-browsing.jsonl")) {
    for (const [name, value] of headers) {
      if (name.toLowerCase() !== "content-type") continue;
      const read = readContentType(value);
      assert.ok(typeof read !== "string" && read.family !== "other", `${id}: ${value}`);
      count++;
    }
  }
  assert.ok(count > 500);
});

test("any text is read or refused, and what is read reads the same again", () => {
  const piece = fc.constantFrom(
    ..."a/b;= \t\"\\,'*",
    "charset",
    "boundary",
    "utf-8",
    "multipart/x",
    "\x80",
    "x/y;",
    "=z",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
      const read = readContentType(pieces.join(""));
      if (typeof read === "string") return;
      const { essence, charset, boundary } = read;
      const again = [
        essence,
        charset === "" ? "" : `; charset=${charset}`,
        boundary === "" ? "" : `; boundary="${boundary}"`,
      ].join("");
      assert.deepEqual(readContentType(again), read);
    }),
    { numRuns: 3000 },
  );
});
