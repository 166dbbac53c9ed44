import assert from "node:assert/strict";
import { test } from "node:test";
import { evidence, evidenceAt } from "../../../src/waf/detect/shell-evidence.ts";
import { mayStartCommand } from "../../../src/waf/detect/shell-gate.ts";
import { readCommand } from "../../../src/waf/detect/shell-place.ts";
import type { Detection, Detector } from "../../../src/waf/detection.ts";
import { systemAttacks } from "./system-attacks.ts";
import { systemBenign } from "./system-benign.ts";
import { systemDetectors } from "./system-detectors.ts";
import { systemTexts } from "./system-texts.ts";
import { systemValues } from "./system-values.ts";

/** Pieces of the grammars: openers that never close, separators, runs that two repetitions could share. */
const units: readonly string[] = [
  ...[
    ";",
    ";a",
    ";id",
    "| cat a ",
    "|date /x a b",
    "&a;",
    "a|",
    "`",
    "`a",
    "=` --a",
    "$(",
    "$(find a b c ",
    "${",
    "${a}",
    "<(",
    ">&",
    "() {",
  ],
  ...[
    "/e*",
    " /e*/b*",
    "(/?t?/?*?",
    "/???",
    "/*",
    "*/",
    "{ls,",
    "{ls,-",
    "$ifs",
    "cat<<<",
    ";a'",
    ";'a'",
    ";\\a",
    ";a=",
    "; sudo ",
  ],
  ...[
    "nc a ",
    "ncat -",
    "socat ",
    "telnet a 1",
    "fsockopen(",
    "socket . socket (",
    "python -a ",
    "sh -c ",
    "curl ",
    "curl -",
    "(wget a ",
  ],
  ...[
    "find /a -ab c ",
    "find / ",
    "for %a in (",
    "if exist a ",
    "cmd /a ",
    "powershell -a ",
    "iwr -a ",
    "net user ",
    "wmic /a:b ",
    "reg add ",
  ],
  ...[
    "../",
    "./",
    ".",
    "..",
    "?",
    "??/",
    "%2e",
    "%2e%2e%2f",
    ".%2e",
    "%c0",
    "%c0%ae",
    "\xc0",
    ".\xc0",
    "\xc0^",
    "%",
    "%%32",
    "0x2e",
    "..;",
    "..\\",
  ],
  ...[
    "/etc/",
    "%u2215",
    "\\\\",
    "aaaaaaaa",
    "a/",
    "file:////",
    "php://",
    "data:",
    "jar:",
    "|convert.iconv.",
    "\\\\.\\",
    "//a$/",
  ],
  ...[
    "http://",
    "://a@",
    "://0x",
    "http://1.",
    "https://a.b.",
    "http://a&@",
    "gopher://",
    "ldap://a",
    "//a.b",
    "/\\",
    "/ /",
    "http://a.txt?",
  ],
  ...[
    "<?",
    "<?php",
    "<?xml ",
    "$_get",
    "system (",
    "system ( ",
    "print ( md5 ( ",
    "$ $ ",
    "$a[",
    "$a[b](",
    "${ ",
    "$ { ",
    'o:1:"',
    'o:1:"a":1:',
    "chr(1).",
    "'\\x00",
    "('a'.",
    "preg_replace('/a",
  ],
  ...[
    "java.lang.",
    "java . lang . ",
    "org.apache.commons.",
    "%{",
    "#{(#a",
    "__${",
    "t(java.",
    ".getclass ( ) ",
    "'@type' : '",
    "!!org.a",
    "at java.",
  ],
  ...[
    "require ( '",
    "require('fs') . ",
    "process [ '",
    "constructor . ",
    "__proto__",
    "while ( ",
    "while(!!!!",
    "eval ( new ",
  ],
  ...[
    "${${",
    "${a:",
    "${lower:",
    "jndi:",
    "${jndi:",
    "<!entity ",
    "<!entity % a ",
    "<!doctype a ",
    "<!doctype a public '",
    "<!element a ",
    "<include ",
    "xmlns:a = '",
  ],
  ...[
    "<xsl:document ",
    "<![cdata[ ",
    "<?import ",
    "<xml ",
    "<methodname> ",
    "schemalocation = '",
    "<?xml a",
    "word\n; sudo cat -a ",
    "word\nsystem('a'); ",
    "<?php a;\n",
    "$_get[a] b\n",
    "word\nrequire('net').get ",
    "word\npython -c 'a' ",
    "<a> a&b",
    "<a>&",
    "|id",
    "(a|id",
    "&quot;id",
    " ",
    "\n",
    "\t",
    "a ",
    "a",
    "'",
    "\0",
  ],
];

function textOf(unit: string, length: number): string {
  // As the engine makes them: flat latin-1.
  return Buffer.from(unit.repeat(Math.ceil(length / unit.length)), "latin1").latin1Slice(0, length);
}

function secondsOf(detector: Detector, text: string): number {
  const found: Detection[] = [];
  const start = process.hrtime.bigint();
  detector.detect({ text, lower: text }, found);
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/** The machine is shared: the best of a few. */
function bestOf(detector: Detector, text: string): number {
  let best = Infinity;
  for (let round = 0; round < 5; round++) best = Math.min(best, secondsOf(detector, text));
  return best;
}

/** Far below what a square of 32 KiB costs, far above what the clock and other programs make of a few microseconds. */
const NOISE_S = 0.003;

test("a text eight times as long costs no more than linear work", () => {
  const slow: string[] = [];
  for (const unit of units) {
    const short = textOf(unit, 4_096);
    const long = textOf(unit, 32_768);
    for (const detector of systemDetectors) {
      if (secondsOf(detector, long) < NOISE_S) continue;
      // Only what is slow every time is slow by itself.
      let ratio = Infinity;
      for (let round = 0; round < 20 && ratio > 32; round++)
        ratio = bestOf(detector, long) < NOISE_S ? 0 : bestOf(detector, long) / bestOf(detector, short);
      if (ratio > 32) slow.push(`${detector.name}: ${ratio.toFixed(0)} times for ${JSON.stringify(unit)}`);
    }
  }
  assert.deepEqual(slow, []);
});

const PROOF =
  evidence.option |
  evidence.path |
  evidence.redirect |
  evidence.expansion |
  evidence.number |
  evidence.quoted;

test("the gate lets every place through where a command with evidence stands", () => {
  for (const text of [
    ...Object.values(systemAttacks).flat(),
    ...systemBenign,
    ...systemTexts,
    ...systemValues,
  ]) {
    const lower = Buffer.from(text, "utf8").toString("latin1").toLowerCase();
    for (let at = 0; at < lower.length; at++) {
      if (mayStartCommand(lower, at)) continue;
      const command = readCommand(lower, at);
      if (command === undefined) continue;
      // What it turned away is an ordinary word, alone or before another one.
      assert.equal(command.class, "word", `${JSON.stringify(lower.slice(at, at + 20))}`);
      assert.equal(evidenceAt(lower, command.end).bits & PROOF, 0, JSON.stringify(lower.slice(at, at + 30)));
    }
  }
});
