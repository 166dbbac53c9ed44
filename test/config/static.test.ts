import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, codesAt, goodConfig, parseText, withFiles } from "../support/config-case.ts";

const server = '[server]\nlisten_http = "0.0.0.0:8080"\n';
const files = withFiles(
  {},
  { "/srv/www": 0o40755, "/etc/zion/public": 0o40755, "/etc": 0o40755, "/etc/zion": 0o40755 },
);

/** A route with these lines, on line 4 and later. */
function route(lines: string): string {
  return `${server}[[route]]\n${lines}\n`;
}

const served = 'path = "/"\nmode = "static"\nserve_dir = "/srv/www"';

test("a directory is enough, and a path begins at the configuration", () => {
  const [plain] = goodConfig(route(served), files).routes;
  assert.deepEqual(plain!.static, {
    directory: "/srv/www",
    index: ["index.html"],
    spaFallback: false,
    precompressed: false,
    maxAgeSecs: undefined,
    immutable: false,
  });
  assert.equal(plain!.upstream, undefined);
  const more = `path = "/"
mode = "static"
serve_dir = "public"
static_index = ["home.html"]
spa_fallback = true
precompressed = true
static_max_age_secs = 60
static_immutable = true`;
  assert.deepEqual(goodConfig(route(more), files).routes[0]!.static, {
    directory: "/etc/zion/public",
    index: ["home.html"],
    spaFallback: true,
    precompressed: true,
    maxAgeSecs: 60,
    immutable: true,
  });
});

for (const [what, lines, found] of [
  ["no directory", 'path = "/"\nmode = "static"', ["Z1046 3:3"]],
  ["a directory that is not there", 'path = "/"\nmode = "static"\nserve_dir = "/srv/ww"', ["Z1341 6:13"]],
  ["the directory of the configuration", 'path = "/"\nmode = "static"\nserve_dir = "."', ["Z1342 6:13"]],
  ["a directory above it", 'path = "/"\nmode = "static"\nserve_dir = "/etc"', ["Z1342 6:13"]],
  ["an upstream as well", `${served}\nupstream = "app"`, ["Z1214 6:1"]],
  ["another method", `${served}\nmethods = ["GET", "POST"]`, ["Z1214 7:19"]],
  ["fields for an upstream", `${served}\n[route.request_headers]\nset = { X-A = "1" }`, ["Z1214 7:8"]],
  ["an index that is a path", `${served}\nstatic_index = ["a/b", ".x"]`, ["Z1106 7:17", "Z1106 7:24"]],
  ["files for ever without an age", `${served}\nstatic_immutable = true`, ["Z1214 7:20"]],
] as const)
  test(`${what}: ${found.join()}`, () => {
    const text =
      route(lines) + (lines.includes('"app"') ? '[upstream.app]\nurl = "http://127.0.0.1:1"\n' : "");
    assert.deepEqual(codesAt(text, files), found, brief(parseText(text, files).diagnostics).join("\n"));
  });

test("keys of files on a route that serves none are refused", () => {
  const text = `${server}[upstream.app]\nurl = "http://127.0.0.1:1"\n[[route]]\npath = "/"\nupstream = "app"\nspa_fallback = true\n`;
  assert.deepEqual(codesAt(text, files), ["Z1214 8:16"]);
});
