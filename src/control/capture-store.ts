import fs from "node:fs";
import path from "node:path";
import type { CaptureConfig, Config } from "../config/config.ts";
import { type CaptureKey, KEY_BYTES, makeCaptureKey } from "../record/capture-line.ts";
import type { Clock } from "../std/clock.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";

export interface CaptureStoreOptions {
  readonly broadcast: (message: ToWorker) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly onLost: (count: number) => void;
}

/**
 * Where kept requests go: files of a directory, each with an eighth of what all may hold, the oldest removed. The primary
 * writes sealed lines and reads none. Workers seal with a key that it makes at each start: the root key stays here.
 */
export interface CaptureStore {
  /** A configuration is in force. */
  adopt(config: Pick<Config, "capture">): void;
  /** What a worker must know. */
  news(): readonly ToWorker[];
  write(lines: readonly string[]): void;
  stop(): void;
}

const FILES_MAX = 8;
/** Lines that wait for the disk. */
const WAITING_BYTES_MAX = 16 * 1_048_576;
const SWEEP_MS = 60_000;

export function createCaptureStore({ broadcast, clock, log, onLost }: CaptureStoreOptions): CaptureStore {
  let config: CaptureConfig | undefined;
  let key: CaptureKey | undefined;
  let file: { readonly name: string; readonly bornMs: number; bytes: number; lines: number } | undefined;
  let writing = Promise.resolve();
  let waitingBytes = 0;
  const sweep = setInterval(() => void prune(), SWEEP_MS);
  sweep.unref();

  function adopt({ capture }: Pick<Config, "capture">): void {
    if (JSON.stringify(capture) === JSON.stringify(config)) return;
    config = capture;
    key = undefined;
    file = undefined;
    if (capture !== undefined) {
      try {
        key = makeCaptureKey(readRoot(capture.keyFile));
        makeDirectory(capture.path);
      } catch (error) {
        key = undefined;
        const problem = error instanceof Error ? error.message : String(error);
        log.error({ "event.name": "zion.capture.failed", problem }, "no request is kept");
      }
    }
    broadcast({ type: "capture_key", key });
  }

  function write(lines: readonly string[]): void {
    if (config === undefined || key === undefined) return;
    const text = lines.join("");
    if (waitingBytes + text.length > WAITING_BYTES_MAX) {
      onLost(lines.length);
      return;
    }
    waitingBytes += text.length;
    const { target, isNew } = fileFor(config, text.length, lines.length);
    writing = writing
      .then(() => fs.promises.appendFile(target, text, { mode: 0o600 }))
      .catch((error: NodeJS.ErrnoException) => {
        onLost(lines.length);
        log.error(
          { "event.name": "zion.capture.failed", problem: error.code ?? "" },
          "requests are not kept",
        );
      })
      .then(() => {
        waitingBytes -= text.length;
        // Behind the writes: what they make is counted.
        return isNew ? prune() : undefined;
      });
  }

  function fileFor(
    capture: CaptureConfig,
    bytes: number,
    lines: number,
  ): { readonly target: string; readonly isNew: boolean } {
    const nowMs = clock.wallMs();
    const isFull =
      file !== undefined &&
      (file.bytes + bytes > capture.bytesMax / FILES_MAX ||
        file.lines + lines > capture.requestsMax / FILES_MAX ||
        nowMs - file.bornMs > capture.ageMs / FILES_MAX);
    const isNew = file === undefined || isFull;
    if (file === undefined || isFull) {
      // Names in the order of time, also when two begin in one millisecond.
      const bornMs = Math.max(nowMs, (file?.bornMs ?? 0) + 1);
      file = { name: `capture-${String(bornMs).padStart(15, "0")}.jsonl`, bornMs, bytes: 0, lines: 0 };
    }
    file.bytes += bytes;
    file.lines += lines;
    return { target: path.join(capture.path, file.name), isNew };
  }

  /** Removes what is too old, and all but the newest files. */
  async function prune(): Promise<void> {
    if (config === undefined) return;
    const { path: directory, ageMs } = config;
    try {
      const names = (await fs.promises.readdir(directory)).filter((name) => captureFile.test(name)).sort();
      const oldest = clock.wallMs() - ageMs;
      for (const [index, name] of names.entries()) {
        const bornMs = Number(captureFile.exec(name)![1]);
        if (index < names.length - FILES_MAX || bornMs + ageMs / FILES_MAX < oldest)
          await fs.promises.rm(path.join(directory, name), { force: true });
      }
    } catch (error) {
      const problem = (error as NodeJS.ErrnoException).code ?? "";
      log.error({ "event.name": "zion.capture.failed", problem }, "old requests are not removed");
    }
  }

  return {
    adopt,
    news: () => [{ type: "capture_key", key }],
    write,
    stop: () => clearInterval(sweep),
  };
}

/** `capture-000001763812345678.jsonl`: ms since the epoch. */
export const captureFile: RegExp = /^capture-(\d{15})\.jsonl$/;

function readRoot(file: string): Buffer {
  const bytes = fs.readFileSync(file);
  // Editors end a file with a line feed.
  const end = bytes.length === KEY_BYTES + 1 && bytes.at(-1) === 10 ? KEY_BYTES : bytes.length;
  if (end !== KEY_BYTES)
    throw new Error(`${file}: a key of [capture] has ${KEY_BYTES} bytes, this has ${end}`);
  return bytes.subarray(0, end);
}

function makeDirectory(directory: string): void {
  if (!fs.existsSync(directory)) fs.mkdirSync(directory, { mode: 0o700 });
}
