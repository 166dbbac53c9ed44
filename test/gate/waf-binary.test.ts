import assert from "node:assert/strict";
import { test } from "node:test";
import { BODY_BYTES, Place } from "../../src/body/place.ts";
import { beginsFile, isBinary, reportCode, reportTexts } from "../../src/gate/waf-binary.ts";

function textsOf(bytes: Buffer): string[] {
  const found: string[] = [];
  const place = new Place();
  place.kind = BODY_BYTES;
  reportTexts(bytes, 0, bytes.length, place, {
    value: (of, start, end) => found.push(Buffer.from(of.subarray(start, end)).toString("latin1")),
  });
  return found;
}

const text = "select nothing from nowhere";

test("texts among binary bytes are reported, in ASCII and in UTF-16 of both byte orders", () => {
  const wide = Buffer.from(text, "utf16le");
  const noise = Buffer.from([1, 2, 3, 0xff, 0xfe]);
  assert.deepEqual(textsOf(Buffer.concat([noise, Buffer.from(text), noise])), [text]);
  assert.deepEqual(textsOf(Buffer.concat([noise, wide, noise])), [text]);
  assert.deepEqual(textsOf(Buffer.concat([noise, Buffer.from(wide).swap16(), noise])), [text]);
  // Cut anywhere, even within a character.
  assert.deepEqual(textsOf(wide.subarray(1, -1)), [text.slice(1)]);
});

test("short runs and noise are no texts", () => {
  assert.deepEqual(textsOf(Buffer.from("\x01eleven char\xff", "latin1")), []);
  assert.deepEqual(textsOf(Buffer.from("eleven char", "utf16le")), []);
  assert.deepEqual(textsOf(Buffer.alloc(4096)), []);
});

test("control characters that databases read as spaces do not end a text", () => {
  for (const gap of ["\x0b", "\x0c", "\x01", "\x1f\x1f", "\xa0"]) {
    const spaced = text.replaceAll(" ", gap);
    assert.deepEqual(textsOf(Buffer.from(`\x01${spaced}${"\x02".repeat(99)}`, "latin1")), [spaced]);
  }
  assert.deepEqual(textsOf(Buffer.from("select\x01\x01\x01\x01\x01nothing", "latin1")), []);
});

test("in a small value, and where one begins, words may be far apart", () => {
  const far = "1' union select a from t".replaceAll(" ", "\x0b\x0b\x0b\x0b");
  const noise = Buffer.alloc(5000, 0x80);
  assert.deepEqual(textsOf(Buffer.concat([noise.subarray(0, 99), Buffer.from(far)])), [far]);
  assert.deepEqual(textsOf(Buffer.concat([Buffer.from(far), noise])), [far]);
});

test("the tables of a font are no text", () => {
  const table = ">\x0132\x16\x15\x14\x06+\x01\x1532\x16\x15\x14\x06#".repeat(40);
  const noise = Buffer.alloc(5000, 0x80);
  assert.deepEqual(textsOf(Buffer.concat([noise, Buffer.from(table, "latin1"), noise])), []);
});

test("random bytes hold hardly a text", () => {
  let state = 1;
  let texts = 0;
  // As they come: in windows.
  for (let window = 0; window < 1024; window++) {
    const random = Uint8Array.from({ length: 16_384 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
    texts += textsOf(Buffer.from(random)).length;
  }
  assert.ok(texts <= 2, `${texts} texts in 16 MB`);
});

test("in a large value a short text counts where the value begins, and where it is code of a page", () => {
  const noise = Buffer.alloc(5000, 0x80);
  const short = Buffer.from("1' or 1=1-- x");
  const code = Buffer.from("<?=`$_GET[0]`?>");
  assert.deepEqual(textsOf(Buffer.concat([short, noise])), [String(short)]);
  assert.deepEqual(textsOf(Buffer.concat([noise, short])), []);
  assert.deepEqual(textsOf(Buffer.concat([noise.subarray(0, 2000), short])), [String(short)]);
  assert.deepEqual(textsOf(Buffer.concat([noise, code, noise])), [String(code)]);
  assert.deepEqual(textsOf(Buffer.concat([noise, Buffer.from(text), noise])), [text]);
});

test("UTF-16 and random bytes are binary, text and short values are not", () => {
  const random = Buffer.from(
    Uint8Array.from({ length: 4096 }, (_, at) => Math.imul(at, 2_654_435_761) >>> 24),
  );
  assert.equal(isBinary(random, 0, random.length), true);
  const long = Buffer.from(text.repeat(4));
  assert.equal(isBinary(long, 0, long.length), false);
  const wide = Buffer.from(text.repeat(4), "utf16le");
  assert.equal(isBinary(wide, 0, wide.length), true);
  assert.equal(isBinary(wide, 0, 63), false);
});

test("the beginning of a serialised object is reported as it is, of the first piece only", () => {
  const java = Buffer.concat([Buffer.from("aced0005737200", "hex"), Buffer.alloc(200, 1)]);
  assert.deepEqual(textsOf(java), [java.toString("latin1", 0, 120)]);
  const pickle = Buffer.from("\x80\x04\x95!\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93", "latin1");
  assert.deepEqual(textsOf(pickle), [pickle.toString("latin1")]);
  assert.deepEqual(textsOf(Buffer.from("aced00", "hex")), []);
  const place = new Place();
  place.repeated = 50;
  reportTexts(java, 0, java.length, place, { value: () => assert.fail("it was there before") });
});

test("a file is known by how it begins, and no text is", () => {
  const begins = (text: string): boolean => {
    const bytes = Buffer.from(text.padEnd(40, "\x01"), "latin1");
    return beginsFile(bytes, 0, bytes.length);
  };
  for (const file of [
    "\x7fELF\x02\x01",
    "MZ\x90\x00",
    "PK\x03\x04",
    "\xca\xfe\xba\xbe",
    "o\r\r\n\x00\x00\x00\x00",
    "\x00\x01\x00\x00\x00\x10",
    "wOF2\x00\x01\x00\x00\x00",
    "\x89PNG\r\n\x1a\n",
    "GIF89a\x10\x00",
    "RIFF\x10\x20\x00\x00WEBPVP8",
    "\x00\x00\x00\x18ftypmp42",
    "SQLite format 3\x00",
    "\xde\x12\x04\x95",
  ])
    assert.ok(begins(file), JSON.stringify(file));
  for (const text of [
    "' or 1=1--",
    "GIF89a' or 1=1",
    "RIFFabcdWEBP",
    "abcdftyp",
    "wOFFOTTO",
    "PK",
    "MZ' or 1=1",
    "BZh91AY&SY",
    "ID3'--",
    "SVN' or",
  ])
    assert.ok(!begins(text.padEnd(40, "x")), text);
});

test("of a file only code is a text", () => {
  const codeOf = (text: string): string[] => {
    const found: string[] = [];
    const bytes = Buffer.from(text, "latin1");
    const sink = {
      value: (from: Uint8Array, start: number, end: number) =>
        found.push(Buffer.from(from.subarray(start, end)).toString("latin1")),
    };
    reportCode(bytes, 0, bytes.length, new Place(), sink);
    return found;
  };
  assert.deepEqual(codeOf("PK\x03\x04\x00META-INF/MANIFEST.MF\x00' or 1=1 -- ;cat /etc/passwd\x00"), []);
  assert.deepEqual(codeOf("GIF89a\x01\x00<?php system($_GET[1]);?>\x00"), ["<?php system($_GET[1]);?>\x00"]);
});
