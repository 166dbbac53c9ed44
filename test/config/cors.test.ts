import assert from "node:assert/strict";
import { test } from "node:test";
import { codesAt, goodConfig, minimal, parseText } from "../support/config-case.ts";

const withCors = (lines: string, route = ""): string => `${minimal}${route}\n[route.cors]\n${lines}\n`;

test("a route's CORS has the reference's defaults", () => {
  const { routes } = goodConfig(withCors('allowed_origins = ["https://A.example"]'));
  assert.deepEqual(routes[0]!.cors, {
    allowedOrigins: ["https://a.example"],
    allowedMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    allowedHeaders: ["Content-Type", "Authorization", "X-Requested-With"],
    exposedHeaders: [],
    allowCredentials: false,
    maxAgeSecs: 86_400,
  });
  assert.equal(goodConfig(minimal).routes[0]!.cors, undefined);
});

const wrong: readonly (readonly [title: string, text: string, found: string])[] = [
  ["an origin with a path", withCors('allowed_origins = ["https://a.example/"]'), "Z1106 12:20"],
  ["an origin without a scheme", withCors('allowed_origins = ["a.example"]'), "Z1106 12:20"],
  ["a wildcard inside", withCors('allowed_origins = ["https://a.*.example"]'), "Z1106 12:20"],
  [
    "every page with credentials",
    withCors('allowed_origins = ["*"]\nallow_credentials = true'),
    "Z1214 12:20",
  ],
  [
    "sandboxed pages with credentials",
    withCors('allowed_origins = ["null"]\nallow_credentials = true'),
    "Z1214 12:20",
  ],
  ["a field name with a line break", withCors('allowed_headers = ["X-A\\r\\nX-B"]'), "Z1106 12:20"],
  [
    "65 names",
    withCors(`exposed_headers = [${Array.from({ length: 65 }, (_, i) => `"X-${i}"`).join(", ")}]`),
    "Z1106 12:522",
  ],
  ["a method in lower case", withCors('allowed_methods = ["get"]'), "Z1045 12:20"],
  ["a misspelt key", withCors("max_aeg = 1"), "Z1042 12:1"],
  [
    "a guard that lets every page in",
    withCors('allowed_origins = ["*"]', "csrf_guard = true"),
    "Z1214 10:14",
  ],
];
for (const [title, text, found] of wrong) {
  test(`refused: ${title}`, () => {
    assert.deepEqual(codesAt(text), [found]);
    assert.equal(parseText(text).config, undefined);
  });
}
