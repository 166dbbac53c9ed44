import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, goodConfig, minimal, parseText } from "../support/config-case.ts";

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

const wrong: readonly (readonly [title: string, text: string, code: string])[] = [
  ["an origin with a path", withCors('allowed_origins = ["https://a.example/"]'), "Z1106"],
  ["an origin without a scheme", withCors('allowed_origins = ["a.example"]'), "Z1106"],
  ["a wildcard inside", withCors('allowed_origins = ["https://a.*.example"]'), "Z1106"],
  ["every page with credentials", withCors('allowed_origins = ["*"]\nallow_credentials = true'), "Z1214"],
  [
    "sandboxed pages with credentials",
    withCors('allowed_origins = ["null"]\nallow_credentials = true'),
    "Z1214",
  ],
  ["a field name with a line break", withCors('allowed_headers = ["X-A\\r\\nX-B"]'), "Z1106"],
  [
    "65 names",
    withCors(`exposed_headers = [${Array.from({ length: 65 }, (_, i) => `"X-${i}"`).join(", ")}]`),
    "Z1106",
  ],
  ["a method in lower case", withCors('allowed_methods = ["get"]'), "Z1045"],
  ["a misspelt key", withCors("max_aeg = 1"), "Z1042"],
  ["a guard that lets every page in", withCors('allowed_origins = ["*"]', "csrf_guard = true"), "Z1214"],
];
for (const [title, text, code] of wrong) {
  test(`refused: ${title}`, () => {
    const { config, diagnostics } = parseText(text);
    assert.equal(config, undefined);
    assert.deepEqual(
      diagnostics.map((one) => one.code),
      [code],
      JSON.stringify(brief(diagnostics)),
    );
  });
}
