import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { followGuide, type Guide } from "./guide-run.ts";

const hasCurl = spawnSync("curl", ["--version"]).status === 0;
assert.ok(hasCurl || process.env["CI"] !== "true", "curl is missing");

const guides: readonly (Guide & { readonly commandsMin: number })[] = [
  { document: "docs/guide/first-steps.md", commandsMin: 5 },
  {
    document: "docs/guide/waf-tuning.md",
    commandsMin: 9,
    tables: `[server]
listen_http = "127.0.0.1:18090"
[telemetry]
listen = "127.0.0.1:18094"
[upstream.forum]
url = "http://127.0.0.1:3000"
`,
  },
  { document: "docs/evidence.md", commandsMin: 9 },
];

for (const { commandsMin, ...guide } of guides)
  test(`whoever follows ${guide.document} sees what it says`, {
    skip: hasCurl ? false : "needs curl",
    timeout: 120_000,
  }, async (t) => {
    const count = await followGuide(t, guide);
    assert.ok(count >= commandsMin, `only ${count} commands`);
  });
