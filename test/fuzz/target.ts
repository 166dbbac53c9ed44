/** A reader of hostile bytes, and what must hold whatever they are. */
export interface Target {
  readonly name: string;
  /** Part of the paths of the source files whose coverage guides the search. */
  readonly covers: readonly string[];
  /** Where the search begins. Latin-1. */
  readonly seeds: readonly string[];
  /** Words that the grammar knows: put into inputs whole. */
  readonly words: readonly string[];
  /** Throws when something does not hold. A reader that throws by itself fails as well. */
  run(bytes: Buffer): void;
}

/** Where to cut `bytes` in two, decided by them: the same input always runs the same way. */
export function cutOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return bytes.length === 0 ? 0 : (hash >>> 0) % (bytes.length + 1);
}
