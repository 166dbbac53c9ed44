import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { snappySync } from "../support/snappy.ts";
import type { BypassCase } from "./waf-bypass.cases.ts";
import {
  attacks,
  form,
  json,
  multipart,
  named,
  part,
  percent,
  postParts,
  postRequest,
  unicode,
} from "./waf-bypass-request.ts";

const make = (id: string, name: string, outcome: string, bytes: Buffer): BypassCase => ({
  id,
  name,
  bytes,
  outcome,
});
const withAttacks = (of: (payload: string, name: string) => BypassCase): BypassCase[] =>
  attacks.map(([name, payload]) => of(payload, name));
const types = (id: string, outcome: string, body: string, ...list: string[]): BypassCase[] =>
  list.map((type) => make(id, `type ${type.slice(0, 60)}`, outcome, postRequest(type, body)));
const jsons = (id: string, outcome: string, ...bodies: (string | Buffer)[]): BypassCase[] =>
  bodies.map((body) =>
    make(
      id,
      `JSON ${JSON.stringify(body.toString("latin1").slice(0, 50))}`,
      outcome,
      postRequest(json, body),
    ),
  );
/** A multipart body of one part with this Content-Disposition. */
const disposition = (id: string, outcome: string, ...values: string[]): BypassCase[] =>
  values.map((value) =>
    make(
      id,
      `form-data${JSON.stringify(value.slice(0, 60))}`,
      outcome,
      postParts(part(`Content-Disposition: form-data${value}`, "x")),
    ),
  );
const coded = (
  id: string,
  name: string,
  outcome: string,
  coding: string,
  body: Buffer,
  type = json,
): BypassCase =>
  make(
    id,
    `${name}, ${coding.slice(0, 20)}`,
    outcome,
    postRequest(type, body, `Content-Encoding: ${coding}`),
  );

const codings: readonly (readonly [string, (body: Buffer) => Buffer])[] = [
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
  ["zstd", zstdCompressSync],
];
/** A message of protobuf with one string. */
const message = (value: string): Buffer =>
  Buffer.concat([Buffer.from([10, value.length]), Buffer.from(value)]);
const protobuf = "application/x-protobuf";
const clean = Buffer.from('{"q":"fine words"}');
const cleanGzip = gzipSync(clean);
const text = "text/plain";
const tag = "<script>alert(1)</script>";

/** R3 to R9 of the reference; types, JSON, multipart and codings of the catalogue. */
export const bodyBypasses: readonly BypassCase[] = [
  // R3: short escapes of JSON.
  ...jsons(
    "R3",
    "patterns",
    '{"q":"<script>alert(1)<\\/script>"}',
    '{"q":"\\/etc\\/passwd"}',
    '{"q":"..\\/..\\/..\\/etc\\/passwd"}',
  ),
  // R4, EN1: coded bodies.
  ...codings.flatMap(([coding, encode]) =>
    withAttacks((payload, name) =>
      coded("R4", `${name} in JSON`, "patterns", coding, encode(Buffer.from(JSON.stringify({ q: payload })))),
    ),
  ),
  ...withAttacks((payload, name) =>
    coded(
      "R4",
      `${name} in a form`,
      "patterns",
      "gzip",
      gzipSync(Buffer.from(`q=${percent(payload)}`)),
      form,
    ),
  ),
  // R5: types that the reference lets through unread.
  ...["application/vnd.api+json", "application/problem+json", "application/ld+json"].flatMap((type) => [
    ...types("R5", "json/json_depth", "[".repeat(65), type),
    ...types("R5", "json/json_dup", '{"a":1,"a":2}', type),
    ...withAttacks((payload, name) =>
      make("R5", `${name} in ${type}`, "patterns", postRequest(type, JSON.stringify({ q: payload }))),
    ),
  ]),
  ...["text/xml", "application/soap+xml", "image/svg+xml"].flatMap((type) => [
    ...types(
      "R5",
      "content_type/xml_doctype",
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
      type,
    ),
    ...types("R5", "content_type/xml_syntax", "<a><b></a></b>", type),
    ...withAttacks((payload, name) =>
      make("R5", `${name} in ${type}`, "patterns", postRequest(type, `<a><![CDATA[${payload}]]></a>`)),
    ),
  ]),
  // R9: a payload in two parts. Of one name they are joined; of two names nobody joins them.
  make(
    "R9",
    "SQL in two values of a name",
    "patterns",
    postRequest(form, `q=${percent("1' UNION/*")}&q=${percent("*/SELECT password FROM users")}`),
  ),
  make(
    "R9",
    "markup in two values of a name",
    "patterns",
    postRequest(form, `q=${percent("<script/")}&q=${percent("x>alert(1)</script>")}`),
  ),
  make("R9", "shell in two fields: not detected", "passes", postRequest(form, "a=cat%20/et&b=c/passwd")),
  make(
    "R9",
    "shell in two parts: not detected",
    "passes",
    postParts(part(named, "cat /et") + part(named.replace("q", "r"), "c/passwd")),
  ),

  // BT: types that lie.
  make("BT1", "a form that calls itself JSON", "json/json_syntax", postRequest(json, "a=1&b=2")),
  make("BT1", "JSON that calls itself a form, clean", "passes", postRequest(form, '{"a":"curl does that"}')),
  ...withAttacks((payload, name) =>
    make(
      "BT1",
      `${name} in JSON that calls itself a form`,
      "patterns",
      postRequest(form, JSON.stringify({ q: payload })),
    ),
  ),
  make("BT1", "text that calls itself XML", "content_type/xml_syntax", postRequest("application/xml", "a=1")),
  make(
    "BT1",
    "JSON that calls itself multipart",
    "content_type/multipart_boundary",
    postRequest(multipart, '{"a":1}'),
  ),
  make("BT1", "JSON in text, clean", "passes", postRequest(text, '{"a":"as sendBeacon does"}')),
  ...withAttacks((payload, name) =>
    make(
      "BT1",
      `${name}, escaped, in JSON in text`,
      "patterns",
      postRequest(text, `{"q":"${unicode(payload)}"}`),
    ),
  ),
  ...types(
    "BT2",
    "content_type/ct_syntax",
    "{}",
    "application/json/x-bypass",
    "application/json, text/plain",
    "application/json x",
    "json",
    "application/",
    "/json",
  ),
  ...types("BT2", "content_type/ct_unknown", "{}", "application/jsonx", "application/x-json2"),
  ...types(
    "BT2",
    "content_type/ct_params",
    "{}",
    "application/json; charset=utf-8; charset=utf-16",
    `application/json${Array.from({ length: 9 }, (_, n) => `;p${n}=1`).join("")}`,
  ),
  ...types(
    "BT5",
    "content_type/ct_charset",
    "{}",
    ...[
      "utf-7",
      "utf-16",
      "utf-16le",
      "utf-32",
      "ibm037",
      "cp500",
      "shift_jis",
      "gbk",
      "iso-2022-jp",
      '"utf-7"',
    ].map((charset) => `application/json; charset=${charset}`),
  ),
  ...types(
    "BT5",
    "content_type/ct_charset",
    "a=1",
    `${form}; charset=ibm037`,
    "text/plain; charset=utf-7",
    "multipart/form-data; boundary=b0; charset=utf-16",
  ),
  make("BT2", "two types", "reason/singleton_dup", postRequest(json, "{}", "Content-Type: text/plain")),
  make("BT3", "no type, clean", "passes", postRequest("", "some bytes")),
  ...withAttacks((payload, name) =>
    make("BT3", `${name} without a type`, "patterns", postRequest("", payload)),
  ),
  ...withAttacks((payload, name) =>
    make(
      "BT3",
      `${name}, percent-encoded, without a type`,
      "patterns",
      postRequest("", `q=${percent(payload)}`),
    ),
  ),
  ...[
    "text/plain",
    "text/html",
    "text/csv",
    "application/csp-report",
    "application/reports+json",
    "application/octet-stream",
    "application/x-ndjson",
    "application/yaml",
  ].flatMap((type) =>
    withAttacks((payload, name) =>
      make(
        "BT4",
        `${name} in ${type}`,
        "patterns",
        postRequest(
          type,
          type.endsWith("report") || type.endsWith("+json")
            ? JSON.stringify({ "csp-report": { q: payload } })
            : payload,
        ),
      ),
    ),
  ),
  ...jsons(
    "BT6",
    "json/json_utf8",
    Buffer.from('\ufeff{"a":1}'),
    Buffer.from('\ufeff{"a":1}', "utf16le"),
    Buffer.from([0xfe, 0xff, 0, 0x5b, 0, 0x5d]),
  ),
  ...jsons("BT6", "json/json_syntax", Buffer.from('{"a":1}', "utf16le")),
  ...withAttacks((payload, name) =>
    make(
      "BT6",
      `${name} in UTF-16 in text`,
      "patterns",
      postRequest(text, Buffer.from(`\ufeff${payload}`, "utf16le")),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "BT6",
      `${name} in UTF-16 without a type`,
      "patterns",
      postRequest("", Buffer.from(`\ufeff${payload}`, "utf16le")),
    ),
  ),
  ...types(
    "BT7",
    "passes",
    '{"a":1}',
    "Application/JSON",
    "application/json\t;\tcharset=UTF-8",
    "application/json; a=1; b=2; c=3",
    "application/json;",
  ),
  make(
    "BT7",
    "another case of the field's name",
    "passes",
    postRequest("", "{}", "CoNtEnT-TyPe: application/JSON"),
  ),
  ...types(
    "BT8",
    "content_type/xml_doctype",
    `<!DOCTYPE a [<!ENTITY a "${"x".repeat(50)}"><!ENTITY b "&a;&a;">]><a>&b;</a>`,
    "application/xml",
    "text/xml",
  ),
  ...types("BT8", "content_type/xml_entity", "<a>&unknown;</a>", "application/xml"),
  make(
    "BT8",
    "XML that says UTF-16",
    "content_type/xml_encoding",
    postRequest("application/xml", '<?xml version="1.0" encoding="UTF-16"?><a/>'),
  ),
  make(
    "BT8",
    "XML in UTF-16",
    "content_type/xml_encoding",
    postRequest("application/xml", Buffer.from("\ufeff<a/>", "utf16le")),
  ),
  ...withAttacks((payload, name) =>
    make(
      "BT8",
      `${name} by character references`,
      "patterns",
      postRequest(
        "application/xml",
        `<a>${[...payload].map((char) => `&#${char.charCodeAt(0)};`).join("")}</a>`,
      ),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "BT8",
      `${name} across a comment and CDATA`,
      "patterns",
      postRequest(
        "application/xml",
        `<a><![CDATA[${payload.slice(0, 7)}]]><!-- -->${xml(payload.slice(7))}</a>`,
      ),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "BT8",
      `${name} in an attribute`,
      "patterns",
      postRequest("application/xml", `<a b="${xml(payload)}"/>`),
    ),
  ),
  make(
    "BT9",
    "a gRPC frame that calls itself JSON",
    "json/json_syntax",
    postRequest(json, Buffer.from([0, 0, 0, 0, 2, 8, 1])),
  ),
  ...withAttacks((payload, name) =>
    make(
      "BT9",
      `${name} in a gRPC message`,
      "patterns",
      postRequest(
        "application/grpc",
        Buffer.concat([
          Buffer.from([0, 0, 0, 0, payload.length + 2, 10, payload.length]),
          Buffer.from(payload),
        ]),
      ),
    ),
  ),
  ...withAttacks((payload, name) =>
    make("BT9", `${name} in protobuf`, "patterns", postRequest(protobuf, message(payload))),
  ),
  make(
    "BT10",
    "GraphQL 500 deep",
    "content_type/graphql_depth",
    postRequest(json, JSON.stringify({ query: `{${"a{".repeat(500)}b${"}".repeat(501)}` })),
  ),
  make(
    "BT10",
    "10,000 aliases",
    "content_type/graphql_aliases",
    postRequest(
      json,
      JSON.stringify({ query: `{${Array.from({ length: 10_000 }, (_, n) => `a${n}:b`).join(" ")}}` }),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "BT10",
      `${name} in a string of a query`,
      "patterns",
      postRequest(json, JSON.stringify({ query: `{ user(name: ${JSON.stringify(payload)}) { id } }` })),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "BT10",
      `${name} in application/graphql`,
      "patterns",
      postRequest("application/graphql", `{ user(name: "${unicode(payload)}") { id } }`),
    ),
  ),

  // JS: JSON.
  ...jsons("JS1", "json/json_depth", "[".repeat(65), "[".repeat(500_000), '{"a":'.repeat(65)),
  ...jsons("JS1", "passes", `${"[".repeat(64)}${"]".repeat(64)}`),
  ...jsons("JS2", "json/json_keys", `{${Array.from({ length: 10_001 }, (_, n) => `"k${n}":1`).join()}}`),
  ...jsons("JS3", "json/json_dup", `{"a":1,"a":"' or 1=1"}`, '{"a":1,"\\u0061":2}', '{"x":{"b":[],"b":{}}}'),
  ...jsons("JS4", "patterns", '{"__proto__":{"isAdmin":true}}', '{"\\u005f_proto__":{"isAdmin":true}}'),
  ...jsons("JS5", "json/json_number", `[${"9".repeat(1025)}]`),
  ...jsons(
    "JS5",
    "json/json_syntax",
    "[0x10]",
    "[01]",
    "[+1]",
    "[.5]",
    "[NaN]",
    "[Infinity]",
    "[1.]",
    "[1e]",
    "[-]",
  ),
  ...jsons("JS5", "passes", "[1e999,-0,1.5E+3]", `[${"9".repeat(400)}]`),
  ...jsons(
    "JS6",
    "json/json_syntax",
    "/**/[1]",
    '{"a":1,}',
    "[1,]",
    "{'a':1}",
    "{a:1}",
    "[1 2]",
    "\0[]",
    "[tru]",
    "[,]",
    '{"a" 1}',
  ),
  ...jsons("JS6", "json/json_trailing", "{}{}", "[] x", "{}\0", "1 // a comment"),
  ...jsons(
    "JS7",
    "json/json_utf8",
    '["\\ud800"]',
    '["\\udc00\\ud800"]',
    '["\xff"]',
    '["\xc0\xaf"]',
    '["\xed\xa0\x80"]',
    '{"\xff":1}',
  ),
  ...jsons("JS7", "json", '["\n"]', '["\0"]', '["\x1f"]', '{"\\u0000":1}', '["\\x41"]', '["\\u00g0"]'),
  ...jsons(
    "JS8",
    "patterns",
    '{"q":"\\u0027 or 1=1-- "}',
    '{"q":"\\u003cscript>alert(1)\\u003c/script>"}',
    '{"q":"<script>alert(1)<\\/script>"}',
    '{"q":"..\\/..\\/..\\/etc/passwd"}',
  ),
  ...withAttacks((payload, name) =>
    make("JS8", `${name} in escapes`, "patterns", postRequest(json, `["${unicode(payload)}"]`)),
  ),
  ...withAttacks((payload, name) =>
    make("JS8", `${name} as a key`, "patterns", postRequest(json, JSON.stringify({ [payload]: 1 }))),
  ),
  ...withAttacks((payload, name) =>
    make(
      "JS8",
      `${name} in JSON in a JSON string`,
      "patterns",
      postRequest(json, JSON.stringify({ q: JSON.stringify({ q: payload }) })),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "JS8",
      `${name} in base64`,
      "patterns",
      postRequest(json, JSON.stringify({ q: Buffer.from(payload).toString("base64") })),
    ),
  ),
  ...withAttacks((payload, name) =>
    make("JS8", `${name} in a bare string`, "patterns", postRequest(json, JSON.stringify(payload))),
  ),
  ...jsons("JS9", "json/json_string", `["${"word ".repeat(210_000)}"]`, `{"${"word ".repeat(210_000)}":1}`),
  ...jsons("JS9", "passes", `["${"word ".repeat(52_000)}"]`),
  ...jsons("JS10", "passes", '["cat /et","c/passwd"]', '{"a":"cat /et","b":"c/passwd"}'),
  ...jsons("JS11", "json/json_trailing", '{"a":1}\n{"a":2}\n'),
  ...jsons("JS11", "json/json_syntax", '\x1e{"a":1}\n'),
  ...withAttacks((payload, name) =>
    make(
      "JS11",
      `${name} in the second record of NDJSON`,
      "patterns",
      postRequest("application/x-ndjson", `{"a":1}\n{"q":"${unicode(payload)}"}\n`),
    ),
  ),
  ...jsons("JS12", "json/json_syntax", '{"a":1', '{"a":"', "[1,", "tru"),

  // MP: multipart.
  ...[
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary=""',
    `multipart/form-data; boundary=${"b".repeat(71)}`,
    "multipart/form-data; boundary=a; boundary=b0",
    'multipart/form-data; boundary="a\\b"',
    "multipart/form-data; boundary=b0;boundary*0=x",
    "multipart/form-data; boundary=b0; boundary*=UTF-8''x",
    'multipart/form-data; boundary="b0 "',
  ].flatMap((type) => types("MP1", "content_type", `--b0\r\n${named}\r\n\r\nx\r\n--b0--\r\n`, type)),
  make(
    "MP1",
    "a boundary with a comma, where PHP cuts",
    "content_type",
    postRequest("multipart/form-data; boundary=b0,x", `--b0,x\r\n${named}\r\n\r\nx\r\n--b0,x--\r\n`),
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP1",
      `${name} in the boundary`,
      "patterns",
      postRequest(`multipart/form-data; boundary="${payload.replaceAll('"', "")}"`, "x"),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "BT7",
      `${name} in a parameter of the type`,
      "patterns",
      postRequest(`text/plain; x="${payload.replaceAll('"', "")}"`, "x"),
    ),
  ),
  ...[
    ["text before the first boundary", `hidden\r\n--b0\r\n${named}\r\n\r\nx\r\n--b0--\r\n`],
    [
      "a part after the last boundary",
      `--b0\r\n${named}\r\n\r\nx\r\n--b0--\r\n--b0\r\n${named}\r\n\r\ny\r\n--b0--\r\n`,
    ],
    ["text after the last boundary", `--b0\r\n${named}\r\n\r\nx\r\n--b0--\r\nhidden`],
    [
      "a boundary after a bare line feed",
      `--b0\r\n${named}\r\n\r\nx\n--b0\r\n${named}\r\n\r\ny\r\n--b0--\r\n`,
    ],
    ["a boundary within a line", `--b0\r\n${named}\r\n\r\nx--b0\r\n${named}\r\n\r\ny\r\n--b0--\r\n`],
    ["spaces behind a boundary", `--b0  \r\n${named}\r\n\r\nx\r\n--b0--\r\n`],
    ["garbage behind a boundary", `--b0x\r\n${named}\r\n\r\nx\r\n--b0--\r\n`],
    ["a bare carriage return behind a boundary", `--b0\r${named}\r\n\r\nx\r\n--b0--\r\n`],
    ["a boundary in a header block", `--b0\r\n${named}\r\nX: --b0\r\n\r\nx\r\n--b0--\r\n`],
  ].map(([name, body]) => make("MP2", name!, "content_type", postRequest(multipart, body!))),
  make(
    "MP2",
    "no last boundary",
    "content_type/multipart_cut",
    postRequest(multipart, `--b0\r\n${named}\r\n\r\nx\r\n`),
  ),
  make("MP2", "line feeds only", "content_type", postRequest(multipart, `--b0\n${named}\n\nx\n--b0--\n`)),
  make(
    "MP2",
    "a multipart in a part",
    "content_type/multipart_nested",
    postParts(part(`${named}\r\nContent-Type: multipart/mixed; boundary=c`, "--c\r\n\r\nx\r\n--c--")),
  ),
  make("MP3", "4,097 parts", "content_type/multipart_parts", postParts(part(named, "x").repeat(4097))),
  make(
    "MP3",
    "a header block over 4 KiB",
    "content_type/multipart_header",
    postParts(part(`${named}\r\nX: ${"y".repeat(4096)}`, "x")),
  ),
  make(
    "MP3",
    "9 headers",
    "content_type/multipart_header",
    postParts(part(`${named}${"\r\nX-Y: z".repeat(8)}`, "x")),
  ),
  make(
    "MP3",
    "a part without a name",
    "content_type/multipart_disposition",
    postParts(part("Content-Disposition: form-data", "x")),
  ),
  make("MP3", "a part without headers", "content_type/multipart_disposition", postParts("--b0\r\n\r\nx\r\n")),
  make(
    "MP3",
    "a folded header",
    "content_type/multipart_header",
    postParts(part('Content-Disposition: form-data;\r\n name="q"', "x")),
  ),
  make(
    "MP3",
    "Content-Disposition twice",
    "content_type/multipart_header",
    postParts(part(`${named}\r\n${named}`, "x")),
  ),
  make(
    "MP3",
    "a space before the colon",
    "content_type/multipart_header",
    postParts(part(named.replace(":", " :"), "x")),
  ),
  ...disposition(
    "MP4",
    "content_type/multipart_disposition",
    '; name="q"; filename="a.txt"; filename="a.php"',
    '; name="q"; name="r"',
    "; name='q'",
    '; name="a\\"b"',
    '; name="q"; filename="a\\"; x=\\".php"',
    "; name*=UTF-8''q",
    '; name="q"; filename*0="a.p"; filename*1="hp"',
    "; name=\"q\"; filename*=UTF-16''a.php",
    "; name=\"q\"; filename*=UTF-8''a%00.php",
    '; name = "q"',
    '; name="q',
  ),
  ...disposition(
    "MP4",
    "content_type/multipart_header",
    '; name="q"; filename="a.php\0.jpg"',
    '; name="q"; filename="a.php\r.jpg"',
  ),
  // Which extensions may be uploaded only the application knows; what is no name at all is refused, in every reading.
  ...['; name="q"; filename=VALUE', "; name=VALUE", '; name="q"; x=VALUE'].flatMap((value) =>
    withAttacks((payload, name) =>
      make(
        "MP4",
        `${name} in${value.slice(1)}`,
        "patterns",
        postParts(
          part(
            `Content-Disposition: form-data${value.replace("VALUE", `"${payload.replaceAll('"', "")}"`)}`,
            "x",
          ),
        ),
      ),
    ),
  ),
  ...disposition(
    "MP4",
    "passes",
    '; name="q"; filename="holiday (1).jpg"',
    "; name=q; filename=a.txt",
    '; name="q"; filename="a.txt"; filename*=UTF-8\'\'caf%C3%A9.txt',
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP5",
      `${name}, first charset bad and last one good`,
      "content_type/multipart_charset",
      postParts(
        part(`${named}\r\nContent-Type: text/plain; charset=utf-7`, payload) +
          part(`${named.replace("q", "r")}\r\nContent-Type: text/plain; charset=utf-8`, "x"),
      ),
    ),
  ),
  make(
    "MP5",
    "a charset for all in a field",
    "content_type/multipart_charset",
    postParts(part(named.replace("q", "_charset_"), "utf-7") + part(named, "x")),
  ),
  ...["base64", "quoted-printable", "x-uuencode"].map((encoding) =>
    make(
      "MP5",
      `part in ${encoding}`,
      "content_type/multipart_encoding",
      postParts(part(`${named}\r\nContent-Transfer-Encoding: ${encoding}`, "eA==")),
    ),
  ),
  make(
    "MP5",
    "a coded part",
    "content_type/multipart_encoding",
    postParts(part(`${named}\r\nContent-Encoding: gzip`, "x")),
  ),
  ...[
    "",
    "\r\nContent-Type: text/plain",
    "\r\nContent-Type: application/octet-stream",
    "\r\nContent-Type: text/html",
  ].flatMap((type) =>
    withAttacks((payload, name) =>
      make("MP6", `${name} in a part${type.slice(2)}`, "patterns", postParts(part(named + type, payload))),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP6",
      `${name} in JSON in a part`,
      "patterns",
      postParts(part(`${named}\r\nContent-Type: application/json`, `{"q":"${unicode(payload)}"}`)),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP6",
      `${name} in XML in a part`,
      "patterns",
      postParts(
        part(
          `${named}\r\nContent-Type: text/xml`,
          `<a>${[...payload].map((char) => `&#${char.charCodeAt(0)};`).join("")}</a>`,
        ),
      ),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP6",
      `${name} in the second value of a name`,
      "patterns",
      postParts(part(named, "x") + part(named, payload)),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP6",
      `${name} in a file of text`,
      "patterns",
      postParts(part(`${named}; filename="a.txt"\r\nContent-Type: text/plain`, payload)),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP6",
      `${name} in a field whose file name is empty`,
      "patterns",
      postParts(part(`${named}; filename=""`, payload)),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP6",
      `${name} as the name of a part`,
      "patterns",
      postParts(part(`Content-Disposition: form-data; name="${payload.replaceAll('"', "")}"`, "x")),
    ),
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP6",
      `${name} in an unknown field of a part`,
      "patterns",
      postParts(part(`${named}\r\nX-Y: ${payload}`, "x")),
    ),
  ),
  ...disposition(
    "MP7",
    "patterns",
    '; name="q"; filename="../../../../etc/passwd"',
    '; name="q"; filename="..\\..\\..\\windows\\win.ini"',
    "; name=\"q\"; filename*=UTF-8''..%2F..%2F..%2Fetc%2Fpasswd",
  ),
  ...withAttacks((payload, name) =>
    make(
      "MP6",
      `${name} far into a field whose file name is empty`,
      "patterns",
      postParts(part(`${named}; filename=""`, `${"words ".repeat(12_000)}\n${payload}`)),
    ),
  ),
  // Control characters that databases read as spaces, and more of them behind a comment: no text, no file either.
  ...["text/plain", "application/octet-stream", ""].flatMap((type) =>
    ["\x0b", "\x0c", "\x01", "\xa0"].map((space) =>
      make(
        "BT4",
        `SQL with ${JSON.stringify(space)} for spaces, padded to look binary, in ${type || "no type"}`,
        "patterns",
        postRequest(type, `1' UNION SELECT login FROM users-- ${"\x02".repeat(150)}`.replaceAll(" ", space)),
      ),
    ),
  ),
  make(
    "MP7",
    "a line end in a file name",
    "content_type",
    postParts(part(`${named}; filename="a\r\nX: y"`, "x")),
  ),
  ...["multipart/mixed; boundary=b0", "multipart/related; boundary=b0"].flatMap((type) =>
    withAttacks((payload, name) =>
      make(
        "MP6",
        `${name} in ${type.slice(0, 17)}`,
        "patterns",
        postParts(part(`${named}\r\nContent-Type: text/plain`, payload), type),
      ),
    ),
  ),

  // EN: content codings.
  ...codings.map(([coding, encode]) => coded("EN1", "clean", "passes", coding, encode(clean))),
  ...withAttacks((payload, name) =>
    coded("R4", `${name} in protobuf`, "patterns", "snappy", snappySync(message(payload)), protobuf),
  ),
  coded("EN1", "clean", "passes", "snappy", snappySync(message("fine words, fine words")), protobuf),
  coded("EN2", "a bomb", "coding/ratio_cap", "snappy", snappySync(Buffer.alloc(4 << 20, 0x20)), protobuf),
  coded("EN2", "4 GiB", "coding/decompress_cap", "snappy", Buffer.from("ffffffff0f00", "hex"), protobuf),
  // It has no magic number and no checksum: what a server reads that does not undo it would not be looked at.
  ...[json, form, multipart, text, "", "application/octet-stream"].map((type) =>
    coded("EN3", `of ${type}`, "coding/coding_unsupported", "snappy", snappySync(clean), type),
  ),
  coded("EN4", "cut", "coding/decompress", "snappy", snappySync(message("fine")).subarray(0, -1), protobuf),
  coded(
    "EN4",
    "zeros behind it",
    "coding/decompress",
    "snappy",
    Buffer.concat([snappySync(message("fine")), Buffer.alloc(64)]),
    protobuf,
  ),
  coded(
    "EN5",
    "JSON that is snappy as it stands, with the tags `<`, `(`, `x` and a backquote",
    "patterns",
    "snappy",
    Buffer.from(`{ "a":"hhhh<svg onload=alert(1)>${"x".repeat(72)}\`${"x".repeat(23)}"}`),
    protobuf,
  ),
  ...codings.map(([coding, encode]) =>
    coded("EN2", "a bomb", "coding/ratio_cap", coding, encode(Buffer.alloc(4 << 20, 0x20))),
  ),
  ...[
    "gzip, gzip",
    "gzip, identity",
    "identity, gzip",
    Array(50).fill("gzip").join(),
    "x-gzip",
    "compress",
    "aes128gcm",
    "lz4",
    "x-snappy-framed",
    "gzip;q=1",
    "*",
  ].map((coding) => coded("EN3", "an unknown coding", "coding/coding_unsupported", coding, cleanGzip)),
  make(
    "EN3",
    "two fields",
    "reason/singleton_dup",
    postRequest(json, cleanGzip, "Content-Encoding: gzip", "Content-Encoding: gzip"),
  ),
  coded("EN3", "gzip in gzip, one said", "json/json_syntax", "gzip", gzipSync(cleanGzip)),
  ...codings.map(([coding, encode]) =>
    coded(
      "EN4",
      "cut",
      "coding/decompress",
      coding,
      encode(Buffer.from('{"q":"some words that are long enough to be cut"}')).subarray(0, -9),
    ),
  ),
  coded(
    "EN4",
    "garbage behind it",
    "coding/decompress",
    "gzip",
    Buffer.concat([cleanGzip, Buffer.from("x")]),
  ),
  coded("EN4", "zeros behind it", "coding/decompress", "gzip", Buffer.concat([cleanGzip, Buffer.alloc(64)])),
  coded(
    "EN4",
    "a second member",
    "coding/decompress",
    "gzip",
    Buffer.concat([cleanGzip, gzipSync(JSON.stringify(tag))]),
  ),
  coded(
    "EN4",
    "a wrong check value",
    "coding/decompress",
    "gzip",
    Buffer.concat([cleanGzip.subarray(0, -8), Buffer.alloc(4), cleanGzip.subarray(-4)]),
  ),
  coded(
    "EN4",
    "a wrong length",
    "coding/decompress",
    "gzip",
    Buffer.concat([cleanGzip.subarray(0, -4), Buffer.alloc(4)]),
  ),
  coded(
    "EN4",
    "raw deflate that calls itself deflate",
    "coding/decompress",
    "deflate",
    deflateRawSync(clean),
  ),
  coded(
    "EN4",
    "a dictionary",
    "coding/decompress",
    "deflate",
    deflateSync(clean, { dictionary: Buffer.from("words") }),
  ),
  coded(
    "EN4",
    "skippable frames",
    "coding/decompress",
    "zstd",
    Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]), zstdCompressSync(clean)]),
  ),
  coded("EN4", "nothing in it", "coding/decompress", "gzip", Buffer.from([0x1f, 0x8b])),
  ...codings.flatMap(([coding]) =>
    withAttacks((payload, name) =>
      coded(
        "EN5",
        `${name}, not coded`,
        "coding/decompress",
        coding,
        Buffer.from(JSON.stringify({ q: payload })),
      ),
    ),
  ),
  ...withAttacks((payload, name) =>
    coded(
      "EN5",
      `${name} in JSON, not coded`,
      "patterns",
      "identity",
      Buffer.from(JSON.stringify({ q: payload })),
    ),
  ),
];

function xml(value: string): string {
  return value.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
