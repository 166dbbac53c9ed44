import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";
import { startGateway } from "../support/gateway.ts";
import { startOrigin } from "../support/origin.ts";
import { hasCommand, needs } from "../support/shared.ts";

const program = new URL("../../bin/zion.js", import.meta.url).pathname;
const directory = newDirectory("setup");
let folders = 0;

function folder(): string {
  const path = join(directory, String(++folders));
  mkdirSync(path);
  return path;
}

/** Through bin/zion.js: with the permissions that a command has. */
function zion(cwd: string, ...args: readonly string[]) {
  const { ZION_CONFIG: _, ...env } = process.env;
  const child = spawnSync(process.execPath, [program, ...args], {
    cwd,
    env,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

test("init writes a config that checks clean, inspects in shadow and tells editors its schema", () => {
  const cwd = folder();
  const { code, out } = zion(
    cwd,
    "init",
    "--upstream",
    "http://127.0.0.1:9000",
    "--host",
    "shop.example.org",
  );
  assert.equal(code, 0);
  assert.match(out, /next: zion check -c zion\.toml\n {6}zion run -c zion\.toml\n$/);
  const text = readFileSync(join(cwd, "zion.toml"), "utf8");
  assert.ok(text.split("\n").length <= 60);
  assert.match(text, /^#:schema \.\/zion\.schema\.json\n/);
  assert.match(text, /waf_shadow = true/);
  assert.match(text, /hosts = \["shop\.example\.org"\]/);
  assert.equal(statSync(join(cwd, "tls/key.pem")).mode & 0o777, 0o600);
  JSON.parse(readFileSync(join(cwd, "zion.schema.json"), "utf8"));
  const check = zion(cwd, "check");
  assert.deepEqual(
    { code: check.code, out: check.out },
    { code: 0, out: "./zion.toml: ok, 1 route, 1 upstream\n" },
  );
});

test("init overwrites nothing, and writes nothing for options that make no config", () => {
  const cwd = folder();
  writeFileSync(join(cwd, "zion.schema.json"), "mine");
  const present = zion(cwd, "init");
  assert.equal(present.code, 1);
  assert.match(present.err, /zion\.schema\.json is there already; nothing was written/);
  assert.throws(() => statSync(join(cwd, "zion.toml")));
  const wrong = zion(cwd, "init", "other", "--upstream", 'ftp://x"\n[admin]');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /Z1105/);
  assert.throws(() => statSync(join(cwd, "other")));
});

test("init without TLS needs no certificate", () => {
  const cwd = folder();
  assert.equal(zion(cwd, "init", "--tls", "none").code, 0);
  assert.throws(() => statSync(join(cwd, "tls")));
  assert.equal(zion(cwd, "check").code, 0);
});

test("check --fix writes the names that were meant, keeps the file's mode, and checks what is there then", () => {
  const cwd = folder();
  const file = join(cwd, "zion.toml");
  writeFileSync(file, minimal.replace("upstream = ", "upstreem = "));
  chmodSync(file, 0o640);
  const { code, out, err } = zion(cwd, "check", "--fix");
  assert.deepEqual(
    { code, out, err },
    {
      code: 0,
      out: "./zion.toml: ok, 1 route, 1 upstream\n",
      err: "./zion.toml:9: unknown key `upstreem` in [[route]]; now upstream\n",
    },
  );
  assert.equal(readFileSync(file, "utf8"), minimal);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.equal(zion(cwd, "check", "--fix", "-c", "-").code, 2);
});

test("check without --fix may not write at all", () => {
  const cwd = folder();
  const file = join(cwd, "zion.toml");
  const text = minimal.replace("upstream = ", "upstreem = ");
  writeFileSync(file, text);
  assert.equal(zion(cwd, "check").code, 1);
  assert.equal(readFileSync(file, "utf8"), text);
});

test("healthcheck says what the gateway's own readiness says", async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const cwd = folder();
  const file = join(cwd, "zion.toml");
  const gateway = await startGateway(
    t,
    `[server]
[upstream.app]
url = "http://127.0.0.1:${origin.port}"
[[route]]
path = "/{*rest}"
upstream = "app"
`,
  );
  writeFileSync(file, `${minimal}[telemetry]\nlisten = "0.0.0.0:${gateway.telemetryPort}"\n`);
  assert.equal(zion(cwd, "healthcheck").code, 0);
  gateway.signal("SIGTERM");
  await gateway.exited;
  const gone = zion(cwd, "healthcheck");
  assert.equal(gone.code, 3);
  assert.match(gone.err, /does not answer/);
});

const line = (shell: string, script: string): string =>
  ({
    bash: `source ${script}; at() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _zion; echo "\${COMPREPLY[*]}"; }
at zion che; at zion audit ver; at zion check --format ""`,
    zsh: `compdef() { }; compadd() { shift; print -- "$@"; }
_describe() { for one in "\${described[@]}"; do [[ "$one" == "$PREFIX"* ]] && print -- "\${one%%:*}"; done; true; }
source ${script}; at() { words=("$@"); CURRENT=$#; PREFIX="\${@[-1]}"; _zion; }
at zion che; at zion audit ver; at zion check --format ""`,
    fish: `source ${script}
for words in "zion che" "zion audit ver" "zion check --format "
  complete -C $words | string replace -r '\\t.*' '' | string join ' '
end`,
  })[shell]!;

for (const shell of ["bash", "zsh", "fish"]) {
  test(`completion knows commands, commands of commands and choices in ${shell}`, (t) => {
    if (!needs(t, shell, hasCommand(shell))) return;
    const script = join(directory, `completion.${shell}`);
    writeFileSync(script, zion(directory, "completion", shell).out);
    const flags = shell === "zsh" ? ["-f"] : shell === "fish" ? ["--no-config"] : ["--norc"];
    const child = spawnSync(shell, [...flags, "-c", line(shell, script)], {
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.equal(child.stderr, "");
    const [commands, ofAudit, formats] = child.stdout.trim().split("\n");
    assert.deepEqual([commands, ofAudit], ["check", "verify"]);
    assert.deepEqual(formats?.split(" ").sort(), ["github", "human", "json", "sarif"]);
  });
}
