import { readSync } from "node:fs";
import { FileProblem } from "../config/files.ts";

/**
 * Standard input to its end, at most `bytesMax`. Waits for what is not there yet: where whoever started us made the pipe
 * non-blocking (ssh, another Node), `readFileSync(0)` fails with EAGAIN instead. Throws an Error.
 */
export function readStandardInput(bytesMax: number): Buffer {
  const parts: Buffer[] = [];
  const some = Buffer.allocUnsafe(65_536);
  let total = 0;
  for (;;) {
    const count = readSome(some);
    if (count === 0) return Buffer.concat(parts, total);
    total += count;
    if (total > bytesMax) throw new FileProblem(`it is larger than ${bytesMax / 1_048_576} MiB`, "EFBIG");
    // A copy: who writes single bytes would hold 64 KiB for each otherwise.
    parts.push(Buffer.from(some.subarray(0, count)));
  }
}

function readSome(part: Buffer): number {
  for (;;) {
    try {
      return readSync(0, part, 0, part.length, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, PAUSE_MS);
    }
  }
}

const PAUSE_MS = 20;
const pause = new Int32Array(new SharedArrayBuffer(4));
