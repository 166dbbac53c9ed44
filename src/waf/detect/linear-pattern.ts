import type { Detection, Detector, Subject } from "../detection.ts";

/**
 * A construct that one regular expression over the lower-cased text describes.
 *
 * Such an expression must run in linear time: it begins with literals or a single character class, its repetitions
 * are bounded (`{0,40}`) or of one class that the next token cannot match, and none is nested in another.
 */
export interface LinearPattern {
  readonly kind: string;
  /** Lower-case literals, one of which every match contains. */
  readonly needs: readonly string[];
  /** Marks (harmless.ts) of which every match has one beside the literal: where that is `@`, most texts have none. */
  readonly marks?: number;
  /** With the flag `g`. */
  readonly pattern: RegExp;
  /**
   * Says no to a match that its surroundings explain otherwise; the search then goes on behind it. It is asked about every
   * match of a text, so what it reads is bounded, or read by one native search.
   */
  readonly accept?: (match: RegExpExecArray, subject: Subject) => boolean;
  /** Asked once, about the first accepted match: yes = the text as a whole explains all of them. May read all of it. */
  readonly explains?: (match: RegExpExecArray, subject: Subject) => boolean;
}

/**
 * A detector for each kind of the patterns: the automaton, which has read the value already, then says which few of the
 * expressions are worth running. Tables of ten expressions cost 15 ns a byte when one literal called them all.
 */
export function detectorsOf(
  kinds: Readonly<Record<string, string>>,
  patterns: readonly LinearPattern[],
): readonly Detector[] {
  return [...new Set(patterns.map(({ kind }) => kind))].map((kind) => {
    const own = patterns.filter((pattern) => pattern.kind === kind);
    const isIdle = idleWithout(own);
    return {
      name: kind,
      kinds: { [kind]: kinds[kind]! },
      triggers: [...new Set(own.flatMap(({ needs }) => needs))],
      ...(isIdle === undefined ? {} : { isIdle }),
      detect: (subject, found) => findFirst(own, subject, found),
    };
  });
}

/** Undefined when one of the patterns says no marks: then it may match without. */
function idleWithout(patterns: readonly LinearPattern[]): Detector["isIdle"] {
  let all = 0;
  for (const { marks } of patterns) {
    if (marks === undefined) return undefined;
    all |= marks;
  }
  return (_bytes, _start, _end, flags) => (flags & all) === 0;
}

/** Reports the first accepted match: one is enough for a rule. */
function findFirst(patterns: readonly LinearPattern[], subject: Subject, found: Detection[]): void {
  for (const { kind, pattern, accept, explains } of patterns) {
    pattern.lastIndex = 0;
    // Every match is judged: with a limit, harmless ones could hide another behind them.
    for (let match = pattern.exec(subject.lower); match !== null; match = pattern.exec(subject.lower)) {
      if (accept === undefined || accept(match, subject)) {
        if (explains?.(match, subject) === true) break;
        found.push({ kind, start: match.index, end: match.index + match[0].length });
        return;
      }
      if (match[0].length === 0) pattern.lastIndex++;
    }
  }
}
