import type { Detection, Subject } from "../detection.ts";

/** Eight of each letter or digit: every run that is long enough holds them. */
export const PADDING_TRIGGERS: readonly string[] = [..."abcdefghijklmnopqrstuvwxyz0123456789"].map((letter) =>
  letter.repeat(8),
);

/** Shortest run: old versions of PHP cut names at 4096 bytes, Windows at 260. */
const RUN_MIN = 120;

/** A run of one letter or digit that ends in a slash and a name: `aaaa…/../../etc/passwd`. */
export function findPadding({ lower }: Subject, found: Detection[]): void {
  let start = 0;
  for (let at = 1; at <= lower.length; at++) {
    const code = lower.charCodeAt(at);
    if (code === lower.charCodeAt(start)) continue;
    if (at - start >= RUN_MIN && isSlash(code) && isNameStart(lower.charCodeAt(at + 1))) {
      if (/[a-z0-9]/.test(lower[start]!)) {
        found.push({ kind: "path.padding", start, end: at + 1 });
        return;
      }
    }
    start = at;
  }
}

function isSlash(code: number): boolean {
  return code === 0x2f || code === 0x5c;
}

function isNameStart(code: number): boolean {
  return code === 0x2e || isSlash(code);
}
