import assert from "node:assert/strict";
import { test } from "node:test";
import { crlf } from "../../../src/waf/detect/crlf.ts";
import { crlfText } from "../../../src/waf/detect/crlf-text.ts";
import type { Detection } from "../../../src/waf/detection.ts";
import { kindsOf } from "./markup-detectors.ts";

function reports(kind: string, texts: readonly string[]): void {
  for (const text of texts)
    assert.ok(
      [...kindsOf(crlf, text), ...kindsOf(crlfText, text)].includes(kind),
      `${kind} not in: ${JSON.stringify(text)}`,
    );
}

test("a line end and a header field are found for every spelling of the line end", () => {
  for (const end of ["\r\n", "\n", "\r", "\n\r", "\r\r\n", "\r\n\r\n"]) {
    for (const field of [
      "Set-Cookie: a=b",
      "set-cookie:a=b",
      "Location: //x.example",
      "X-Forwarded-For: 1",
      "Content-Type : text/html",
      "Host: x",
    ]) {
      reports("crlf.header", [`en${end}${field}`, `${end}${field}`]);
    }
  }
});

test("characters whose low byte is a line end are line ends", () => {
  const found: Detection[] = [];
  const text = "x\xe5\x98\x8a\xe5\x98\x8dset-cookie: a=b";
  crlf.detect({ text, lower: text }, found);
  assert.ok(found.some((detection) => detection.kind === "crlf.header"));
});

test("fields that only answers have, status lines, bodies and requests are found", () => {
  reports("crlf.telling_header", [
    "x\r\nContent-Length: 0",
    "x\nSet-Cookie: a",
    "x\nLocation: https://x.example",
    "x\r\nrefresh: 0",
  ]);
  reports("crlf.status_line", ["x\r\n\r\nHTTP/1.1 200 OK", "x\nHTTP/2 302"]);
  reports("crlf.markup", ["x\r\n\r\n<html>", "x\n\n<script>"]);
  reports("crlf.request_line", [
    "x\r\nGET /a HTTP/1.1",
    "\nPOST / HTTP/1.0",
    "0\r\n\r\nDELETE http://x.example/ HTTP/1.1",
    "xGET /a HTTP/1.1",
  ]);
  reports("crlf.request_text", ["GET http://x.example HTTP/1.1", "a b c GET / HTTP/1.1"]);
  reports("crlf.any_header", ["x\r\nfoo: bar"]);
  reports("crlf.line_end", ["a\rb", "a\n"]);
});

test("letters, lists and log lines have no telling header and no smuggled request", () => {
  const texts = [
    "Subject: hi\nTo: Bob",
    "Name: Ann\r\nAge: 5\r\nLocation: room 4",
    '1.2.3.4 - "GET / HTTP/1.1" 200 5',
    "get / http/1.1",
    "a\nb\nc",
  ];
  for (const text of texts) {
    for (const kind of ["crlf.telling_header", "crlf.status_line", "crlf.request_line"]) {
      assert.ok(!kindsOf(crlfText, text).includes(kind), `${kind} in: ${text}`);
    }
  }
});
