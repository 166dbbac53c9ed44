import type { ReadableDisk } from "./disk.ts";
import { LINE_BYTES_MAX } from "./record.ts";

export interface LogLine {
  /** Without its line end. Valid until the next line is asked for. */
  readonly bytes: Buffer;
  readonly offset: number;
  /** False: the file ends without a line end. */
  readonly whole: boolean;
}

/** Lines of a file, in bounded memory whatever it holds: of a line beyond `bytesMax`, the beginning. */
export function* readLines(
  disk: ReadableDisk,
  file: string,
  from = 0,
  bytesMax = LINE_BYTES_MAX,
): Generator<LogLine, void, void> {
  const chunk = Buffer.allocUnsafe(65_536);
  let held = Buffer.alloc(0);
  let heldAt = from;
  let offset = from;
  for (;;) {
    const count = disk.read(file, offset, chunk);
    if (count === 0) break;
    offset += count;
    let start = 0;
    for (;;) {
      const end = chunk.subarray(0, count).indexOf(LF, start);
      if (end < 0) break;
      const part = chunk.subarray(start, end);
      const bytes = held.length === 0 ? part : Buffer.concat([held, part]);
      yield { bytes, offset: heldAt, whole: true };
      start = end + 1;
      heldAt = offset - count + start;
      held = Buffer.alloc(0);
    }
    // Beyond the limit it is no record, however it goes on.
    if (held.length <= bytesMax) held = Buffer.concat([held, chunk.subarray(start, count)]);
  }
  if (held.length > 0) yield { bytes: held, offset: heldAt, whole: false };
}

const LF = 10;
