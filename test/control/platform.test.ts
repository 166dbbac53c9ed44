import assert from "node:assert/strict";
import { test } from "node:test";
import { describePlatform, performanceTier } from "../../src/control/platform.ts";

test("measuring how fast AES-GCM is takes no more than 50 ms of CPU, and says a figure of this machine", () => {
  const before = process.threadCpuUsage();
  const platform = describePlatform(1024);
  const { user, system } = process.threadCpuUsage(before);
  assert.ok((user + system) / 1000 <= 50, `${user + system} us`);
  assert.ok(platform.aes_gcm_mb_per_sec > 1 && platform.aes_gcm_mb_per_sec < 100_000);
  assert.ok(platform.calibration_ms <= 50);
  assert.deepEqual(
    [platform.node, platform.arch, platform.descriptors_max],
    [process.version, process.arch, 1024],
  );
});

test("the tier of a machine grows with its processors and their speed", () => {
  const tier = (cpus: number, megabytesPerSec: number) => performanceTier(cpus, { megabytesPerSec });
  assert.deepEqual(
    [tier(1, 100), tier(2, 900), tier(4, 900), tier(8, 1500), tier(64, 1500)],
    ["small", "small", "medium", "large", "xlarge"],
  );
});
