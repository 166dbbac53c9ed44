import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { writeCorpus } from "./corpus.ts";
import { type Growth, saveResult, type TargetResult } from "./results.ts";
import { targets } from "./targets.ts";
import { type FromThread, type Task, Watched } from "./thread-messages.ts";

/**
 * `npm run fuzz -- [--seconds N] [--only a,b] [--seed N] [--save]`: looks for inputs that break a reader, guided by what
 * of its source they reach. N seconds of CPU time each, 60 by default, as many targets at a time as there are CPUs.
 * Inputs that reach something new are kept with --save, and figures in bench/results/fuzz.json; one that breaks something
 * is printed in base64, written to a file, and makes the exit code 1. The same --seed takes the same way again.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    only: { type: "string" },
    seed: { type: "string" },
    save: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed ?? Date.now() % 1_000_000_007);
const names = targets.map(({ name }) => name);
const wanted = values.only?.split(",") ?? names;
const unknown = wanted.filter((name) => !names.includes(name));
/** An input that takes longer does not end. A busy machine stretches what takes a millisecond, but not to this. */
const HANG_SECONDS = 60;
const HEAP_MB = 1024;

process.exitCode = await main();

async function main(): Promise<number> {
  if (unknown.length > 0 || !(seconds > 0) || !Number.isInteger(seed)) {
    console.error(`fuzz: --seconds and --seed are numbers, --only has names of: ${names.join(", ")}`);
    return 2;
  }
  console.log(`seed ${seed}, ${seconds} s each`);
  const waiting = [...wanted];
  let findings = 0;
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      if (!(await isSound(name))) findings++;
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return findings === 0 ? 0 : 1;
}

/** Searches one target and says what came of it. */
async function isSound(name: string): Promise<boolean> {
  const result = await searchInThread(name);
  const { executions, kept, blocks, blocksBefore, finding } = result;
  console.log(
    `${name}: ${executions} executions, ${kept} inputs reached something new, ${blocks} blocks (${blocksBefore} before)`,
  );
  if (finding !== undefined) {
    const file = `fuzz-${name}-${Date.now()}.bin`;
    writeFileSync(file, Buffer.from(finding.base64, "base64"));
    console.error(`${name}: ${finding.error}\ninput in ${file}, base64: ${finding.base64}`);
  }
  if (values.save) saveResult(name, result);
  return finding === undefined;
}

function searchInThread(name: string): Promise<TargetResult> {
  const watched = new Watched();
  const task: Task = { target: name, seconds, seed, shared: watched.shared };
  const thread = new Worker(new URL("./search-thread.ts", import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  const growth: Growth[] = [];
  let last = { seconds: 0, executions: 0, blocks: 0, kept: 0, blocksBefore: 0 };
  let lastNewSeconds = 0;
  return new Promise((resolve) => {
    const end = (error?: string, input: Uint8Array = watched.input): void => {
      clearInterval(timer);
      const base64 = Buffer.from(input).toString("base64");
      const finding = error === undefined ? undefined : { error, base64 };
      resolve({ seed, ...last, lastNewSeconds, growth, finding });
      void thread.terminate();
    };
    let count = 0;
    let stillSeconds = 0;
    const timer = setInterval(() => {
      stillSeconds = watched.count === count ? stillSeconds + 1 : 0;
      count = watched.count;
      if (stillSeconds === HANG_SECONDS) end(`no end after ${HANG_SECONDS} s`);
    }, 1000);
    // Out of memory, or a failure outside a target: the input at hand is the suspect.
    thread.on("error", (error) => end(String(error)));
    thread.on("message", (message: FromThread) => {
      if (message.type === "progress") {
        const { type: _, ...progress } = message;
        // The first second's blocks are the corpus's.
        if (progress.blocks > last.blocks && progress.seconds > 1) lastNewSeconds = progress.seconds;
        last = { ...last, ...progress };
        // At 1, 2, 4 … s: the curve is logarithmic at best.
        if (progress.seconds >= 2 * (growth.at(-1)?.seconds ?? 0.5)) growth.push(progress);
        if (progress.seconds % 60 === 0)
          console.log(
            `${name}: ${progress.seconds} s, ${progress.executions} executions, ${progress.blocks} blocks`,
          );
        return;
      }
      const { type: _, corpus, finding, ...found } = message;
      last = found;
      if (values.save && finding === undefined)
        writeCorpus(
          name,
          corpus.map((input) => Buffer.from(input)),
        );
      end(finding?.error, finding?.input);
    });
  });
}
