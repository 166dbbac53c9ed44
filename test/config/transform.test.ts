import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, codesAt, goodConfig, minimal, parseText } from "../support/config-case.ts";

const own = minimal.replace(/\[\[route\]\][\s\S]*/, "");
const route = (more: string): string => `${minimal}${more}\n`;
const without = (more: string): string =>
  `${own}[[route]]\npath = "/"\n${more}\n[[route]]\npath = "/a"\nupstream = "app"\n`;

test("a route that answers itself needs no upstream, and has none", () => {
  assert.equal(goodConfig(without('[route.redirect]\nto = "/b"')).routes[0]!.upstream, undefined);
  assert.deepEqual(goodConfig(without('respond = { body = "hi" }')).routes[0]!.transform.respond, {
    status: 200,
    body: "hi",
    contentType: "text/plain; charset=utf-8",
  });
  assert.deepEqual(
    codesAt(without("")).map((one) => one.split(" ")[0]),
    ["Z1046"],
  );
  assert.match(
    brief(parseText(route('[route.redirect]\nto = "/b"')).diagnostics).join("\n"),
    /both `redirect` and `upstream`/,
  );
});

for (const [what, more, said] of [
  ["an open redirect", '[route.redirect]\nto = "{header:x}/a"', /must not name the host/],
  [
    "a redirect to where a header says",
    '[route.redirect]\nto = "https://{header:x}/"',
    /must not name the host/,
  ],
  [
    "a redirect to a host that a query goes on with",
    '[route.redirect]\nto = "https://a.test{query}"',
    /must not name the host/,
  ],
  [
    "a redirect to a host that a parameter is a part of",
    '[route.redirect]\nto = "https://a.{header:x}.test/"',
    /must not name the host/,
  ],
  ["a status that redirects nobody", '[route.redirect]\nto = "/b"\nstatus = 304', /redirects nobody/],
  ["a misspelt fact", '[route.redirect]\nto = "/{ur}"', /there is no \{ur\}/],
  ["a brace that is not closed", '[route.redirect]\nto = "/{uri"', /not closed/],
  ["a body where none may be", 'respond = { status = 204, body = "x" }', /has no body/],
  ["a body that no client looks for", 'respond = { status = 205, body = "x" }', /has no body/],
] as const)
  test(`${what} is refused`, () => {
    assert.match(brief(parseText(without(more)).diagnostics).join("\n"), said);
  });

for (const [what, more, said] of [
  ["a line end in a field", '[route.response_headers]\nset = { X = "a\\r\\nSet-Cookie: b" }', /line end/],
  [
    "a field that frames the message",
    '[route.request_headers]\nset = { Content-Length = "0" }',
    /frames the message/,
  ],
  [
    "a field that the gateway sets",
    '[route.request_headers]\nadd = { X-Forwarded-For = "1" }',
    /sets it itself/,
  ],
  [
    "a field of one connection",
    '[route.response_headers]\nadd = { Proxy-Connection = "close" }',
    /frames the message/,
  ],
  [
    "a second one of a field that there may be only once",
    '[route.request_headers]\nadd = { authorization = "Basic x" }',
    /there may be only one/,
  ],
  ["a name that is none", '[route.request_headers]\nset = { "X Y" = "0" }', /no name of a field/],
  [
    "set and default of one name",
    '[route.response_headers]\nset = { A = "1" }\ndefault = { a = "2" }',
    /is set as well/,
  ],
  ["a parameter that the path lacks", '[route.request_headers]\nset = { A = "{param:id}" }', /no parameter/],
  ["a prefix with a slash at its end", '[route.rewrite]\nstrip_prefix = "/api/"', /is no prefix/],
  ["a host longer than names are", `[route.rewrite]\nhost = "${"a".repeat(300)}"`, /is no host/],
  ["a pattern without a replacement", "[route.rewrite]\nregex = '^/a'", /has no `replacement`/],
  ["a pattern that is none", "[route.rewrite]\nregex = '('\nreplacement = \"/\"", /no regular expression/],
  ["a group that is not there", "[route.rewrite]\nregex = '^/a'\nreplacement = \"/$1\"", /no group \$1/],
  ["a replacement with a query", "[route.rewrite]\nregex = '^/a'\nreplacement = \"/b?c\"", /is no path/],
  ["a split for nobody", '[[route.split]]\nupstream = "app"', /nothing of which requests/],
  ["a page for a status that refuses nobody", '[error_page.200]\nhtml_file = "a"', /no status of a refusal/],
  ["a page that is not there", '[error_page.503]\nhtml_file = "nope.html"', /nope\.html/],
  ["a split to nowhere", '[[route.split]]\nupstream = "apq"\nweight = 1', /uses upstream `apq`/],
] as const)
  test(`${what} is refused`, () => {
    assert.match(brief(parseText(route(more)).diagnostics).join("\n"), said);
  });
