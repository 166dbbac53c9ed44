import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { filesAt, includeWithin, readText } from "../../src/cli/import-files.ts";
import { newDirectory } from "../support/directory.ts";

const root = path.resolve(import.meta.dirname, "../..");
const folder = newDirectory("import-cli");

/** As `npx zion` starts it: with the permissions that the command has. */
function zion(args: readonly string[], input = "") {
  const child = spawnSync(process.execPath, [path.join(root, "bin/zion.js"), ...args], {
    input,
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

const conf =
  "events {} http { server { listen 80; location / { proxy_pass http://127.0.0.1:3000; } gunzip on; } }";

function written(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

test("import prints the new file, and says on standard error what became of the old one: exit 0", () => {
  const { code, out, err } = zion(["import", "nginx", written("plain/nginx.conf", conf)]);
  assert.equal(code, 0, err);
  assert.match(out, /^# Imported from nginx\./);
  assert.match(
    err,
    /^nginx → 1 routes, 1 upstreams\n translated +6 {3}.*\n differs +0\n needs you +1 {3}gunzip\n refused +0\n$/,
  );
  // No line is written over off a terminal.
  assert.ok(!err.includes("\r") && !err.includes("\x1b"));
});

test("import writes the new file and its report, and writes over nothing unless it is told to", () => {
  const source = written("written/nginx.conf", conf);
  const target = path.join(folder, "written/zion.toml");
  const first = zion(["import", "nginx", source, "-o", target]);
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /wrote .*zion\.toml and .*import-report\.md\n$/);
  assert.match(readFileSync(path.join(folder, "written/import-report.md"), "utf8"), /^# Import from nginx$/m);
  assert.equal(zion(["check", "-c", target]).code, 0);
  writeFileSync(target, "# mine\n");
  const second = zion(["import", "nginx", source, "-o", target]);
  assert.equal(second.code, 1);
  assert.match(second.err, /exists already/);
  assert.equal(readFileSync(target, "utf8"), "# mine\n");
  assert.equal(zion(["import", "nginx", source, "-o", target, "--force", "--report", "json"]).code, 0);
  const report = JSON.parse(readFileSync(path.join(folder, "written/import-report.json"), "utf8")) as {
    readonly format_version: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly items: readonly { readonly verdict: string }[];
  };
  assert.equal(report.format_version, "1.0");
  assert.equal(
    report.items.length,
    Object.values(report.counts).reduce((sum, count) => sum + count, 0),
  );
});

test("--report without a file prints the report instead, of standard input too", () => {
  const { out } = zion(["import", "nginx", "-", "--report", "json"], conf);
  assert.equal((JSON.parse(out) as { readonly source: string }).source, "nginx");
});

test("certificates that are not on this machine are said, and are no failure", () => {
  const tls = `events {} http { server { listen 443 ssl; ssl_certificate /nope/a.crt; ssl_certificate_key /nope/a.key;
    location / { proxy_pass http://127.0.0.1:3000; } } }`;
  const { code, err } = zion(["import", "nginx", "-"], tls);
  assert.equal(code, 0);
  assert.match(err, /^to do: .*\/nope\/a\.crt: it does not exist$/m);
});

test("a file that cannot be understood is exit 1 with its line, one that cannot be read exit 3, wrong usage 2", () => {
  const broken = zion(["import", "nginx", "-"], "http {\n server {");
  assert.equal(broken.code, 1);
  assert.match(broken.err, /^<stdin>:\d: this block is never closed$/m);
  assert.equal(zion(["import", "nginx", "/nope/nginx.conf"]).code, 3);
  assert.equal(zion(["import", "apache", "-"]).code, 2);
  assert.equal(zion(["import", "nginx"]).code, 2);
});

test("a directory is read whole, in the order of its names", () => {
  for (const name of ["objects/b.yaml", "objects/deep/a.yml", "objects/readme.txt"]) written(name, "");
  const found = filesAt(path.join(folder, "objects"), [".yaml", ".yml"]);
  assert.deepEqual(
    found.map((file) => path.relative(folder, file)),
    ["objects/b.yaml", "objects/deep/a.yml"],
  );
  assert.deepEqual(filesAt("-", [".yaml"]), ["-"]);
});

test("a file of many objects is read, where a configuration of ours would be too large", () => {
  const large = written("large/objects.yaml", `# ${"x".repeat(3 * 2 ** 20)}\n`);
  assert.equal(readText(large).length, 3 * 2 ** 20 + 3);
});

test("includes stay below the file's directory, whatever they say", () => {
  written("secret.conf", "");
  written("inside/snippets/ok.conf", "a b;");
  symlinkSync(path.join(folder, "secret.conf"), path.join(folder, "inside/link.conf"));
  const include = includeWithin(written("inside/nginx.conf", conf));
  const outside = [
    "../secret.conf",
    path.join(folder, "secret.conf"),
    "link.conf",
    "snippets/../../*.conf",
    "/etc/passwd",
  ];
  for (const pattern of [...outside, "gone.conf"])
    assert.match(String(include(pattern)), /^not read: /, pattern);
  const inside = [
    "snippets/ok.conf",
    "/etc/nginx/snippets/*.conf",
    path.join(folder, "inside/snippets/ok.conf"),
  ];
  for (const pattern of inside)
    assert.deepEqual(include(pattern), [{ file: "snippets/ok.conf", text: "a b;" }], pattern);
  assert.deepEqual(include("nothing/*.conf"), []);
  assert.match(String(includeWithin("-")("a.conf")), /^not read: /);
});
