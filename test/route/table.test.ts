import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CONNECT,
  DELETE,
  GET,
  HEAD,
  methodNames,
  OPTIONS,
  PATCH,
  POST,
  PUT,
  TRACE,
} from "../../src/http/request.ts";
import type { RouteEntry, RouteMatch } from "../../src/route/entry.ts";
import { buildRouteTable, type RouteTable } from "../../src/route/table.ts";
import { findByReading } from "../support/linear-routes.ts";

/** A table whose routes are named by their paths. */
function table(...paths: string[]): RouteTable<string> {
  return buildRouteTable(paths.map((path) => ({ path, value: path })));
}

function hostTable(...routes: (RouteMatch & { value: string })[]): RouteTable<string> {
  return buildRouteTable(routes);
}

function checkFinds(routes: RouteTable<string>, cases: Record<string, string | undefined>): void {
  for (const [path, expected] of Object.entries(cases))
    assert.equal(routes.find("a.test", path, GET), expected, path);
}

test("a parameter is one whole segment and never empty", () => {
  checkFinds(table("/user/{id}", "/user/{id}/posts"), {
    "/user/7": "/user/{id}",
    "/user/7/posts": "/user/{id}/posts",
    "/user": undefined,
    "/user/": undefined,
    "/user/7/8": undefined,
    [`/user/${"x".repeat(4000)}`]: "/user/{id}",
  });
  checkFinds(table("/{id}"), { "/": undefined, "/a": "/{id}" });
});

test("a catch-all serves everything below its prefix, and the prefix", () => {
  checkFinds(table("/api/{*rest}"), {
    "/api": "/api/{*rest}",
    "/api/": "/api/{*rest}",
    "/api/a": "/api/{*rest}",
    "/api/a/b/": "/api/{*rest}",
    "/apis": undefined,
    "/": undefined,
  });
  checkFinds(table("/{*rest}"), { "/": "/{*rest}", "/a/b": "/{*rest}" });
});

test("a route for the prefix goes before a catch-all's, in both its forms", () => {
  checkFinds(table("/api/{*rest}", "/api"), { "/api": "/api", "/api/": "/api", "/api/x": "/api/{*rest}" });
  checkFinds(table("/{*rest}", "/"), { "/": "/", "/x": "/{*rest}" });
});

test("a trailing slash makes no difference unless both forms are routes", () => {
  checkFinds(table("/a", "/b/", "/c", "/c/", "/{x}/d/"), {
    "/a/": "/a",
    "/b": "/b/",
    "/c": "/c",
    "/c/": "/c/",
    "/q/d": "/{x}/d/",
    "/q/d/": "/{x}/d/",
  });
});

test("the more specific route wins whatever the order: literal, parameter, catch-all, from the left", () => {
  const paths = ["/{*all}", "/{x}/b", "/a/{*rest}", "/a/{y}", "/a/b", "/a/{y}/c", "/{x}/{y}/c/d"];
  const expected = {
    "/a/b": "/a/b",
    "/a/z": "/a/{y}",
    "/z/b": "/{x}/b",
    "/a/b/c": "/a/{y}/c",
    "/a/b/c/d": "/a/{*rest}",
    "/z/b/c/d": "/{x}/{y}/c/d",
    "/z/b/c": "/{*all}",
    "/a": "/a/{*rest}",
  };
  checkFinds(table(...paths), expected);
  checkFinds(table(...paths.toReversed()), expected);
});

test("matches the encoded form exactly and decodes nothing", () => {
  checkFinds(table("/a/b", "/x%2Fy", "/p%25q", "/sp%20ace", "/caf\u00e9", "/c%3Ad"), {
    "/a%2Fb": undefined,
    "/a/b": "/a/b",
    "/x%2Fy": "/x%2Fy",
    "/x/y": undefined,
    "/p%25q": "/p%25q",
    "/p%2525q": undefined,
    "/sp%20ace": "/sp%20ace",
    "/sp ace": undefined,
    "/caf%C3%A9": "/caf\u00e9",
    "/c%3Ad": "/c%3Ad",
    "/c:d": undefined,
    "/c%3Dd": undefined,
  });
  // Not even UTF-8: a decoding router answers null to these.
  checkFinds(table("/{x}/end"), { "/%FF/end": "/{x}/end", "/%2F/end": "/{x}/end", "/%25/end": "/{x}/end" });
});

test("colons, stars, dots, dashes and parentheses in literals mean themselves", () => {
  checkFinds(table("/v1:batch", "/:id", "/a*b", "/*", "/x::y/{id}/z:", "/f(1)-g.h", "/{id}/-x"), {
    "/v1:batch": "/v1:batch",
    "/v1xbatch": undefined,
    "/:id": "/:id",
    "/other": undefined,
    "/a*b": "/a*b",
    "/axb": undefined,
    "/a*bc": undefined,
    "/*": "/*",
    "/x::y/7/z:": "/x::y/{id}/z:",
    "/x:y/7/z:": undefined,
    "/f(1)-g.h": "/f(1)-g.h",
    "/7/-x": "/{id}/-x",
    "/7/x": undefined,
  });
});

test("paths are compared with their case", () => {
  checkFinds(table("/Admin"), { "/admin": undefined, "/Admin": "/Admin" });
});

test("what is no path has no route", () => {
  const routes = table("/{*rest}");
  assert.equal(routes.find("a.test", "*", OPTIONS), undefined);
  assert.equal(routes.find("a.test", "", GET), undefined);
  assert.equal(routes.find("a.test", "http://b.test/", GET), undefined);
});

test("an exact host goes before the longest suffix, and the suffix before none", () => {
  const routes = hostTable(
    { path: "/{*r}", value: "any" },
    { hosts: ["a.test"], path: "/{*r}", value: "exact" },
    { hosts: ["*.test"], path: "/{*r}", value: "short" },
    { hosts: ["*.b.test"], path: "/{*r}", value: "long" },
  );
  const cases: Record<string, string> = {
    "a.test": "exact",
    "b.test": "short",
    "x.b.test": "long",
    "y.x.b.test": "long",
    "xb.test": "short",
    test: "any",
    ".test": "any",
    ".b.test": "short",
    "": "any",
    "[::1]": "any",
    "10.0.0.1": "any",
    [`${"x.".repeat(100)}b.test`]: "long",
    "a.test.evil": "any",
  };
  for (const [host, value] of Object.entries(cases)) assert.equal(routes.find(host, "/p", GET), value, host);
});

test("what a matched host does not serve falls to routes without hosts only", () => {
  const routes = hostTable(
    { path: "/any", value: "any" },
    { hosts: ["*.test"], path: "/short", value: "short" },
    { hosts: ["*.b.test"], path: "/long", value: "long" },
  );
  assert.equal(routes.find("x.b.test", "/long", GET), "long");
  assert.equal(routes.find("x.b.test", "/any", GET), "any");
  assert.equal(routes.find("x.b.test", "/short", GET), undefined);
});

test("40 hosts may share a path", () => {
  // find-my-way's own host constraint stops at 31.
  const hosts = Array.from({ length: 40 }, (_, index) => `h${index}.test`);
  const routes = hostTable(...hosts.map((host) => ({ hosts: [host], path: "/{*r}", value: host })));
  for (const host of hosts) assert.equal(routes.find(host, "/x", GET), host);
});

test("a route without methods serves the seven, and TRACE and CONNECT have none", () => {
  const routes = table("/a");
  for (const method of [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]) {
    assert.equal(routes.find("", "/a", method), "/a", methodNames[method]);
  }
  assert.equal(routes.find("", "/a", TRACE), undefined);
  assert.equal(routes.find("", "/a", CONNECT), undefined);
  assert.equal(routes.allowed("", "/a"), 0b111_1111);
});

test("each method sees the routes that serve it, and GET implies HEAD", () => {
  const routes = hostTable(
    { path: "/a", methods: ["GET"], value: "read" },
    { path: "/a", methods: ["POST", "PUT"], value: "write" },
    { path: "/a/{*r}", methods: ["DELETE", "PROPFIND"], value: "below" },
  );
  const byMethod = methodNames.map((name, method) => [name, routes.find("", "/a", method)]);
  assert.deepEqual(
    byMethod.filter(([, value]) => value !== undefined),
    [
      ["GET", "read"],
      ["HEAD", "read"],
      ["POST", "write"],
      ["PUT", "write"],
      ["DELETE", "below"],
      ["PROPFIND", "below"],
    ],
  );
});

test("an explicit HEAD route goes before the HEAD that GET implies", () => {
  const head = { path: "/a", methods: ["HEAD"], value: "head" };
  const get = { path: "/a", methods: ["GET"], value: "get" };
  for (const routes of [hostTable(head, get), hostTable(get, head)]) {
    assert.equal(routes.find("", "/a", HEAD), "head");
    assert.equal(routes.find("", "/a", GET), "get");
  }
});

test("says which methods are allowed, over the host's routes and those of any host", () => {
  const routes = hostTable(
    { hosts: ["a.test"], path: "/a", methods: ["POST"], value: "1" },
    { path: "/{x}", methods: ["DELETE"], value: "2" },
  );
  assert.equal(routes.allowed("a.test", "/a"), (1 << POST) | (1 << DELETE));
  assert.equal(routes.allowed("b.test", "/a"), 1 << DELETE);
  assert.equal(routes.allowed("a.test", "/a/b"), 0);
});

test("a bad pattern or a conflict is not built", () => {
  assert.throws(() => table("/a//b"), /empty segment/);
  assert.throws(() => table("/a/{x}", "/a/{y}"), /routes 0 and 1 both serve \/a\/\{y\}/);
});

test("finds what a reading of all routes one by one finds", () => {
  const literal = fc.constantFrom(
    "a",
    "b",
    "ab",
    "abc",
    "a%2Fb",
    "%25",
    "c:",
    ":p0",
    "*",
    "-x",
    ".y",
    "%C3%A9",
  );
  const segment = fc.oneof({ weight: 3, arbitrary: literal }, { weight: 2, arbitrary: fc.constant("{}") });
  const path = fc
    .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom("", "", "/", "/{*rest}"))
    .map(
      ([segments, end]) =>
        `/${segments.map((text, at) => (text === "{}" ? `{n${at}}` : text)).join("/")}${segments.length === 0 ? end.slice(1) : end}`,
    );
  const hosts = fc.option(
    fc.uniqueArray(fc.constantFrom("a.test", "b.a.test", "*.test", "*.a.test", "*.b.a.test"), {
      minLength: 1,
    }),
    { nil: undefined },
  );
  const methods = fc.option(fc.uniqueArray(fc.constantFrom(...methodNames.slice(0, 9)), { minLength: 1 }), {
    nil: undefined,
  });
  const routes = fc.array(fc.record({ hosts, path, methods }), { minLength: 1, maxLength: 12 });
  const host = fc.constantFrom("a.test", "b.a.test", "c.a.test", "x.b.a.test", "test", "other", "");
  const request = fc.record({
    host,
    path: fc
      .tuple(fc.array(fc.oneof(literal, fc.constantFrom("z", "%FF")), { maxLength: 5 }), fc.boolean())
      .map(([segments, slash]) => `/${segments.join("/")}${slash && segments.length > 0 ? "/" : ""}`),
    method: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, TRACE, CONNECT),
  });
  let found = 0;
  fc.assert(
    fc.property(routes, fc.array(request, { minLength: 10, maxLength: 30 }), (entries, requests) => {
      const kept = withoutConflicts(entries);
      const built = buildRouteTable(kept);
      for (const { host, path, method } of requests) {
        const expected = findByReading(kept, host, path, method);
        assert.equal(built.find(host, path, method), expected, `${methodNames[method]} ${host}${path}`);
        if (expected !== undefined) found++;
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(found > 1000, `only ${found} of the requests had a route`);
});

/** Drops routes that the builder refuses beside the earlier ones. */
function withoutConflicts(entries: readonly RouteMatch[]): RouteEntry<number>[] {
  const kept: RouteEntry<number>[] = [];
  entries.forEach((entry, value) => {
    const next = [...kept, { ...entry, value }];
    try {
      buildRouteTable(next);
      kept.push({ ...entry, value });
    } catch (error) {
      assert.match((error as Error).message, /both serve/);
    }
  });
  return kept;
}
