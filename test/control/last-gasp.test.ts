import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { lastGaspLine } from "../../src/control/last-gasp.ts";
import { newDirectory } from "../support/directory.ts";

test("a last gasp is one line of JSON of at most 4 KiB, whatever was thrown", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 9000, unit: "binary" }), fc.anything()), (thrown) => {
      const cause = typeof thrown === "string" ? Object.assign(new Error(), { stack: thrown }) : thrown;
      const line = lastGaspLine("worker 1", "uncaughtException", cause, 0);
      assert.ok(Buffer.byteLength(line) <= 4096);
      assert.equal(line.indexOf("\n"), line.length - 1);
      assert.equal(JSON.parse(line)["event.name"], "zion.panic");
    }),
  );
});

test("a last gasp holds no character that could forge a line or hide text", () => {
  const line = lastGaspLine("a\n{}\r\u0085\u2028\u202e\u001b[2J\u009bz\u2066", "uncaughtException", "", 0);
  assert.doesNotMatch(line.slice(0, -1), /[^\x20-\x7e]/);
  assert.match(JSON.parse(line).process, /z\u2066$/);
});

const module = JSON.stringify(new URL("../../src/control/last-gasp.ts", import.meta.url).href);

/** Runs a process that has the last gasp installed and then does `code`. */
function dying(code: string): {
  readonly status: number | null;
  readonly stderr: string;
  readonly file: string;
} {
  const directory = newDirectory("gasp");
  const path = join(directory, "last_panic.jsonl");
  const setup = `
    const { openSync } = await import("node:fs");
    const { installLastGasp } = await import(${module});
    const file = openSync(${JSON.stringify(path)}, "a");
    installLastGasp({ role: "worker 7", fileDescriptor: () => file });`;
  const args = ["--unhandled-rejections=strict", "--input-type=module", "-e", `${setup}\n${code}`];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const file = readFileSync(path, "utf8");
  return { status, stderr, file };
}

for (const [what, code] of [
  ["an exception nobody caught", `setTimeout(() => { throw new Error("a bug") }, 1)`],
  ["a rejection nobody handled", `Promise.reject(new Error("a bug"))`],
] as const) {
  test(`${what} ends the process with code 70 and one record on standard error and in the file`, () => {
    const { status, stderr, file } = dying(code);
    assert.equal(status, 70);
    assert.equal(stderr, file);
    const record = JSON.parse(stderr);
    assert.equal(record.process, "worker 7");
    assert.deepEqual([record.error, record.msg], ["Error", "withheld"]);
    assert.match(record.location, /:\d+:\d+\)?$/);
  });
}

const secret = "CANARY-7f3a";
const quoting: readonly (readonly [string, () => unknown])[] = [
  ["JSON.parse quotes its input", () => JSON.parse(`{"password": ${secret}`)],
  ["an own error quotes what it was given", () => assert.fail(secret)],
  [
    "a library's error has more than a text",
    () => raise(Object.assign(new Error(secret), { input: secret })),
  ],
  [
    "its name is a client's",
    () => raise(Object.assign(new Error(""), { name: `x ${secret}`, code: `y ${secret}` })),
  ],
  ["a property that a client named is read", () => (undefined as unknown as Record<string, string>)[secret]],
  ["quotation marks are quoted", () => (undefined as unknown as Record<string, string>)[`'"\`${secret}'x`]],
  ["a URL is not valid", () => new URL(`http://${secret}:x`)],
  ["a value is not of its type", () => Buffer.from(secret, secret as "hex")],
  ["a text is no number", () => BigInt(secret)],
  ["a text is thrown", () => raise(secret)],
  ["a message looks like a call", () => raise(new Error(`x\n    at ${secret} (${secret}:1:1)`))],
  [
    "a message that looks like a call was changed later",
    () => raise(Object.assign(new Error(`x\n    at ${secret} (${secret}:1:1)\n${secret}`), { message: "y" })),
  ],
  [
    "a field is a getter",
    () => raise(Object.defineProperty(new Error(), "stack", { get: () => raise(secret) })),
  ],
];
for (const [when, fail] of quoting) {
  test(`a last gasp has nothing of a request when ${when}`, () => {
    let cause: unknown;
    try {
      fail();
    } catch (thrown) {
      cause = thrown;
    }
    assert.notEqual(cause, undefined);
    assert.doesNotMatch(lastGaspLine("worker 1", "uncaughtException", cause, 0), new RegExp(secret));
  });
}

test("a last gasp says what kind of error it was, and where", () => {
  let cause: unknown;
  try {
    (undefined as unknown as { length: number }).length.toFixed();
  } catch (thrown) {
    cause = thrown;
  }
  const record = JSON.parse(lastGaspLine("worker 1", "uncaughtException", cause, 0));
  assert.deepEqual(
    [record.error, record.msg],
    ["TypeError", "Cannot read properties of undefined (reading …)"],
  );
  assert.match(record.location, /last-gasp\.test\.ts:\d+:\d+/);
  assert.equal(record.stack[0], record.location);
});

function raise(cause: unknown): never {
  throw cause;
}
