import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { html } from "../../../src/waf/detect/html.ts";
import { mail } from "../../../src/waf/detect/mail.ts";
import { sql } from "../../../src/waf/detect/sql.ts";
import { catalogueNames, wordNames } from "../../../src/waf/detect/sql-word.ts";
import { url } from "../../../src/waf/detect/url.ts";
import type { Detection, Detector } from "../../../src/waf/detection.ts";
import { buildByteFlags, flagsOf } from "../../../src/waf/harmless.ts";

const sqlWords = [
  ...[...wordNames].map(([name]) => name),
  ...catalogueNames,
  ...["outfile", "dumpfile", "pg_sleep", "utl_http", "data", "extension", "open", "read", "version", "sleep"],
  ...["the", "a", "n", "x", "don", "t", "s", "users", "1", "0", "42", "2147483648", "1e5", "0x1f", "\xe9"],
  ...["9223372036854775808", "18446744073709551616", "2.2250738585072011e-308"],
];
const htmlWords = [
  ...[
    "javascript",
    "vbscript",
    "livescript",
    "mocha",
    "data",
    "script",
    "on",
    "onerror",
    "onload",
    "onabc",
    "once",
  ],
  ...[
    "option",
    "expression",
    "binding",
    "-moz-binding",
    "url",
    "style",
    "!entity",
    "system",
    "x",
    "text/html",
  ],
  ...["alert", "schemalocation", "include", "java", "https", "the"],
];
const plainGaps = [
  ...[
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\r\n",
    "\t",
    ".",
    ", ",
    ". ",
    "? ",
    "! ",
    " - ",
    ": ",
    "'",
    "-",
    ":",
    "/",
    "_",
  ],
  ...["+", "%", "", '"', '","', '":"', '{"', '"}', "[", "]", ' "', '" '],
];
const mailWords = [
  ...[
    "mail from:",
    "rcpt to:",
    "a1 login x y",
    "quit",
    "data",
    "top 1 2",
    "list 1",
    "bcc: a@b",
    "from: a@b",
    "retr 1",
  ],
  ...[
    "a",
    "the",
    "to",
    "hello",
    "vrfy root",
    "ehlo a.b",
    "auth login",
    "a001 logout",
    "sender: x@y",
    "1",
    "x@y",
  ],
];
const lineGaps = ["\n", "\r\n", "\n ", '\n"', " ", " ", "", "\n\n", ", "];
const gaps = [
  ...plainGaps,
  "--",
  "::",
  "@",
  "(",
  "=",
  '"',
  "|",
  "\xa0",
  "\xc2\xa0",
  "\xe2\x80\x93",
  "\0",
  "\\",
];

const authority = url.find(({ name }) => name === "url.confused_authority")!;
const authorityWords = [
  ...["http:", "https:", "http", ":", "//", "/", "\\", "\\\\", "///", "@", "a.b", "www.bank.example"],
  ...["evil.example", "ada@example.org", ":80", "%00", "%5c", "the", "mailto:"],
];
const authorityGaps = ["", "", "", " ", ".", "\t", "\n", "&", ";", "#", "?"];

for (const [name, detector, words, plain] of [
  ["sql", sql, sqlWords, plainGaps],
  ["html", html, htmlWords, plainGaps],
  ["mail", mail, mailWords, lineGaps],
  ["url.confused_authority", authority, authorityWords, authorityGaps],
] as const) {
  test(`a text that ${name} calls too plain to read holds nothing that it reports`, () => {
    let idle = 0;
    const text = (between: readonly string[]): fc.Arbitrary<string> =>
      fc
        .array(fc.tuple(fc.constantFrom(...words), fc.constantFrom(...between)), {
          minLength: 1,
          maxLength: 12,
        })
        .map((pairs) => pairs.flat().join(""));
    fc.assert(
      fc.property(fc.oneof(text(plain), text(gaps)), fc.boolean(), fc.boolean(), (made, lead, upper) => {
        const spelled = `${lead ? "/" : ""}${upper ? made.toUpperCase() : made}`;
        if (!isIdle(detector, spelled)) return;
        idle++;
        assert.deepEqual(reported(detector, spelled), []);
      }),
      { numRuns: 20_000 },
    );
    assert.ok(idle > 1_000, `${idle} texts were plain`);
  });
}

test("sentences with words of queries and of events are too plain to read", () => {
  for (const text of [
    "Thank you for the quick answer. We would like to order twelve of the larger ones, or a few of the smaller.",
    "In this case I don't know if they can be here, and I can't wait to hear from you!",
    "user: maria, version 12.4 - updated at 12:30",
    "12 St James's Square",
  ])
    assert.ok(isIdle(sql, text), text);
  for (const text of ["Press on the button, not once but twice", "https://example.org/option/on/1"])
    assert.ok(isIdle(html, text), text);
});

test("a query without any sign is read", () => {
  for (const text of [
    "1 or 1 like 1",
    "or true",
    "1 order by 10",
    "union select 1",
    "drop table users",
    "from mysql.user",
    "1 and pg_sleep",
    "9223372036854775808",
    " 18446744073709551616",
    "2.2250738585072007e-308",
    "/2147483648",
    "begin declare",
    "x 0x1fjoin mysql.host",
    "0x1fxor master.sys",
  ]) {
    assert.ok(!isIdle(sql, text), text);
    assert.ok(!isIdle(sql, text.toUpperCase()), text);
  }
});

test("names of events, script schemes and declarations without a tag are read", () => {
  for (const text of [
    "onerror",
    "x onload ",
    "javascript:x",
    "data:text",
    "a -moz-binding url",
    "!ENTITY x SYSTEM",
  ])
    assert.ok(!isIdle(html, text), text);
});

const byteFlags = buildByteFlags([]);

function isIdle(detector: Detector, text: string): boolean {
  const bytes = Buffer.from(`<${text}<`, "latin1");
  return detector.isIdle!(bytes, 1, bytes.length - 1, flagsOf(byteFlags, bytes, 1, bytes.length - 1));
}

function reported(detector: Detector, latin1: string): Detection[] {
  // A-Z only: letters above ASCII stay, as the inspector leaves them.
  const bytes = Buffer.from(latin1, "latin1");
  const lower = bytes.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));
  const found: Detection[] = [];
  detector.detect({ text: bytes.latin1Slice(), lower: Buffer.from(lower).latin1Slice() }, found);
  return found;
}
