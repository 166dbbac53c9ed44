import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parseCheckpoint } from "../../src/audit/checkpoint.ts";
import { fileDisk } from "../../src/audit/file-disk.ts";
import { isIncluded } from "../../src/audit/proof.ts";
import { leafHash } from "../../src/audit/tree.ts";
import { newDirectory } from "../support/directory.ts";
import { eventAt, openLog, otherKey, rootKey, signerOf, sourceAt, testClock } from "./test-log.ts";

const zion = path.resolve(import.meta.dirname, "../../bin/zion.js");
const folder = newDirectory("audit-cli");

const directory = mkdtempSync(path.join(folder, "log-"));
const keyFile = path.join(folder, "key");
const otherKeyFile = path.join(folder, "other");
const anchorFile = path.join(folder, "anchor.notes");
const { journal, anchors } = openLog(fileDisk(directory), {
  clock: testClock(),
  settings: { segmentBytesMax: 5000 },
});
for (let n = 1; n <= 30; n++) {
  journal.event(eventAt(n), sourceAt(n));
  journal.commit();
}
journal.close();
writeFileSync(keyFile, Buffer.alloc(32, 1));
writeFileSync(otherKeyFile, Buffer.alloc(32, 2));
writeFileSync(anchorFile, anchors.at(-1)!);
assert.notEqual(rootKey, otherKey);

function run(...args: string[]): {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [zion, "audit", ...args], {
    encoding: "utf8",
  });
  return { code: status, out: stdout, err: stderr };
}

test("verify says what it checked, and its exit code is the answer", () => {
  const good = run("verify", "-d", directory, "--key", keyFile, "--anchor", anchorFile);
  assert.equal(good.code, 0, good.out + good.err);
  assert.match(good.out, new RegExp(`${journal.size} records in \\d+ segments`));
  assert.match(good.out, new RegExp(`${journal.size} MACs right`));
  const json = run("verify", "-d", directory, "--key", keyFile, "--json");
  assert.equal((JSON.parse(json.out) as { exit_code: number }).exit_code, 0);
  const wrong = run("verify", "-d", directory, "--key", otherKeyFile);
  assert.equal(wrong.code, 6);
  assert.match(wrong.out, /WRONG KEY: records 0 to/);
});

test("verify needs neither key nor gateway, and says what it could not see", () => {
  const { code, out } = run("verify", "-d", directory);
  assert.equal(code, 0);
  assert.match(out, /MACs not checked: no key/);
  assert.match(out, /no policy/);
});

test("what cannot be asked is 1, wrong usage is 2 like everywhere", () => {
  assert.equal(run("verify", "-d", path.join(folder, "none")).code, 1);
  assert.equal(run("verify", "-d", directory, "--key", path.join(folder, "none")).code, 1);
  assert.equal(run("verify").code, 2);
});

test("a policy that is printed verifies its own log", () => {
  const { out } = run("policy", "-d", directory);
  const policyFile = path.join(folder, "policy.json");
  writeFileSync(policyFile, out);
  assert.equal(run("verify", "-d", directory, "--policy", policyFile, "--key", keyFile).code, 0);
  writeFileSync(policyFile, out.replace(signerOf(rootKey).vkey, signerOf(otherKey).vkey));
  assert.equal(run("verify", "-d", directory, "--policy", policyFile, "--key", keyFile).code, 6);
});

test("prove gives a proof that anybody can check, consistency another", () => {
  const { code, out } = run("prove", "5", "-d", directory);
  assert.equal(code, 0);
  const proof = JSON.parse(out) as { index: number; record: string; proof: string[]; checkpoint: string };
  const head = parseCheckpoint(proof.checkpoint.slice(0, proof.checkpoint.lastIndexOf("\n\n") + 1))!;
  const hashes = proof.proof.map((text) => Buffer.from(text, "base64"));
  assert.ok(isIncluded(5, head.size, leafHash(Buffer.from(proof.record)), hashes, head.root));
  assert.equal(run("consistency", "7", String(head.size), "-d", directory).code, 0);
  assert.equal(run("prove", "5000", "-d", directory).code, 1);
});

test("export and tail print records as they stand", () => {
  const { out } = run("export", "-d", directory, "--kind", "request_blocked", "--from", "0", "--to", "10");
  const records = out.trim().split("\n");
  assert.ok(records.length > 3 && records.every((line) => line.includes('"kind":"request_blocked"')));
  const all = readdirSync(directory)
    .filter((name) => name.endsWith(".ndjson"))
    .map((name) => readFileSync(path.join(directory, name), "latin1"))
    .join("");
  for (const line of records) assert.ok(all.includes(`${line}\n`));
  assert.equal(run("tail", "-d", directory, "-n", "3").out.trim().split("\n").length, 3);
});

test("witness, gateway's client and verify work together over HTTP", async () => {
  const home = path.join(folder, "witness");
  const args = [
    "audit",
    "witness",
    "-d",
    home,
    "--name",
    "witness.example/w1",
    "--log",
    signerOf(rootKey).vkey,
    "--port",
    "0",
  ];
  const child = spawn(process.execPath, [zion, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the witness ended with ${code}`)));
      let text = "";
      child.stdout.on("data", (bytes: Buffer) => {
        text += bytes.toString();
        const found = /listening on (\S+)\n/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const answer = await fetch(`${url}/add-checkpoint`, {
      method: "POST",
      body: `old 0\n\n${anchors.at(-1)}`,
    });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /^— witness\.example\/w1 /);
    const late = await fetch(`${url}/add-checkpoint`, { method: "POST", body: `old 0\n\n${anchors.at(-1)}` });
    assert.equal(late.status, 409);
    assert.equal(late.headers.get("content-type"), "text/x.tlog.size");
    assert.equal(run("verify", "-d", directory, "--key", keyFile, "--witness", url).code, 0);
    const second = run("witness", "-d", home, "--name", "w", "--log", signerOf(rootKey).vkey, "--port", "0");
    assert.equal(second.code, 1);
    assert.match(second.err, /another process uses it/);
  } finally {
    child.kill("SIGTERM");
    if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
  }
  assert.ok(execFileSync("ls", ["-l", home], { encoding: "utf8" }).includes("-rw-------"));
});
