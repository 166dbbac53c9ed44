import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mock, type TestContext, test } from "node:test";
import { createRepeats } from "../../src/control/repeats.ts";

function start(t: TestContext, keysMax = 4) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const lines: string[] = [];
  const repeats = createRepeats(1000, keysMax);
  const tell = (key: string, times = 1): void => {
    for (let i = 0; i < times; i++)
      repeats.tell(key, (suppressed) => void lines.push(`${key} ${suppressed}`));
  };
  /** What was written since the last call. */
  const written = (): string[] => lines.splice(0);
  return { tell, written };
}

test("the first is told at once, then one per window with the number of those that were not", (t) => {
  const { tell, written } = start(t);
  tell("a", 5);
  assert.deepEqual(written(), ["a 0"]);
  mock.timers.tick(1000);
  assert.deepEqual(written(), ["a 3"], "four came: one of them is this line");
  tell("a", 2);
  assert.deepEqual(written(), []);
  mock.timers.tick(1000);
  assert.deepEqual(written(), ["a 1"]);
  mock.timers.tick(1000);
  assert.deepEqual(written(), [], "nothing more came");
  tell("a");
  assert.deepEqual(written(), ["a 0"], "after a quiet window it is news again");
});

test("others are not held back by it", (t) => {
  const { tell, written } = start(t);
  tell("a", 2);
  tell("b");
  assert.deepEqual(written(), ["a 0", "b 0"]);
});

test("there are no more keys than places, and what is forgotten is told first", (t) => {
  const { tell, written } = start(t);
  tell("a", 3);
  for (const key of ["b", "c", "d"]) tell(key);
  written();
  tell("e");
  assert.deepEqual(written(), ["a 1", "e 0"]);
  for (let i = 0; i < 100_000; i++) tell(`x${i}`);
  assert.equal(written().length, 100_000, "none of them is a repetition");
});

test("the log's lines that say the same are held back, those that inform are not", () => {
  const module = new URL("../../src/control/log.ts", import.meta.url).href;
  const script = `
    import { createLog } from ${JSON.stringify(module)};
    const log = createLog();
    for (let i = 0; i < 3; i++) {
      log.warn({ "event.name": "x.failed", host: "a" }, "failed");
      log.warn({ "event.name": "x.failed", host: "b" }, "failed");
      log.info({ "event.name": "x.state" }, "state");
    }
    log.setLevel("error");
    log.info({ "event.name": "x.hidden" }, "hidden");
    log.warn({ "event.name": "x.hidden" }, "hidden");
    log.error({ "event.name": "x.shown" }, "shown");`;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  const lines = stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map((line) => `${String(line["event.name"])} ${String(line["host"] ?? "")}`.trim()),
    ["x.failed a", "x.failed b", "x.state", "x.state", "x.state", "x.shown"],
  );
});
