import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBase64 } from "../../../src/waf/decode/base64.ts";
import { spaceOut, squeeze } from "../../../src/waf/decode/comment.ts";
import { joinStrings } from "../../../src/waf/decode/concat.ts";
import { type Decode, UNCHANGED } from "../../../src/waf/decode/decoder.ts";
import { decodeEntities, entityNames, hashEntityName } from "../../../src/waf/decode/entity.ts";
import { decodeCss, decodeScript } from "../../../src/waf/decode/escape.ts";
import { foldToAscii } from "../../../src/waf/decode/fold.ts";
import { flattenPath } from "../../../src/waf/decode/path.ts";
import { decodeForm, decodePercent } from "../../../src/waf/decode/percent.ts";
import { unquoteShell } from "../../../src/waf/decode/shell.ts";
import { extractStrings, isBinary } from "../../../src/waf/decode/strings.ts";
import { decodeUtf7 } from "../../../src/waf/decode/utf7.ts";
import { decoded } from "./decoded.ts";

const all: Readonly<Record<string, Decode>> = {
  decodePercent,
  decodeForm,
  decodeEntities,
  decodeScript,
  decodeCss,
  foldToAscii,
  decodeUtf7,
  decodeBase64,
  spaceOut,
  squeeze,
  joinStrings,
  flattenPath,
  unquoteShell,
  extractStrings,
};

/** Decoder, what stands in the request, what a receiver reads. The same text twice = left alone. */
const cases: readonly (readonly [Decode, string, string])[] = [
  [decodePercent, "%27%20or%201+1", "' or 1+1"],
  [decodePercent, "%u003cscript%U003E 50% %zz %", "<script> 50% %zz %"],
  [decodeForm, "a+b%2bc", "a b+c"],
  [decodeEntities, "&lt;svg&Tab;onload&equals;alert&lpar;1&rpar;&gt;", "<svg\tonload=alert(1)>"],
  [decodeEntities, "&#106&#x61&#0000000118;&#X61;script&colon;", "javascript:"],
  [decodeEntities, "a=1&lt=5&ltv=3&copy;&#;&#x;&&", "a=1&lt=5&ltv=3&copy;&#;&#x;&&"],
  [decodeEntities, "&ltscript", "<script"],
  [decodeScript, "\\u003cscript\\x3e\\74\\u{0003c}<\\/b>", "<script><<</b>"],
  [decodeScript, "\\ud83d\\ude00", "\xf0\x9f\x98\x80"],
  [decodeScript, "C:\\windows\\system32\\g.txt", "C:\\windows\\system32\\g.txt"],
  [decodeCss, "\\65 xpression\\28 1)", "expression(1)"],
  [
    foldToAscii,
    "\xef\xbc\x9cscript\xef\xbc\x9e\xe3\x80\x80\xc0\xae\xe0\x80\xaf\xf0\x80\x80\xbc",
    "<script> ./<",
  ],
  [foldToAscii, "java\xe2\x80\x8bscript \xc2\xadx \xf0\x9d\x92\x9c", "javascript x A"],
  [
    foldToAscii,
    "na\xc3\xafve \xe4\xb8\xad\xe6\x96\x87 \xff\xfe",
    "na\xc3\xafve \xe4\xb8\xad\xe6\x96\x87 \xff\xfe",
  ],
  [decodeUtf7, "+ADw-script+AD4-alert(1)", "<script>alert(1)"],
  [decodeUtf7, "1+APPLE a+B C++", "1+APPLE a+B C++"],
  [decodeBase64, "PHN2Zy9vbmxvYWQ9YWxlcnQoMSk+", "<svg/onload=alert(1)>"],
  [decodeBase64, "PHN2Zy9vbmxvYWQ9YWxlcnQoMSk", "<svg/onload=alert(1)"],
  [decodeBase64, "/api/v1/PHN2Zy9vbmxvYWQ9YWxlcnQoMSk", "<svg/onload=alert(1)"],
  [decodeBase64, "data:text/html;base64,PHN2Zy9vbmxvYWQ9YWxlcnQoMSk+", "<svg/onload=alert(1)>"],
  [decodeBase64, "dwBoAG8AYQBtAGkAIAAvAGEAbABsAA==", "whoami /all"],
  [decodeBase64, "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"],
  [decodeBase64, "internationalisation", "internationalisation"],
  [decodeBase64, "password", "password"],
  [spaceOut, "1/**/union/*x*/all\t\r\n  select", "1 union all select"],
  [spaceOut, "/*!50000union*//*!select*/ 1", " union select 1"],
  [spaceOut, "a /* union select", "a union select"],
  [squeeze, "un/**/ion se\0lect", "union select"],
  [squeeze, "/*!50000union*/", "union*/"],
  [squeeze, "java\tscr\nipt:alert(1)\nline", "javascript:alert(1)\nline"],
  [flattenPath, "..\\..//etc/./passwd", "../../etc/passwd"],
  [flattenPath, "https://x.test/a//b", "https://x.test/a/b"],
  [flattenPath, "/a/..;x=1/admin", "/a/../admin"],
  [unquoteShell, "c'a't /e\"t\"c/pa''sswd", "cat /etc/passwd"],
  [unquoteShell, "c\\at${IFS}/etc$IFS$9x w$@ho^ami cat$u", "cat /etc x whoami cat"],
  [unquoteShell, 'it\'s O\'Brien\'s {"a":"b"} $5.00', 'it\'s OBriens {"a":"b"} $5.00'],
  [
    extractStrings,
    "\x89PNG\x01<?php evil()?>\0\0IEND\0\x02short\0another string",
    // A control character in a text may stand for a space.
    "PNG\x01<?php evil()?>\nanother string",
  ],
  [joinStrings, "'al'+'ert' \"sys\" . \"tem\" ('un'||'ion') 'a','b'", "'alert' \"system\" ('union') 'a','b'"],
  [
    joinStrings,
    "'un' 'ion' \"se\"  \"lect\" ' ' 'a' , 'b' \"c\" 'd'",
    "'union' \"select\" ' ' 'a' , 'b' \"c\" 'd'",
  ],
];

for (const [index, [decode, input, output]] of cases.entries()) {
  test(`${index}: ${JSON.stringify(input)} is read as ${JSON.stringify(output)}`, () => {
    assert.equal(decoded(decode, input), output);
  });
}

// Bytes that decoders act on, so that random text is full of half-finished escapes.
const dense = fc
  .array(
    fc.constantFrom(
      "%",
      "u",
      "0",
      "0",
      "2",
      "7",
      "&",
      "#",
      "x",
      ";",
      "lt",
      "\\",
      "{",
      "}",
      "+",
      "A",
      "D",
      "w",
      "-",
      "/",
      "*",
      "!",
      "'",
      '"',
      ".",
      "$",
      "IFS",
      "@",
      "^",
      "|",
      " ",
      "\n",
      "\0",
      "\t",
      ":",
      "=",
      "\xc0",
      "\xae",
      "\xef",
      "\xbc",
      "\xf0",
      "a",
    ),
    { maxLength: 60 },
  )
  .map((pieces) => pieces.join(""));

for (const [name, decode] of Object.entries(all)) {
  test(`${name} never writes more than it reads, nor outside of its room`, () => {
    fc.assert(
      fc.property(dense, (text) => {
        const source = Buffer.from(text, "latin1");
        const out = Buffer.alloc(source.length + 8, 0xaa);
        const length = decode(source, 0, source.length, out.subarray(0, source.length));
        assert.ok(length === UNCHANGED || (length >= 0 && length <= source.length));
        assert.ok(out.subarray(source.length).every((byte) => byte === 0xaa));
        assert.equal(source.toString("latin1"), text);
      }),
      { numRuns: 400 },
    );
  });

  test(`${name} does not look beyond its range`, () => {
    fc.assert(
      fc.property(dense, dense, (text, behind) => {
        const alone = Buffer.from(text, "latin1");
        const within = Buffer.from(text + behind, "latin1");
        const first = Buffer.alloc(alone.length);
        const second = Buffer.alloc(alone.length);
        assert.equal(decode(within, 0, alone.length, second), decode(alone, 0, alone.length, first));
        assert.deepEqual(second, first);
      }),
      { numRuns: 400 },
    );
  });
}

test("percent-encoding of any bytes is undone", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const encoded = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
      assert.equal(decoded(decodePercent, encoded), Buffer.from(bytes).toString("latin1"));
    }),
  );
});

test("base64 of any printable text of 16 bytes and more is found, in both alphabets, padded or not", () => {
  const printable = fc.string({ unit: "grapheme-ascii", minLength: 16, maxLength: 80 });
  fc.assert(
    fc.property(printable, fc.constantFrom("base64", "base64url"), (text, alphabet) => {
      assert.equal(decoded(decodeBase64, Buffer.from(text).toString(alphabet)), text);
    }),
  );
});

test("random bytes in base64 are no text", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), (bytes) => {
      fc.pre(bytes.some((byte) => byte >= 0xf5));
      const encoded = Buffer.from(bytes).toString("base64").replaceAll("/", "A");
      fc.pre(Buffer.from(encoded, "base64").some((byte) => byte >= 0xf5));
      assert.equal(decoded(decodeBase64, encoded), encoded);
    }),
  );
});

test("the names of character references have different hashes", () => {
  const names = Object.values(entityNames).flatMap((list) => list.split(" "));
  assert.equal(new Set(names.map(hashEntityName)).size, names.length);
});

test("random data is binary; text in any encoding is not", () => {
  const noise = Buffer.from(
    Array.from({ length: 512 }, (_, at) => (Math.imul(at + 7, 2654435761) >>> 13) & 0xff),
  );
  const binary = (bytes: Buffer): boolean => isBinary(bytes, 0, bytes.length);
  assert.equal(binary(noise), true);
  assert.equal(binary(noise.subarray(0, 100)), false);
  for (const text of ["plain text\r\n".repeat(40), "Здравствуйте, ".repeat(40), "a\x01".padEnd(300, "b")])
    for (const encoding of ["utf8", "utf16le"] as const)
      assert.equal(binary(Buffer.from(text, encoding)), text.startsWith("З") && encoding === "utf16le", text);
});

test("what stands before the first escape of a script stays as it is, and without one nothing changes", () => {
  const plain = fc.string().map((text) => text.replaceAll("\\", "/"));
  const decoded = (text: string): string => {
    const bytes = Buffer.from(text);
    const out = Buffer.alloc(bytes.length);
    const length = decodeScript(bytes, 0, bytes.length, out);
    return length === UNCHANGED ? text : out.toString("utf8", 0, length);
  };
  fc.assert(
    fc.property(
      plain,
      fc.constantFrom("\\u0041b", "\\x41\\q", "\\", "\\n", "\\\\x"),
      plain,
      (before, escaped, after) => {
        assert.equal(decoded(before), before);
        assert.equal(decoded(before + escaped + after), before + decoded(escaped + after));
      },
    ),
  );
});
