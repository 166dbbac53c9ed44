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
/** CPU time of this thread, not of the clock: a search beside other work, or a process that was paused, counts what it did. */
const seconds = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
};
const startSeconds = seconds();
let toldSeconds = 0;

const { executions, blocks, kept, blocksBefore, corpus, finding } = search(
  target,
  readCorpus(target.name),
  coverage,
  {
    seed: task.seed,
    onInput: (input) => watched.show(input),
    isOver(progress: Progress) {
      const spent = seconds() - startSeconds;
      if (spent >= toldSeconds + 1) {
        toldSeconds = Math.floor(spent);
        tell({ type: "progress", seconds: toldSeconds, ...progress });
      }
      return spent >= task.seconds;
    },
  },
);
const spent = Math.round(seconds() - startSeconds);
tell({ type: "done", seconds: spent, executions, blocks, kept, blocksBefore, corpus, finding });
