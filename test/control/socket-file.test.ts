import assert from "node:assert/strict";
import { existsSync, lstatSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openControlListener, text } from "../../src/control/control-listener.ts";
import { newDirectory } from "../support/directory.ts";

function place(): string {
  const directory = newDirectory("socket");
  return join(directory, "admin.sock");
}

async function open(t: TestContext, path: string, name = "admin") {
  const listener = await openControlListener({
    name,
    address: { path },
    takesBodies: true,
    handle: () => text(200, name),
    onAnswer: () => {},
  });
  t.after(() => listener.close());
  return listener;
}

function get(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path: "/", agent: false }, (response) => {
      let body = "";
      response.on("data", (part) => {
        body += part;
      });
      response.on("end", () => resolve(body.trim()));
    });
    request.on("error", reject);
  });
}

test("a socket is its owner's alone from the first moment, and goes with its listener", async (t) => {
  const path = place();
  const before = process.umask();
  const listener = await open(t, path);
  assert.equal(process.umask(), before);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(await get(path), "admin");
  assert.deepEqual(readdirSync(join(path, "..")), ["admin.sock"]);
  listener.close();
  assert.equal(existsSync(path), false);
});

test("a socket that nobody answers on is replaced", async (t) => {
  const path = place();
  const dead = net.createServer();
  await new Promise<void>((resolve) => dead.listen(`${path}.old`, resolve));
  renameSync(`${path}.old`, path);
  // Node removes the name that it bound, which the file no longer has.
  await new Promise((resolve) => dead.close(resolve));
  assert.ok(lstatSync(path).isSocket());
  await open(t, path);
  assert.equal(await get(path), "admin");
});

test("a socket that somebody answers on stays theirs", async (t) => {
  const path = place();
  await open(t, path, "first");
  await assert.rejects(open(t, path, "second"), /another process, perhaps another zion, listens there/);
  assert.equal(await get(path), "first");
});

test("a file that is no socket stays what it is", async (t) => {
  const path = place();
  writeFileSync(path, "precious");
  await assert.rejects(open(t, path), /a file that is no socket/);
  assert.ok(lstatSync(path).isFile());
});

test("a directory that is not there is said", async (t) => {
  await assert.rejects(
    open(t, join(place(), "admin.sock")),
    /cannot listen on unix:.*\((ENOTDIR|ENOENT|EACCES)\)/,
  );
});

test("a listener that closes leaves the socket of the one that replaced it", async (t) => {
  const path = place();
  const first = await open(t, path, "first");
  first.release();
  await open(t, path, "second");
  first.close();
  assert.equal(await get(path), "second");
});
