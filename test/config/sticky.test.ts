import assert from "node:assert/strict";
import { test } from "node:test";
import { showConfig } from "../../src/config/shown.ts";
import { brief, codesAt, goodConfig, minimal, parseText, withFiles } from "../support/config-case.ts";

const sticky = (more: string): string => `${minimal}\n[upstream.app.sticky]\n${more}\n`;

test("a cookie is named after its upstream, and lasts a day", () => {
  const { upstreams } = goodConfig(
    `${sticky("")}[upstream.next]\nurl = "http://127.0.0.1:1"\n[upstream.next.sticky]\n[[route]]\npath = "/next"\nupstream = "next"\n`,
  );
  const [app, next] = upstreams.map((one) => one.sticky!);
  assert.deepEqual(app, {
    cookie: app!.cookie,
    ttlSecs: 86_400,
    path: "/",
    secure: undefined,
    httpOnly: true,
    sameSite: "Lax",
    forward: false,
    key: undefined,
  });
  assert.match(app!.cookie, /^zion_sticky_[0-9a-f]{6}$/);
  assert.notEqual(app!.cookie, next!.cookie);
});

test("a key file gives each upstream a key of its own, and is shown to nobody", () => {
  const root = "0123456789abcdef0123456789abcdef";
  const files = withFiles({ "/etc/zion/sticky.key": root });
  const toml = `${sticky('key_file = "sticky.key"')}[upstream.next]\nurl = "http://127.0.0.1:1"\n[upstream.next.sticky]\nkey_file = "sticky.key"\n[[route]]\npath = "/next"\nupstream = "next"\n`;
  const config = goodConfig(toml, files);
  const [app, next] = config.upstreams.map((one) => one.sticky!.key!);
  assert.equal(Buffer.from(app!, "base64url").length, 32);
  assert.notEqual(app, next);
  const shown = JSON.stringify([config.upstreams, showConfig(config)]);
  assert.equal(shown.includes(root), false);
  assert.equal(JSON.stringify(showConfig(config)).includes(app!), false);
});

for (const [what, more, said] of [
  ["a name with a space", 'cookie = "a b"', /no name of a cookie/],
  ["an empty name", 'cookie = ""', /no name of a cookie/],
  ["a path that ends the attribute", 'path = "/;x"', /no path of a cookie/],
  ["a path without a slash", 'path = "shop"', /no path of a cookie/],
  ["a line end", 'path = "/\\r\\nX: y"', /no path of a cookie/],
  ["same_site none without secure", 'same_site = "none"', /needs `secure = true`/],
  ["__Host- without secure", 'cookie = "__Host-a"', /needs `secure = true`/],
  ["__Host- with a path", 'cookie = "__Host-a"\nsecure = true\npath = "/a"', /needs `path = "\/"`/],
  ["an unknown site rule", 'same_site = "None"', /same_site/],
  ["a time that is too short", "ttl_secs = 59", /ttl_secs/],
  ["a key file that is not there", 'key_file = "none"', /does not exist/],
] as const)
  test(`${what} is refused`, () => {
    const { config, diagnostics } = parseText(sticky(more));
    assert.equal(config, undefined);
    assert.match(brief(diagnostics).join("\n"), said);
  });

test("a key that others can read is refused", () => {
  const toml = sticky('key_file = "sticky.key"');
  const long = { "/etc/zion/sticky.key": "0123456789abcdef0123456789abcdef" };
  assert.deepEqual(
    codesAt(toml, withFiles(long, { "/etc/zion/sticky.key": 0o100644 })).map((one) => one.split(" ")[0]),
    ["Z1312"],
  );
});

test("one cookie for two upstreams is warned of", () => {
  const toml = `${sticky('cookie = "k"')}[upstream.next]\nurl = "http://127.0.0.1:1"\n[upstream.next.sticky]\ncookie = "k"\n[[route]]\npath = "/next"\nupstream = "next"\n`;
  const { config, diagnostics } = parseText(toml);
  assert.notEqual(config, undefined);
  assert.deepEqual(
    diagnostics.map(({ code, line }) => [code, line]),
    [["Z2118", toml.split("\n").lastIndexOf('cookie = "k"') + 1]],
  );
});
