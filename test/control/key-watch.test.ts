import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Config } from "../../src/config/config.ts";
import { watchKeys } from "../../src/control/key-watch.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";
import { keptLog } from "./fakes.ts";

test("a private key that others can read by now is noticed, told once, and forgiven when it is cured", async (t) => {
  const directory = newDirectory("keys");
  const key = join(directory, "tls.key");
  writeFileSync(key, "", { mode: 0o600 });
  const config = goodConfig(minimal);
  const log = keptLog();
  const watch = watchKeys(log);
  t.after(() => watch.stop());
  watch.adopt(config);
  assert.equal(watch.state, "off");

  const row = { certPath: "", certPem: "", keyPem: "", keyPath: join(directory, "gone") };
  const tls = { default: row, sni: [{ ...row, serverName: "a", second: { ...row, keyPath: key } }] };
  watch.adopt({ ...config, tls: tls as unknown as Config["tls"] });
  await watch.look();
  assert.equal(watch.state, "ok");
  chmodSync(key, 0o644);
  await watch.look();
  await watch.look();
  assert.equal(watch.state, "exposed");
  assert.deepEqual(
    log.lines.map((line) => [line["event.name"], line["file"]]),
    [["zion.key.exposed", key]],
  );
  // How Kubernetes mounts secrets for a group.
  chmodSync(key, 0o440);
  await watch.look();
  assert.equal(watch.state, "ok");
});
