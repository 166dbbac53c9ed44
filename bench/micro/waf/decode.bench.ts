/** Every decoder over 1 kB that it changes and 1 kB of prose that it does not: `node bench/micro/waf/decode.bench.ts`. */
import { decodeBase64 } from "../../../src/waf/decode/base64.ts";
import { spaceOut, squeeze } from "../../../src/waf/decode/comment.ts";
import { joinStrings } from "../../../src/waf/decode/concat.ts";
import type { Decode } from "../../../src/waf/decode/decoder.ts";
import { decodeEntities } from "../../../src/waf/decode/entity.ts";
import { decodeCss, decodeScript } from "../../../src/waf/decode/escape.ts";
import { foldToAscii } from "../../../src/waf/decode/fold.ts";
import { flattenPath } from "../../../src/waf/decode/path.ts";
import { decodeForm, decodePercent } from "../../../src/waf/decode/percent.ts";
import { unquoteShell } from "../../../src/waf/decode/shell.ts";
import { decodeUtf7 } from "../../../src/waf/decode/utf7.ts";
import { fill, prose } from "../gate/setup.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 9);
const CALLS = 2_000;
const BYTES = 1_024;

const plain = Buffer.from(fill(prose, BYTES));
const out = Buffer.alloc(BYTES);
const cases: readonly (readonly [string, Decode, string])[] = [
  ["percent", decodePercent, encodeURIComponent(prose)],
  ["form", decodeForm, prose.replaceAll(" ", "+")],
  ["entity", decodeEntities, "&lt;b&gt; &amp; so on, "],
  ["fold", foldToAscii, "\u00e2\u0080\u0098a\u00e2\u0080\u0099 and "],
  ["utf7", decodeUtf7, "+ADw-script+AD4- "],
  ["script", decodeScript, "\\u003cscript\\x3e "],
  ["css", decodeCss, "\\65 xpression( "],
  ["space", spaceOut, "union/**/select \t\n"],
  ["squeeze", squeeze, "uni/**/on sel\0ect "],
  ["path", flattenPath, "a/./b//..\\c "],
  ["shell", unquoteShell, "c'a't /et$@c "],
  ["concat", joinStrings, "'al'+'ert' "],
  ["base64", decodeBase64, Buffer.from(prose).toString("base64")],
];
for (const [name, decode, text] of cases) {
  const times = [Buffer.from(fill(text, BYTES), "latin1"), plain].map((bytes) => {
    let best = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.hrtime.bigint();
      for (let call = 0; call < CALLS; call++) decode(bytes, 0, bytes.length, out);
      best = Math.min(best, Number(process.hrtime.bigint() - before) / CALLS);
    }
    return `${best.toFixed(0).padStart(6)} ns ${((BYTES * 1_000) / best).toFixed(0).padStart(5)} MB/s`;
  });
  console.log(`${name.padEnd(8)} changed ${times[0]}   prose ${times[1]}`);
}
