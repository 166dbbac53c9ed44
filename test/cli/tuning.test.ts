import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { groupFindings } from "../../src/cli/suggest.ts";
import { config, launcher, startGateway, startUpstream } from "../control/gateway.ts";
import { minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc and needs reusePort" };
const directory = newDirectory("tuning");
const file = join(directory, "zion.toml");

function zion(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [launcher, ...args], { timeout: 60_000 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

const words = ["--rule", "sqli-union-select", "--field", "query:q", "-c", file];

test("exclude prints a patch, says what would pass, and leaves the file alone", async () => {
  writeFileSync(file, minimal.replace("[[route]]", '[[route]]\nname = "app"'));
  const before = readFileSync(file, "utf8");
  const { code, out, err } = await zion("exclude", "--route", "app", ...words, "--ticket", "OPS-812");
  assert.equal(code, 0);
  assert.match(
    out,
    /^--- .*\n\+\+\+ .*\n@@ [\s\S]*\n\+\[\[exclude\]\] # OPS-812\n\+rule = "sqli-union-select"\n/,
  );
  assert.match(err, /^\d+ forms of known attacks were put into query:q of route app, one a request:\n/);
  assert.match(err, /\n {2}\d+ would pass:\n {4}sqli-union-select {2}/);
  assert.equal(readFileSync(file, "utf8"), before);
});

test("exclude --write adds it, and a corpus of the operator's is tried as well", async () => {
  writeFileSync(file, minimal.replace("[[route]]", '[[route]]\nname = "app"'));
  const lines = join(directory, "attacks.txt");
  writeFileSync(lines, "# mine\n1 union select secret from vault\n");
  const { code, out } = await zion(
    ...["exclude", "--route", "app", ...words, "--attacks", lines, "--expires", "30d", "--write"],
    ...["--format", "json"],
  );
  assert.equal(code, 0);
  const { exclude, proof } = JSON.parse(out) as {
    exclude: { until: string };
    proof: { passes: { from: string }[] };
  };
  assert.ok(proof.passes.some(({ from }) => from === lines));
  const text = readFileSync(file, "utf8");
  assert.ok(text.includes(`until = ${exclude.until}\n`));
  assert.equal((await zion("check", "-c", file)).code, 0);
});

test("exclude refuses names that do not exist, with the file's own diagnostics", async () => {
  writeFileSync(file, minimal);
  const { code, out, err } = await zion("exclude", "--route", "nope", ...words);
  assert.deepEqual({ code, out }, { code: 2, out: "" });
  assert.match(err, /error\[Z1210\]: `route` in \[\[exclude\]\]: there is no route named "nope"/);
  for (const expires of ["soon", "2030-02-31", "2030-06-30T00:00:00Z"])
    assert.equal((await zion("exclude", "--route", "app", ...words, "--expires", expires)).code, 2, expires);
});

test("findings are grouped by route, rule and field, those of most clients first", () => {
  const seen = (requestId: string, client: string, ...places: readonly string[]) => ({
    requestId,
    client,
    route: "app",
    findings: places.map((place) => ({ rule: "xss-tag", place })),
  });
  assert.deepEqual(
    groupFindings([
      seen("4", "192.0.2.1", "json:$.items[7].text"),
      seen("3", "192.0.2.1", "query:q"),
      seen("2", "192.0.2.1", "query:q"),
      seen("1", "192.0.2.2", "json:$.items[0].text"),
    ]).map(({ field, clients, requests, requestId }) => [field, clients, requests, requestId]),
    [
      ["json:$.items*", 2, 2, "4"],
      ["query:q", 1, 2, "3"],
    ],
  );
});

test("suggest proposes what a route in shadow would have refused, with its price", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const toml = config(upstream.port, ["workers = 1"]).replace(
    "[[route]]",
    '[[route]]\nname = "app"\nwaf_shadow = true',
  );
  const gateway = await startGateway(t, { toml });
  const suggest = () =>
    zion(
      ...["suggest", "-c", join(gateway.directory, "zion.toml")],
      ...["--admin", `127.0.0.1:${gateway.adminPort}`],
    );
  assert.deepEqual(await suggest(), {
    code: 1,
    out: "nothing to propose: no such decision names a rule\n",
    err: "",
  });
  assert.equal((await gateway.get("/?q=1%20union%20select%20a,b%20from%20users")).status, 200);
  // Decisions reach the primary within a second.
  let found = await suggest();
  for (let i = 0; i < 20 && found.code === 1; i++) found = await suggest();
  assert.equal(found.code, 0);
  assert.match(found.out, /^1\. sqli-\S+ in query:q of route app: 1 request of 1 client, last \S+\n/);
  assert.match(found.out, /\n {3}zion exclude --route app --rule sqli-\S+ --field 'query:q'\n/);
});
