import { Worker } from "node:worker_threads";
import type { LoadResult } from "../control/reload.ts";
import { garbageCollector } from "../std/garbage.ts";

/** A configuration of the largest size takes a second or two. */
const answerWithinMs = 30_000;
/**
 * Then the thread is ended, and what readings left in the primary is collected: the thread holds the schema and two TOML parsers, 48
 * MB, and a gateway in 256 MiB took that for want of memory. The next reading takes 0.2 s of CPU and not 0.05.
 */
const idleMs = 5000;
const heapMb = 512;

export interface LoaderOptions {
  /** The file. */
  readonly config: string;
  /** File of the public key by which `FILE.sig` must be signed; undefined = no signature is asked for. */
  readonly requireSignature?: string | undefined;
}

/** For the start, where something must be served, for a reload, where something is; or a text that stands for the file. */
export type LoaderTask = "start" | "reload" | { readonly sent: string };

export interface Loader {
  /** Reads and validates the file, or the text that stands for it. One at a time; never rejects. */
  load(sent?: string): Promise<LoadResult>;
}

/**
 * Reads configurations in a thread: the primary goes on supervising while a large one is validated, and a configuration
 * that is too much for the heap or never ends costs the thread only.
 */
export function createLoader(options: LoaderOptions): Loader {
  let thread: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let next: LoaderTask = "start";

  const ready = (): Worker => {
    clearTimeout(idle);
    if (thread !== undefined) return thread;
    const started = new Worker(entry, {
      workerData: options,
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    started.unref();
    started.on("exit", () => {
      if (thread === started) thread = undefined;
    });
    // What ends it while nobody waits is seen by its end.
    started.on("error", () => {});
    thread = started;
    return started;
  };

  return {
    load: (sent) =>
      new Promise((resolve) => {
        const asked = ready();
        const finish = (result: LoadResult) => {
          clearTimeout(timer);
          asked.off("message", finish).off("exit", onExit).off("error", onError);
          idle = setTimeout(() => void asked.terminate().then(garbageCollector()), idleMs);
          idle.unref();
          resolve(result);
        };
        const fail = (problem: string, defect?: unknown) => {
          const brief = "the reader of the configuration failed";
          const refused = { kind: "refused", reason: "invalid", brief, files: [] } as const;
          finish({ ...refused, problem: `${brief}: ${problem}`, defect });
          void asked.terminate();
          thread = undefined;
        };
        const onError = (cause: unknown) => fail(cause instanceof Error ? cause.name : "no error", cause);
        const onExit = () => fail("its thread ended");
        const timer = setTimeout(() => fail(`no answer in ${answerWithinMs} ms`), answerWithinMs);
        asked.on("message", finish).on("error", onError).on("exit", onExit);
        asked.postMessage((sent === undefined ? next : { sent }) satisfies LoaderTask);
        next = "reload";
      }),
  };
}

const entry = new URL(import.meta.url.endsWith(".ts") ? "load-thread.ts" : "load-thread.js", import.meta.url);
