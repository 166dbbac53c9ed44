/** Chance that is the same on every run: what a template draws depends on its name and the round only. */
export interface Draw {
  /** 0 for the first request of a template, then 1, 2 … */
  readonly round: number;
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  pick<T>(list: readonly T[]): T;
  /** Walks through the list by round, from a place that the template's name decides. */
  turn<T>(list: readonly T[]): T;
  hex(digits: number): string;
  digits(count: number): string;
  /** Letters and digits. */
  token(chars: number): string;
  base64(byteCount: number): string;
  base64url(byteCount: number): string;
  uuid(): string;
  bytes(count: number): Buffer;
  /** A time in 2024 to 2026, ms since 1970. */
  timeMs(): number;
}

export function drawOf(name: string, round: number): Draw {
  const start = hashOf(name) % 1009;
  const next = mulberry32(hashOf(`${name}#${round}`));
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  const repeat = (count: number, alphabet: string): string => {
    let text = "";
    while (text.length < count) text += alphabet[int(0, alphabet.length - 1)];
    return text;
  };
  const bytes = (count: number): Buffer => {
    const made = Buffer.alloc(count);
    for (let i = 0; i < count; i++) made[i] = int(0, 255);
    return made;
  };
  const hex = (digits: number): string => repeat(digits, "0123456789abcdef");
  return {
    round,
    int,
    hex,
    bytes,
    pick: (list) => list[int(0, list.length - 1)]!,
    turn: (list) => list[(round + start) % list.length]!,
    digits: (count) => repeat(1, "123456789") + repeat(count - 1, "0123456789"),
    token: (chars) => repeat(chars, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
    base64: (byteCount) => bytes(byteCount).toString("base64"),
    base64url: (byteCount) => bytes(byteCount).toString("base64url"),
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${"89ab"[int(0, 3)]}${hex(3)}-${hex(12)}`,
    timeMs: () => 1_704_067_200_000 + int(0, 86_400_000) + int(0, 900) * 86_400_000,
  };
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
