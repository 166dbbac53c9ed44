import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { diskAccess } from "../../src/config/files.ts";
import { stateDirProblem } from "../../src/config/state-directory.ts";
import { StateLock } from "../../src/control/state-lock.ts";
import { codesAt, minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";

test("check and start agree about a state directory", async () => {
  const directory = newDirectory("state");
  const at = (name: string) => join(directory, name);
  for (const [name, mode] of [
    ["closed", 0o700],
    ["open", 0o755],
    ["group", 0o750],
  ] as const) {
    mkdirSync(at(name));
    chmodSync(at(name), mode);
  }
  writeFileSync(at("file"), "");
  symlinkSync(at("closed"), at("link"));

  const verdicts: [string, readonly string[], boolean][] = [];
  for (const name of ["closed", "absent", "open", "group", "file", "link"]) {
    const toml = minimal.replace("[server]", `[server]\nstate_dir = ${JSON.stringify(at(name))}`);
    const found = codesAt(toml, { file: join(directory, "zion.toml"), ...diskAccess() });
    const started = await StateLock.open(at(name), (socket) => void socket.destroy()).then(
      (lock) => {
        lock.close();
        return true;
      },
      () => false,
    );
    verdicts.push([name, found, started]);
  }
  assert.deepEqual(verdicts, [
    ["closed", [], true],
    ["absent", [], true],
    ["open", ["Z1316 2:13"], false],
    ["group", ["Z1316 2:13"], false],
    ["file", ["Z1316 2:13"], false],
    ["link", ["Z1316 2:13"], false],
  ]);
});

test("a state directory of another user is refused", () => {
  assert.equal(stateDirProblem("/s", { mode: 0o040700, uid: 7 }, 7), undefined);
  assert.match(stateDirProblem("/s", { mode: 0o040700, uid: 7 }, 8) ?? "", /belongs to user 7, not 8/);
});
