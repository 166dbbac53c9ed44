import type { Clock } from "../std/clock.ts";
import { type ControlAnswer, json } from "./control-listener.ts";

/** How long the answer of a write is remembered. */
const KEEP_MS = 3_600_000;
const WRITES_MAX = 1000;
/** Of all remembered answers; beyond, the oldest are forgotten. */
const BYTES_MAX = 4 * 1_048_576;

/** Writes by the id that their callers gave them, so that one whose answer was lost can be sent again. */
export interface OpJournal {
  /**
   * Runs the write, or answers what it answered before: `key` says which it is, `request` what was asked for. The same
   * key with another request is a 409. An answer 503 says that nothing was done; it is not kept.
   */
  run(key: string, request: string, write: () => Promise<ControlAnswer>): Promise<ControlAnswer>;
}

interface Entry {
  readonly request: string;
  readonly answer: Promise<ControlAnswer>;
  readonly untilMs: number;
  /** 0 while it runs: it is not forgotten then. */
  bytes: number;
}

export function createOpJournal(clock: Clock): OpJournal {
  /** Oldest first. */
  const entries = new Map<string, Entry>();
  let bytes = 0;

  const forget = (key: string) => {
    bytes -= entries.get(key)!.bytes;
    entries.delete(key);
  };

  const makeRoom = () => {
    for (const [key, entry] of entries) {
      const isOver = entry.untilMs <= clock.nowMs() || entries.size > WRITES_MAX || bytes > BYTES_MAX;
      if (!isOver) return;
      if (entry.bytes > 0) forget(key);
    }
  };

  return {
    async run(key, request, write) {
      makeRoom();
      const known = entries.get(key);
      if (known !== undefined) {
        if (known.request !== request) return json(409, { error: "this op_id was given to another request" });
        const answer = await known.answer;
        return { ...answer, headers: { ...answer.headers, "Op-Replayed": "yes" } };
      }
      const entry: Entry = { request, answer: write(), untilMs: clock.nowMs() + KEEP_MS, bytes: 0 };
      entries.set(key, entry);
      try {
        const answer = await entry.answer;
        if (answer.status === 503) entries.delete(key);
        else {
          entry.bytes = Buffer.byteLength(answer.body) + 1;
          bytes += entry.bytes;
          makeRoom();
        }
        return answer;
      } catch (cause) {
        entries.delete(key);
        throw cause;
      }
    },
  };
}
