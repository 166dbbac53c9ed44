import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { config, launcher, startGateway, startUpstream } from "../control/gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc and needs reusePort" };
const token = "0123456789abcdef0123456789abcdef";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function start(t: TestContext) {
  const upstream = await startUpstream(t);
  const text = (maxHeaders: number) =>
    config(upstream.port, ["workers = 1", `max_headers = ${maxHeaders}`]).replace(
      '[admin]\nlisten = "127.0.0.1:0"',
      '[admin]\nlisten = "127.0.0.1:0"\nwrite_token_env = "ZION_TEST_TOKEN"',
    );
  const gateway = await startGateway(t, { toml: text(64), environment: { ZION_TEST_TOKEN: token } });
  const zion = (args: readonly string[], environment: NodeJS.ProcessEnv = { ZION_TEST_TOKEN: token }) =>
    new Promise<Outcome>((resolve) => {
      const all = [...args, "--admin", `127.0.0.1:${gateway.adminPort}`];
      const env = { ...process.env, ZION_TEST_TOKEN: undefined, ...environment };
      execFile(process.execPath, [launcher, ...all], { env }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), out, err }),
      );
    });
  const file = join(gateway.directory, "zion.toml");
  return { gateway, text, zion, file };
}

test(
  "reload --wait says which generation is in force; rollback puts an earlier one back",
  onLinux,
  async (t) => {
    const { zion, file } = await start(t);
    assert.deepEqual(await zion(["reload", "--wait", "-c", file]), {
      code: 0,
      out: "generation 2 is in force\n",
      err: "",
    });
    assert.deepEqual(await zion(["rollback", "1", "-c", file]), {
      code: 0,
      out: "generation 3 is in force\n",
      err: "",
    });
    const missing = await zion(["rollback", "99", "-c", file]);
    assert.equal(missing.code, 1);
    assert.match(missing.err, /generation 99 is not among those.*\nrefused; generation 3 stays in force/);
  },
);

test(
  "without the token nothing is changed, and the exit code says that nobody could be asked",
  onLinux,
  async (t) => {
    const { gateway, zion, file } = await start(t);
    const { code, err } = await zion(["reload", "--wait", "-c", file], {});
    assert.equal(code, 3);
    assert.match(err, /the gateway says 401/);
    assert.ok(!gateway.log().some((line) => line["event.name"] === "zion.config.reload"));
  },
);

test("check --against running lists what a reload would change and what that means", onLinux, async (t) => {
  const { gateway, zion, text } = await start(t);
  const next = join(gateway.directory, "next.toml");
  const same = text(64);
  writeFileSync(next, same);
  const nothing = await zion(["check", "-c", next, "--against", "running"]);
  assert.equal(nothing.code, 0, nothing.err);
  assert.match(nothing.out, /against generation 1: nothing changes/);

  writeFileSync(next, text(32).replace("workers = 1", "workers = 2").replace("127.0.0.1:0", "127.0.0.2:0"));
  const changed = await zion(["check", "-c", next, "--against", "running"]);
  assert.equal(changed.code, 0);
  assert.match(changed.out, /server\.max_headers changed\n/);
  assert.match(changed.out, /server\.workers changed: starts workers/);
  assert.match(changed.out, /server\.listen_http changed: binds and closes sockets/);

  const log = `${gateway.directory}/access.log`;
  writeFileSync(next, same.replace(/\[access_log\]\nenabled = false/, `[access_log]\npath = "${log}"`));
  const replaced = await zion(["check", "-c", next, "--against", "running"]);
  assert.equal(replaced.code, 0);
  assert.match(replaced.out, /access_log\.path changed: replaces the workers one by one/);

  writeFileSync(next, same.replace("[server]", '[server]\nstate_dir = "/tmp/other"'));
  const restart = await zion(["check", "-c", next, "--against", "running"]);
  assert.equal(restart.code, 1);
  assert.match(restart.out, /server\.state_dir changed: needs a restart or zion upgrade/);
});
