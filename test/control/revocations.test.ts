import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { openRevocations, readRevocation } from "../../src/control/revocations.ts";
import { REVOKED_MAX } from "../../src/identity/revoked-tokens.ts";
import { newDirectory } from "../support/directory.ts";

const onLinux = { skip: process.platform === "linux" ? false : "limits the size of files by prlimit" };
const nowSecs = 1_800_000_000;

function start() {
  const directory = newDirectory("revoked");
  let secs = nowSecs;
  const clock = { nowMs: () => 0, wallMs: () => secs * 1000 };
  const open = (stateDir: string | undefined = directory) => {
    const found = openRevocations(stateDir, clock);
    assert.ok(!("problem" in found), JSON.stringify(found));
    return found;
  };
  return {
    file: join(directory, "revoked_tokens.jsonl"),
    directory,
    clock,
    open,
    pass: (more: number) => {
      secs += more;
    },
  };
}

test("what was taken back is taken back after a restart, and what was given back is not", () => {
  const run = start();
  const first = run.open();
  for (const jti of ["a", "b", 'c"\n', "ü"]) assert.equal(first.add({ jti, exp: nowSecs + 60 }), "added");
  assert.equal(first.remove("b"), "removed");
  assert.equal(first.remove("b"), "unknown");
  assert.deepEqual(run.open().list(), [
    { jti: "a", exp: nowSecs + 60 },
    { jti: 'c"\n', exp: nowSecs + 60 },
    { jti: "ü", exp: nowSecs + 60 },
  ]);
  assert.equal(statSync(run.file).mode & 0o777, 0o600);
});

test("a token is forgotten once it would have expired, with the largest leeway", () => {
  const run = start();
  const told: (readonly string[])[] = [];
  const list = run.open();
  list.listen((added, dropped) => told.push([`+${added}`, `-${dropped}`]));
  list.add({ jti: "a", exp: nowSecs + 60 });
  run.pass(360);
  list.prune();
  assert.deepEqual(list.list().length, 1);
  run.pass(1);
  list.prune();
  assert.deepEqual(
    [list.list(), told],
    [
      [],
      [
        ["+a", "-"],
        ["+", "-a"],
      ],
    ],
  );
  assert.deepEqual(run.open().list(), []);
});

test("a token that is taken back again stays on the list until the later of both ends", () => {
  const run = start();
  const list = run.open();
  list.add({ jti: "a", exp: nowSecs + 600 });
  assert.equal(list.add({ jti: "a", exp: nowSecs + 60 }), "added");
  run.pass(500);
  list.prune();
  assert.deepEqual(list.list(), [{ jti: "a", exp: nowSecs + 600 }]);
  assert.deepEqual(run.open().list(), list.list());
});

test("an end that is over is a slip: it would take nothing back, or let somebody in again", () => {
  const run = start();
  const list = run.open();
  list.add({ jti: "a", exp: nowSecs + 600 });
  for (const exp of [0, 1, nowSecs - 301]) assert.equal(list.add({ jti: "a", exp }), "over");
  assert.equal(list.add({ jti: "b", exp: nowSecs - 299 }), "added");
  assert.deepEqual(
    run
      .open()
      .list()
      .map(({ jti }) => jti),
    ["a", "b"],
  );
});

test("a line that a crash cut off is left out; any other damage stops the start", () => {
  const run = start();
  run.open().add({ jti: "a", exp: nowSecs + 60 });
  appendFileSync(run.file, '{"jti":"b","ex');
  assert.deepEqual(
    run
      .open()
      .list()
      .map(({ jti }) => jti),
    ["a"],
  );
  for (const line of ["{}", "x", '{"jti":"b","exp":"1"}', ""]) {
    writeFileSync(run.file, `{"jti":"a","exp":1900000000}\n${line}\n`);
    assert.match(JSON.stringify(openRevocations(run.directory, run.clock)), /line 2 is damaged/);
  }
});

test("without a directory the list lives as long as the process", () => {
  const run = start();
  const list = openRevocations(undefined, run.clock);
  assert.ok(!("problem" in list));
  assert.equal(list.add({ jti: "a", exp: nowSecs + 60 }), "added");
  assert.equal(list.list().length, 1);
});

test("what cannot be written is in force, and says so", () => {
  const run = start();
  const list = run.open();
  rmSync(run.directory, { recursive: true });
  assert.equal(list.add({ jti: "a", exp: nowSecs + 60 }), "not_written");
  assert.deepEqual(list.list().length, 1);
  assert.equal(list.remove("a"), "not_written");
  assert.deepEqual(list.list().length, 1);
  // For the end of the test.
  writeFileSync(run.directory, "");
  chmodSync(run.directory, 0o600);
});

test("half a line that a full disk took does not become part of the next", onLinux, (t) => {
  const run = start();
  const list = run.open();
  assert.equal(list.add({ jti: "a", exp: nowSecs + 60 }), "added");
  // Room for ten bytes more, and no signal for what has none.
  const ignore = () => {};
  process.on("SIGXFSZ", ignore);
  t.after(() => process.off("SIGXFSZ", ignore));
  limitFiles(String(statSync(run.file).size + 10));
  assert.equal(list.add({ jti: "b", exp: nowSecs + 60 }), "not_written");
  limitFiles("unlimited");
  assert.equal(list.add({ jti: "c", exp: nowSecs + 60 }), "added");
  assert.deepEqual(
    run
      .open()
      .list()
      .map(({ jti }) => jti),
    ["a", "b", "c"],
  );
});

function limitFiles(bytes: string): void {
  execFileSync("prlimit", [`--pid=${process.pid}`, `--fsize=${bytes}:unlimited`]);
}

test("the list has an end, and says when it is full", () => {
  const run = start();
  const lines = Array.from({ length: REVOKED_MAX }, (_none, i) => `{"jti":"${i}","exp":${nowSecs + 60}}\n`);
  writeFileSync(run.file, lines.join(""));
  const list = run.open();
  assert.equal(list.add({ jti: "one more", exp: nowSecs + 60 }), "full");
  assert.equal(list.add({ jti: "7", exp: nowSecs + 90 }), "added");
  run.pass(400);
  assert.equal(list.add({ jti: "one more", exp: nowSecs + 500 }), "added");
  assert.equal(list.list().length, 1);
  // Written anew, without what has expired.
  assert.equal(readFileSync(run.file, "utf8"), `{"jti":"one more","exp":${nowSecs + 500}}\n`);
});

test("a successor takes up what its predecessor wrote after it had read", () => {
  const run = start();
  const old = run.open();
  old.add({ jti: "a", exp: nowSecs + 60 });
  old.add({ jti: "b", exp: nowSecs + 60 });
  const next = run.open();
  old.add({ jti: "c", exp: nowSecs + 60 });
  old.remove("a");
  const told: (readonly string[])[] = [];
  next.listen((added, dropped) => told.push([...added, "-", ...dropped]));
  next.catchUp();
  assert.deepEqual([next.list().map(({ jti }) => jti), told], [["b", "c"], [["c", "-", "a"]]]);
});

test("any list of changes is the same after a restart", () => {
  const change = fc.record({
    jti: fc.string({ minLength: 1, maxLength: 3, unit: "binary" }),
    isAdded: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const run = start();
      const list = run.open();
      for (const { jti, isAdded } of changes)
        if (isAdded) list.add({ jti, exp: nowSecs + 60 });
        else list.remove(jti);
      assert.deepEqual(
        new Set(
          run
            .open()
            .list()
            .map(({ jti }) => jti),
        ),
        new Set(list.list().map(({ jti }) => jti)),
      );
    }),
    { numRuns: 30 },
  );
});

test("what is no revocation is refused in words", () => {
  for (const value of [
    null,
    [],
    {},
    { jti: "a" },
    { jti: "", exp: 1 },
    { jti: "a".repeat(257), exp: 1 },
    { jti: 1, exp: 1 },
    { jti: "a", exp: -1 },
    { jti: "a", exp: Number.NaN },
    { jti: "a", exp: 1e300 },
    { jti: "a", exp: "1" },
  ])
    assert.equal(typeof readRevocation(value), "string", JSON.stringify(value));
});
