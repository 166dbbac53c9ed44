import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { addExcludes } from "../../src/config/exclude-patch.ts";
import { newDirectory } from "../support/directory.ts";
import { hasCommand, needs } from "../support/shared.ts";

const directory = newDirectory("patch");

const whole = { rule: "sqli", route: "app", field: "query:q", untilMs: Date.UTC(2030, 5, 30) };

test("what patch makes of the diff is the new text, with comments kept", (t) => {
  if (!needs(t, "patch", hasCommand("patch"))) return;
  for (const text of [
    "a = 1 # kept\n",
    "a = 1\n\n\n# kept\n[b]\nc = 2",
    "x = 1\n",
    "a = 1\r\nb = 2\r\n",
    'secret = "x"\nb = 2\n',
  ]) {
    const { text: next, diff } = addExcludes("zion.toml", text, [whole, { rule: "xss" }], "why not");
    writeFileSync(join(directory, "zion.toml"), text);
    const done = spawnSync("patch", ["-p0", "--binary"], { cwd: directory, input: diff, encoding: "utf8" });
    assert.equal(done.status, 0, done.stdout + done.stderr);
    assert.equal(readFileSync(join(directory, "zion.toml"), "utf8"), next);
  }
});

test("hostile names and comments stay inside their strings", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, comment) => {
      const fit = (text: string): string => text.toWellFormed();
      const exclude = { rule: fit(name), route: fit(name), field: fit(comment) };
      const { text } = addExcludes("f", "[server]\nworkers = 1\n", [exclude], comment);
      assert.deepEqual(JSON.parse(JSON.stringify(parse(text.toWellFormed()))), {
        server: { workers: 1 },
        exclude: [exclude],
      });
    }),
  );
});

test("the diff shows no line that may hold a secret, neither as context nor written again", () => {
  for (const text of [
    'secret = "CANARY"\nb = 2\n',
    'b = 2\nsecret = "CANARY"\n',
    'b = 2\nsecret = "CANARY"',
    'secret = """\nCANARY\n"""\n',
    '[route.request_headers.set]\nX-Who = "CANARY"\n',
    '[route.request_headers.set]\nwho = "CANARY"\n',
    'request_headers = { set = { X-Who = "CANARY" } }',
    "a = 1 # CANARY\n",
  ])
    assert.ok(!addExcludes("f", text, [whole], "").diff.includes("CANARY"), text);
  assert.match(
    addExcludes("f", 'a = 1\n[route.waf]\nprofile = "x"\n', [whole], "").diff,
    /^ \[route\.waf\]$/m,
  );
});
