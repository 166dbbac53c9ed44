import type { Detection, Subject } from "../detection.ts";

/** Eight of each letter or digit: every run that is long enough holds them. */
export const PADDING_TRIGGERS: readonly string[] = [..."abcdefghijklmnopqrstuvwxyz0123456789"].map((letter) =>
  letter.repeat(8),
);

/** Shortest run: old versions of PHP cut names at 4096 bytes, Windows at 260. */
const RUN_MIN = 120;

/**
 * A run of one letter or digit that ends in a slash and a name: `aaaa…/../../etc/passwd`. Only one character in sixty is
 * looked at where no run is.
 */
export function findPadding({ lower }: Subject, found: Detection[]): void {
  for (let at = 0; at < lower.length; at += RUN_MIN / 2) {
    const code = lower.charCodeAt(at);
    let end = at + 1;
    while (end < lower.length && lower.charCodeAt(end) === code) end++;
    if (end - at >= RUN_MIN / 2 && isSlash(lower.charCodeAt(end)) && isNameStart(lower.charCodeAt(end + 1))) {
      let start = at;
      while (start > 0 && lower.charCodeAt(start - 1) === code) start--;
      if (end - start >= RUN_MIN && /[a-z0-9]/.test(lower[start]!)) {
        found.push({ kind: "path.padding", start, end: end + 1 });
        return;
      }
    }
    at = Math.max(at, end - RUN_MIN / 2);
  }
}

function isSlash(code: number): boolean {
  return code === 0x2f || code === 0x5c;
}

function isNameStart(code: number): boolean {
  return code === 0x2e || isSlash(code);
}
