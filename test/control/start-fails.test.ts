import assert from "node:assert/strict";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { cutConfig } from "../../src/config/parts.ts";
import type { Signed } from "../../src/config/signature.ts";
import { createLog } from "../../src/control/log.ts";
import { runPrimary } from "../../src/control/primary.ts";
import type { LoadResult } from "../../src/control/reload.ts";
import { goodConfig, minimal } from "../support/config-case.ts";

const heard = ["SIGHUP", "SIGUSR2", "SIGQUIT", "SIGINT", "SIGTERM"] as const;
const listeners = () => heard.map((signal) => process.listenerCount(signal));

/** Starts a primary in this process, which has to give up. Resolves with its exit code and what it said. */
async function startInVain(t: TestContext, result: LoadResult): Promise<readonly [number, string]> {
  const handlers = process.listeners("uncaughtException");
  t.after(() => {
    for (const handler of process.listeners("uncaughtException"))
      if (!handlers.includes(handler)) process.off("uncaughtException", handler);
  });
  let said = "";
  const code = await runPrimary({
    load: async () => result,
    log: createLog("error"),
    version: "0",
    environment: {},
    explain: (problem) => {
      said += problem;
    },
    explainRequest: () => assert.fail("nobody asks"),
    proveExclusion: () => assert.fail("nobody asks"),
  });
  return [code, said];
}

const refused: LoadResult = { kind: "refused", files: [], reason: "invalid", problem: "no", brief: "no" };

function loaded(config: string, signed?: Signed): LoadResult {
  return { kind: "loaded", files: [], cut: cutConfig(goodConfig(config)), warnings: [], signed };
}

test("a start that is refused hears no signal any more, wherever it ends", async (t) => {
  const before = listeners();
  assert.deepEqual(await startInVain(t, refused), [78, "no"]);
  assert.deepEqual(listeners(), before, "a refused configuration");

  const signed: Signed = { version: 1, sha256: "0".repeat(64) };
  const [unversioned, why] = await startInVain(t, loaded(minimal, signed));
  assert.equal(unversioned, 78);
  assert.match(why, /needs `state_dir`/);
  assert.deepEqual(listeners(), before, "a version that nobody can remember");

  const taken = net.createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as net.AddressInfo;
  const [code, problem] = await startInVain(t, loaded(minimal.replace("0.0.0.0:8080", `127.0.0.1:${port}`)));
  assert.equal(code, 75, problem);
  assert.match(problem, /EADDRINUSE/);
  assert.deepEqual(listeners(), before, "a port that is taken");
});
