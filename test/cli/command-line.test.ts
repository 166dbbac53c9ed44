import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const directory = newDirectory("cli");

const good = join(directory, "good.toml");
const bad = join(directory, "bad.toml");
writeFileSync(good, minimal);
writeFileSync(bad, minimal.replace("upstream = ", "upstreem = "));

interface Settings {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly flags?: readonly string[];
}

function zion(args: readonly string[], { input = "", env = {}, cwd = directory, flags = [] }: Settings = {}) {
  const { ZION_CONFIG: _, NO_COLOR: __, FORCE_COLOR: ___, NODE_OPTIONS: ____, ...rest } = process.env;
  const child = spawnSync(process.execPath, [...flags, main, ...args], {
    input,
    cwd,
    env: { ...rest, ...env },
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

test("check says that a good file is good: exit 0, result on standard output", () => {
  assert.deepEqual(zion(["check", "-c", good]), {
    code: 0,
    out: `${good}: ok, 1 route, 1 upstream\n`,
    err: "",
  });
});

test("check answers no with exit 1 and points at the problem", () => {
  const { code, out, err } = zion(["check", "-c", bad]);
  assert.equal(code, 1);
  assert.match(out, /^error\[Z1042\]: unknown key `upstreem` in \[\[route\]\]\n {2}┌─ .*bad\.toml:9:1\n/);
  assert.match(out, /1 error in .*bad\.toml\n$/);
  assert.equal(err, "");
});

for (const format of ["json", "github", "sarif"]) {
  test(`check prints ${format} on standard output, for programs`, () => {
    const { code, out, err } = zion(["check", "-c", bad, "--format", format]);
    assert.equal(code, 1);
    assert.match(out, /Z1042/);
    assert.equal(err, "");
    if (format !== "github") JSON.parse(out);
  });
}

test("check reads standard input", () => {
  assert.deepEqual(zion(["check", "-c", "-"], { input: minimal }), {
    code: 0,
    out: "<stdin>: ok, 1 route, 1 upstream\n",
    err: "",
  });
  assert.match(zion(["check", "-c", "-"], { input: "x" }).out, /┌─ <stdin>:1:/);
});

test("check cannot ask about a file that is not there: exit 3", () => {
  const { code, out, err } = zion(["check", "-c", "/nope/zion.toml"]);
  assert.deepEqual(
    { code, out, err },
    { code: 3, out: "", err: "error[Z1001]: cannot read /nope/zion.toml: it does not exist\n" },
  );
});

test("a config is found by $ZION_CONFIG, then in the working directory; a named one is never replaced", () => {
  const place = join(directory, "cwd");
  mkdirSync(place);
  writeFileSync(join(place, "zion.toml"), minimal);
  assert.match(zion(["check"], { cwd: place }).out, /^\.\/zion\.toml: ok/);
  assert.match(zion(["check"], { cwd: place, env: { ZION_CONFIG: bad } }).out, /bad\.toml/);
  assert.equal(zion(["check"], { cwd: place, env: { ZION_CONFIG: "/nope" } }).code, 3);
  assert.equal(zion(["check", "-c", good], { cwd: place, env: { ZION_CONFIG: bad } }).code, 0);
});

test("check changes nothing, starts nothing and opens no socket", () => {
  // The permission model refuses writes, children and threads; the hook refuses the network.
  const hook = `import net from "node:net"; import dgram from "node:dgram"; import dns from "node:dns";
    const refuse = () => { process.stderr.write("NETWORK"); process.exit(99); };
    net.Server.prototype.listen = net.Socket.prototype.connect = refuse;
    dgram.createSocket = dns.lookup = dns.promises.lookup = refuse;`;
  const before = readdirSync(directory).sort();
  const toml =
    `${minimal.replace("127.0.0.1:3000", "host.invalid:1")}[access_log]\npath = "made.log"\n`.replace(
      "[upstream",
      'state_dir = "made"\n[upstream',
    );
  const flags = [
    "--permission",
    "--allow-fs-read=*",
    "--import",
    `data:text/javascript,${encodeURIComponent(hook)}`,
  ];
  const { code, out, err } = zion(["check", "-c", "-"], { input: toml, flags });
  assert.deepEqual(
    { code, err: err.replace(/^.*SecurityWarning.*\n(.*trace-warnings.*\n)?/gm, "") },
    { code: 0, err: "" },
    out,
  );
  assert.deepEqual(readdirSync(directory).sort(), before);
});

test("run refuses a bad config, and one that is not there, with exit 78", () => {
  const refused = zion(["run", "-c", bad]);
  assert.equal(refused.code, 78);
  assert.match(refused.err, /error\[Z1042\]/);
  assert.equal(zion(["run", "-c", "/nope/zion.toml"]).code, 78);
  assert.equal(zion(["run"], { env: { ZION_CONFIG: "/nope/zion.toml" } }).code, 78);
});

test("wrong usage is exit 2 with a hint, on standard error", () => {
  const cases: readonly (readonly [args: readonly string[], hint: RegExp])[] = [
    [[], /Usage: zion/],
    [["chek"], /Did you mean check\?/],
    [["check", "--formt", "json"], /Did you mean --format\?/],
    [["check", "--format", "xml"], /Allowed choices are human, json, github, sarif/],
    [["check", "stray"], /too many arguments/],
    [["check", "-c"], /argument missing/],
    [["explain"], /give a request, or a code/],
    [["explain", "Z1043x"], /Did you mean Z1043\?/],
  ];
  for (const [args, hint] of cases) {
    const { code, out, err } = zion(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(out, "", args.join(" "));
    assert.match(err, hint);
  }
});

test("help on request is a result: exit 0, standard output", () => {
  for (const args of [["--help"], ["help"], ["check", "--help"], ["help", "check"]]) {
    const { code, out, err } = zion(args);
    assert.deepEqual([code, err], [0, ""], args.join(" "));
    assert.match(out, /^Usage: zion/);
  }
});

test("explain prints the page of a code, however it is written", () => {
  const { code, out } = zion(["explain", "Z1210"]);
  assert.equal(code, 0);
  assert.match(out, /^Z1210 \(error\): reference to something that is not defined\n/);
  assert.equal(zion(["explain", "1210"]).out, out);
});

test("version names zion, Node and OpenSSL", () => {
  const { code, out } = zion(["version"]);
  assert.equal(code, 0);
  assert.match(out, /^zion \d+\.\d+\.\d+ {2}node v\d+\.\d+\.\d+ {2}openssl \d+\.\d+\.\d+ {2}\w+\/\w+\n$/);
  assert.ok(out.startsWith(`zion ${zion(["--version"]).out.trim()} `));
});

test("colours come only to a terminal or when asked for", () => {
  assert.ok(!zion(["check", "-c", bad]).out.includes("\x1b"));
  assert.ok(zion(["--color", "always", "check", "-c", bad]).out.includes("\x1b[1;31m"));
  assert.ok(!zion(["--color", "never", "check", "-c", bad]).out.includes("\x1b"));
});

test("rules list says one line per shipped rule, rules test runs their examples", () => {
  const listed = zion(["rules", "list"]);
  assert.equal(listed.code, 0);
  const lines = listed.out.trimEnd().split("\n").length;
  assert.ok(lines > 50, listed.out);
  const tested = zion(["rules", "test"]);
  assert.equal(tested.code, 0, tested.out);
  assert.match(tested.out, new RegExp(`^${lines} rules, \\d{3,} examples, 0 failed\\n$`));
});

test("rules test refuses a directory without rule files", () => {
  const empty = join(directory, "no-rules");
  mkdirSync(empty);
  assert.deepEqual(zion(["rules", "test", "--rules", empty]), {
    code: 3,
    out: "",
    err: `error: there are no rule files (*.toml) in ${empty}\n`,
  });
});
