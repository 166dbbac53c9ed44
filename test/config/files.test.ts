import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { diskAccess, readProblem } from "../../src/config/files.ts";
import { newDirectory } from "../support/directory.ts";

const directory = newDirectory("files");
const { readFile } = diskAccess();

function problemOf(path: string): string {
  try {
    readFile(path);
    return "none";
  } catch (error) {
    return readProblem(error);
  }
}

test("reads a regular file", () => {
  const file = join(directory, "a.pem");
  writeFileSync(file, "text");
  assert.equal(Buffer.from(readFile(file)).toString(), "text");
});

test("refuses what is not a regular file, without waiting for it", () => {
  const fifo = join(directory, "fifo");
  const loop = join(directory, "loop");
  symlinkSync(loop, loop);
  assert.equal(problemOf(directory), "it is a directory");
  assert.equal(problemOf("/dev/zero"), "it is not a regular file");
  assert.equal(problemOf(loop), "it is a loop of symbolic links");
  assert.equal(problemOf(join(directory, "none")), "it does not exist");
  if (spawnSync("mkfifo", [fifo]).status === 0) assert.equal(problemOf(fifo), "it is not a regular file");
});

test("refuses a file of more than 1 MiB", () => {
  const file = join(directory, "big");
  writeFileSync(file, Buffer.alloc(1_048_577));
  assert.equal(problemOf(file), "it is larger than 1 MiB");
  writeFileSync(file, Buffer.alloc(1_048_576));
  assert.equal(readFile(file).length, 1_048_576);
});

test("reads to the end what says that it is smaller", () => {
  // A file of /proc says that it is empty.
  const modules = readFileSync("/proc/self/smaps");
  const read = Buffer.from(readFile("/proc/self/smaps"));
  assert.ok(modules.length > 20_000 && read.length > 20_000, `${modules.length} and ${read.length} bytes`);
  assert.match(read.toString("utf8", read.length - 200), /VmFlags:.*\n$/);
});

test("many small files take no room for large ones", () => {
  const files = Array.from({ length: 30 }, (_, i) => join(directory, `small-${i}`));
  for (const file of files) writeFileSync(file, file);
  const held = files.map((file) => readFile(file) as Uint8Array);
  const bytes = held.reduce((sum, one) => sum + one.buffer.byteLength, 0);
  assert.deepEqual(
    held.map((one) => Buffer.from(one).toString()),
    files,
  );
  assert.ok(bytes < 1_048_576, `${bytes} bytes held`);
});
