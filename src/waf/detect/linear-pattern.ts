import { DETECTIONS_MAX, type Detection, type Subject } from "../detection.ts";

/**
 * A construct that one regular expression over the lower-cased text describes.
 *
 * Such an expression must run in linear time: it begins with literals or a single character class, its repetitions
 * are bounded (`{0,40}`) or of one class that the next token cannot match, and none is nested in another.
 */
export interface LinearPattern {
  readonly kind: string;
  /**
   * Lower-case literals, one of which every match contains: looked for first, because finding one costs a tenth of
   * running the expression over the text.
   */
  readonly needs?: readonly string[];
  /** With the flag `g`. */
  readonly pattern: RegExp;
  /** Says no to a match that its surroundings explain otherwise; the search then goes on behind it. */
  readonly accept?: (match: RegExpExecArray, subject: Subject) => boolean;
}

/** Matches of one pattern that `accept` is asked about: beyond it a text repeats itself. */
const MATCHES_MAX = 32;

/** Reports the first accepted match of each pattern. */
export function findPatterns(
  patterns: readonly LinearPattern[],
  subject: Subject,
  found: Detection[],
  from: number,
): void {
  for (const { kind, needs, pattern, accept } of patterns) {
    if (found.length - from >= DETECTIONS_MAX) return;
    if (needs !== undefined && !hasOne(subject.lower, needs)) continue;
    pattern.lastIndex = 0;
    for (let tries = 0; tries < MATCHES_MAX; tries++) {
      const match = pattern.exec(subject.lower);
      if (match === null) break;
      if (accept === undefined || accept(match, subject)) {
        found.push({ kind, start: match.index, end: match.index + match[0].length });
        break;
      }
      if (match[0].length === 0) pattern.lastIndex++;
    }
  }
}

function hasOne(lower: string, literals: readonly string[]): boolean {
  for (const literal of literals) if (lower.includes(literal)) return true;
  return false;
}

/** The literals of all patterns: the triggers of a detector that has nothing but them. */
export function triggersOf(patterns: readonly LinearPattern[]): string[] {
  return [...new Set(patterns.flatMap(({ needs }) => needs ?? []))];
}
