import assert from "node:assert/strict";
import { test } from "node:test";
import { ssi } from "../../../src/waf/detect/ssi.ts";
import { kindsOf } from "./markup-detectors.ts";

test("every include directive is found, with lost dashes, odd space and no end", () => {
  const directives = [
    "exec cmd='x'",
    "include virtual='/x'",
    'echo var="X"',
    "config timefmt='x'",
    "fsize file=x",
    "flastmod virtual=x",
    "set var='a' value='b'",
    "if expr='x'",
  ];
  for (const directive of directives) {
    for (const form of [
      `<!--#${directive} -->`,
      `<!--#${directive}-->`,
      `<!-- # ${directive} -->`,
      `<!-#${directive}->`,
      `x<!--#${directive}`,
      `<!--#${directive.toUpperCase()} -->`,
    ]) {
      assert.deepEqual(kindsOf(ssi, form), ["ssi.directive"], form);
    }
  }
  assert.deepEqual(kindsOf(ssi, "<!--#printenv -->"), ["ssi.directive"]);
});

test("edge-side include tags are found", () => {
  for (const text of [
    "<esi:include src=x/>",
    "<esi:vars>$(HTTP_COOKIE)</esi:vars>",
    "<ESI:inline name=x>",
    "<esi:remove>",
    "<esi:debug/>",
  ]) {
    assert.deepEqual(kindsOf(ssi, text), ["ssi.edge"], text);
  }
});

test("comments that begin with a number sign are comments", () => {
  for (const text of [
    "<!-- #main -->",
    "<!--#region a-->",
    "<!--# -->",
    "<!-- #1: echo of the past -->",
    "<!--#if you see this, call-->",
    "esi:include",
  ]) {
    assert.deepEqual(kindsOf(ssi, text), [], text);
  }
});
