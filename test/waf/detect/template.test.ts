import assert from "node:assert/strict";
import { test } from "node:test";
import { template } from "../../../src/waf/detect/template.ts";
import { kindsOf } from "./markup-detectors.ts";

function reports(kind: string, texts: readonly string[]): void {
  for (const text of texts) assert.ok(kindsOf(template, text).includes(kind), `${kind} not in: ${text}`);
}

const delimiters = [
  ["{{", "}}"],
  ["${", "}"],
  ["#{", "}"],
  ["*{", "}"],
  ["~{", "}"],
  ["%{", "}"],
  ["<%=", "%>"],
  ["${{", "}}"],
  ["@(", ")"],
  ["[[", "]]"],
] as const;

test("products of numbers are probes between the delimiters of every engine", () => {
  for (const [open, close] of delimiters) {
    for (const sum of ["7*7", " 31 * 17 ", "1338*1339*2"])
      reports("template.arithmetic", [`${open}${sum}${close}`]);
  }
  reports("template.arithmetic", [
    "{{7*'7'}}",
    "{{ 3+4 }}",
    "${9-2}",
    "@(1+2)",
    "abc{{3*3}}def",
    "a'+#{6*6}+'b",
    "{{(8*8)}}",
  ]);
});

test("a sum in a longer text is documentation", () => {
  assert.ok(!kindsOf(template, "In Angular, {{1 + 1}} shows 2 on the page.").includes("template.arithmetic"));
});

test("formats of Python and C are no template", () => {
  for (const text of [
    'return "<%s at %#x>" % (self.__class__.__name__, id(self))',
    "return '<%s %d/%d>' % (self.__class__.__name__, a, b)",
  ])
    assert.deepEqual(
      kindsOf(template, text).filter((kind) => kind !== "template.placeholder"),
      [],
    );
  reports("template.call", ["<%system('id')%>", "<%= system('id') %>"]);
});

test("ways to the interpreter are found", () => {
  reports("template.introspection", [
    "{{ ''.__class__ }}",
    "{{ [].__class__.__base__.__subclasses__() }}",
    "{{ x['__init__']['__globals__'] }}",
    "{{ x|attr('y') }}",
    "{% set a = ()|attr('x') %}",
    "{{ ''.class.mro()[1] }}",
    "${''.getClass().forName('x')}",
    "{{ lipsum.__globals__ }}",
    "${x.__builtins__}",
    "{{ x|attr(['__','class','__']|join) }}",
  ]);
});

test("calls that run commands, code or files are found for every engine", () => {
  reports("template.call", [
    "${T(java.lang.Runtime).getRuntime().exec('id')}",
    "*{T(org.example.X).y()}",
    "#{new java.io.File('x')}",
    "%{(#a=@java.lang.Runtime@getRuntime())}",
    '${"freemarker.template.utility.Execute"?new()("id")}',
    '<#assign x="freemarker.template.utility.Execute"?new()>',
    "[#assign x='freemarker.template.utility.ObjectConstructor'?new()]",
    "<%= system('id') %>",
    "<%= `id` %>",
    "<%= IO.popen('id').read %>",
    "<%= File.read('x') %>",
    "#{`id`}",
    "{{['id']|filter('system')}}",
    "{{['id']|map('passthru')|join}}",
    "{{ x.constructor.constructor('go()')() }}",
    "{{ constructor['constructor']('go()')() }}",
    "#{global.process.mainModule.require('child_process').execSync('id')}",
    "<%= require('fs').readFileSync('x') %>",
    '@System.Diagnostics.Process.Start("k.exe")',
    "@System.IO.File.ReadAllText(k)",
    "@(System.Diagnostics.Process.Start('x'))".replaceAll("'", '"'),
    "${self.module.cache.util.os.system('id')}",
    "<% import os %>",
    "{{ _self.env.registerUndefinedFilterCallback('exec') }}",
    "[[${T(java.lang.System).getenv()}]]",
    "__${new java.util.Scanner(x).next()}__::.x",
  ]);
});

test("engine objects, literals with methods, Velocity and Smarty are found", () => {
  reports("template.object", [
    "{{config}}",
    "{{ self }}",
    "{{ request }}",
    "{{ config.items() }}",
    "{{ _self.env }}",
    "{{ app.request.server.all|join(',') }}",
    "{{ dump(app) }}",
    "{% for a in config %}",
    "{% include '/x' %}",
    "{{ joiner.x }}",
    "{{ _context|keys }}",
    "${.data_model}",
  ]);
  reports("template.literal", [
    "{{ 'a'.toUpperCase() }}",
    '{{"x".join("y")}}',
    "{{[].pop()}}",
    "{{['a','b']|sort('x')}}",
  ]);
  reports("template.velocity", [
    "#set($x=7*7)",
    "#set($e=$x.class.forName('y'))",
    "$class.inspect('x')",
    "#include('/etc/x')",
  ]);
  reports("template.smarty", [
    "{php}go();{/php}",
    "{$smarty.version}",
    "{system('id')}",
    "{if phpinfo()}{/if}",
    "{'id'|system}",
    "{Smarty_Internal_Write_File::writeFile('k','w',1)}",
    "{include file='/x'}",
  ]);
});

test("placeholders and directives are told apart for stricter profiles", () => {
  reports("template.placeholder", ["{{ name }}", "${price}", "#{count}"]);
  reports("template.directive", ["{% if a %}", "<% go %>", "#set($a = 1)"]);
});
