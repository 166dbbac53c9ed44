import { parentPort, workerData } from "node:worker_threads";
import { readCorpus } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { type Progress, search } from "./search.ts";
import { targets } from "./targets.ts";
import { type FromThread, type Task, Watched } from "./thread-messages.ts";

// One target in a thread of its own: one that hangs or runs out of memory is found out by the thread that started it.

const task = workerData as Task;
const target = targets.find(({ name }) => name === task.target)!;
const watched = new Watched(task.shared);
const tell = (message: FromThread): void => parentPort!.postMessage(message);
const coverage = new Coverage(target.covers);
const startMs = performance.now();
const endMs = startMs + task.seconds * 1000;
let toldSeconds = 0;

const { executions, blocks, kept, blocksBefore, corpus, finding } = search(
  target,
  readCorpus(target.name),
  coverage,
  {
    seed: task.seed,
    onInput: (input) => watched.show(input),
    isOver(progress: Progress) {
      const nowMs = performance.now();
      const seconds = Math.floor((nowMs - startMs) / 1000);
      if (seconds > toldSeconds) {
        toldSeconds = seconds;
        tell({ type: "progress", seconds, ...progress });
      }
      return nowMs >= endMs;
    },
  },
);
const seconds = Math.round((performance.now() - startMs) / 1000);
tell({ type: "done", seconds, executions, blocks, kept, blocksBefore, corpus, finding });
