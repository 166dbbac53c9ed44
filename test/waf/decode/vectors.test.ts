import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { decodeBase64 } from "../../../src/waf/decode/base64.ts";
import { spaceOut, squeeze } from "../../../src/waf/decode/comment.ts";
import type { Decode } from "../../../src/waf/decode/decoder.ts";
import { decodeEntities } from "../../../src/waf/decode/entity.ts";
import { decodeCss, decodeScript } from "../../../src/waf/decode/escape.ts";
import { foldToAscii } from "../../../src/waf/decode/fold.ts";
import { flattenPath } from "../../../src/waf/decode/path.ts";
import { decodeForm } from "../../../src/waf/decode/percent.ts";
import { unquoteShell } from "../../../src/waf/decode/shell.ts";
import { needsShared } from "../../support/shared.ts";
import { decoded } from "./decoded.ts";

interface Vector {
  readonly transformation: string;
  readonly input: string;
  readonly output: string;
}

interface Reading {
  readonly decoders: readonly Decode[];
  /** Makes both sides comparable where our reading means more or less on purpose. */
  readonly compare?: (text: string) => string;
  /** The vectors write bytes as `\xNN` in these fields. */
  readonly escaped?: readonly ("input" | "output")[];
  /** Vectors of the class in which we differ on purpose, by input, and how many there are. */
  readonly differs: number;
  readonly because: string;
}

const oneSpace = (text: string): string => text.replace(/[\s\0]+/g, " ");

/** Vectors of all classes below. */
const VECTORS = 230;

/** Coraza's transformations that have a decoder here. */
const readings: Readonly<Record<string, Reading>> = {
  base64Decode: { decoders: [decodeBase64], differs: 1, because: "binary content is no text to inspect" },
  base64DecodeExt: { decoders: [decodeBase64], differs: 2, because: "the same; and no decoder skips dots" },
  urlDecode: { decoders: [decodeForm], escaped: ["output"], differs: 0, because: "" },
  urlDecodeUni: {
    decoders: [decodeForm, foldToAscii],
    escaped: ["output"],
    differs: 5,
    because:
      "code points with no ASCII reading stay UTF-8 (no table that cuts them to a byte), and no escapes in the vector",
  },
  jsDecode: {
    decoders: [decodeScript],
    escaped: ["output"],
    differs: 5,
    because: "a backslash that begins no escape stays: the path and shell views want it",
  },
  escapeSeqDecode: {
    decoders: [decodeScript],
    escaped: ["output"],
    differs: 2,
    because: "the same; and octal numbers end at 377",
  },
  cssDecode: {
    decoders: [decodeCss],
    differs: 3,
    because: "UTF-8 where Coraza cuts to a byte, ? for no character, a last backslash stays",
  },
  htmlEntityDecode: { decoders: [decodeEntities], differs: 0, because: "" },
  removeNulls: {
    decoders: [squeeze],
    escaped: ["input"],
    differs: 1,
    because: "other control characters go as well",
  },
  replaceNulls: { decoders: [spaceOut], escaped: ["input"], compare: oneSpace, differs: 0, because: "" },
  compressWhitespace: { decoders: [spaceOut], compare: oneSpace, differs: 0, because: "" },
  replaceComments: {
    decoders: [spaceOut],
    compare: oneSpace,
    differs: 8,
    because: "an unclosed comment hides nothing, a stray end is a space",
  },
  removeComments: {
    decoders: [squeeze],
    escaped: ["output"],
    differs: 11,
    because: "nothing is left of a comment, not NUL; an unclosed one hides nothing",
  },
  normalisePath: {
    decoders: [flattenPath],
    compare: resolved,
    differs: 1,
    because: "backslashes are slashes",
  },
  normalisePathWin: {
    decoders: [flattenPath],
    compare: resolved,
    differs: 1,
    because: "the same, also in the vector's own notation",
  },
  cmdLine: {
    decoders: [unquoteShell],
    compare: (text) => text.toLowerCase(),
    differs: 4,
    because: "quotes and carets only inside words, commas are the detector's",
  },
};

/** Dot segments resolved: our path reading keeps `..`, which is what detectors look for. */
function resolved(text: string): string {
  const normal = path.posix.normalize(text);
  return normal === "." || normal === "./" ? "" : normal;
}

function withoutEscapes(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})|\\u00([0-9a-f]{2})/gi, (_, x: string, u: string) =>
    String.fromCharCode(Number.parseInt(x ?? u, 16)),
  );
}

for (const [name, reading] of Object.entries(readings)) {
  test(`${name}: Coraza's vectors`, (t) => {
    const shared = needsShared(t);
    if (shared === undefined) return;
    const vectors = readFileSync(path.join(shared, "corpora/transformations.jsonl"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Vector)
      .filter(({ transformation }) => transformation === name);
    const bytesOf = (text: string, field: "input" | "output"): string => {
      const plain = reading.escaped?.includes(field) ? withoutEscapes(text) : text;
      return /^[\0-\xff]*$/.test(plain) ? plain : Buffer.from(plain).toString("latin1");
    };
    const compare = reading.compare ?? ((text: string) => text);
    const different = vectors.filter(({ input, output }) => {
      const got = reading.decoders.reduce((text, decode) => decoded(decode, text), bytesOf(input, "input"));
      return compare(got) !== compare(bytesOf(output, "output"));
    });
    assert.equal(different.length, reading.differs, reading.because);
  });
}

test("every vector of a class that has a decoder runs", (t) => {
  const shared = needsShared(t);
  if (shared === undefined) return;
  const names = readFileSync(path.join(shared, "corpora/transformations.jsonl"), "utf8").matchAll(
    /"transformation":"([^"]+)"/g,
  );
  assert.equal([...names].filter(([, name]) => Object.hasOwn(readings, name!)).length, VECTORS);
});
