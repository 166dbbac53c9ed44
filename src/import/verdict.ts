/** What became of one directive of the other program's configuration, from good to bad. */
export const verdicts = ["translated", "differs", "needs_you", "refused"] as const;
export type Verdict = (typeof verdicts)[number];

/** A verdict and the sentence that goes with it: what it became, how it differs, or what is left to do. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly explanation: string;
}

/** Acts here as it did there. */
export function translated(text: string): Outcome {
  return { verdict: "translated", explanation: text };
}

/** Acts here, but not quite as it did there; `text` says how. */
export function differs(text: string): Outcome {
  return { verdict: "differs", explanation: text };
}

/** Not in the new file; a person has to decide. */
export function needsYou(text: string): Outcome {
  return { verdict: "needs_you", explanation: text };
}

/** Will never be in the new file: code in a configuration, mostly. */
export function refused(text: string): Outcome {
  return { verdict: "refused", explanation: text };
}

/** Headings of the verdicts, for people. */
export const verdictNames: Readonly<Record<Verdict, string>> = {
  translated: "translated",
  differs: "differs",
  needs_you: "needs you",
  refused: "refused",
};
