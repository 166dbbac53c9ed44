import type { Xorshift } from "../../src/std/xorshift.ts";

/** Longer inputs find nothing that these do not, and cost time. */
export const INPUT_BYTES_MAX = 2048;

/** One to four changes: of bytes, of spans, of words of the grammar, of pieces of another input. */
export function mutate(
  input: Buffer,
  other: Buffer,
  words: readonly string[],
  random: Xorshift,
): Buffer<ArrayBufferLike> {
  let bytes: Buffer<ArrayBufferLike> = Buffer.from(input);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(bytes.length + 1);
    const length = 1 + random.below(Math.min(16, bytes.length + 1));
    switch (random.below(8)) {
      case 0:
        if (at < bytes.length) bytes[at] = random.below(256);
        break;
      case 1:
        if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
        break;
      case 2:
        bytes = spliced(bytes, at, length, Buffer.alloc(0));
        break;
      case 3:
        bytes = spliced(bytes, at, 0, bytes.subarray(at, at + length));
        break;
      case 4:
        bytes = spliced(bytes, at, 0, Buffer.alloc(length, interesting[random.below(interesting.length)]));
        break;
      case 5: {
        const from = random.below(other.length + 1);
        bytes = spliced(bytes, at, random.below(length + 1), other.subarray(from, from + random.below(64)));
        break;
      }
      default: {
        const word = words.length === 0 ? "" : words[random.below(words.length)]!;
        bytes = spliced(bytes, at, random.below(2) * word.length, Buffer.from(word, "latin1"));
      }
    }
  }
  return bytes.subarray(0, INPUT_BYTES_MAX);
}

/** What readers tend to look for. */
const interesting = [0, 9, 10, 13, 32, 34, 37, 38, 39, 44, 45, 47, 48, 57, 58, 59, 61, 92, 127, 128, 255];

function spliced(bytes: Buffer, at: number, remove: number, put: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + remove)]);
}
