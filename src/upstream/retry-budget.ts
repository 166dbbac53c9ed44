/**
 * Keeps retries from doubling the load of an upstream that is failing under load: at most `budgetPct` percent of the
 * requests, plus a small reserve so that the first failure after a quiet start may be retried. Counts whole hundredths
 * of a retry: always exact, constant size. One per upstream and worker.
 */
export class RetryBudget {
  readonly #budgetPct: number;
  #hundredths: number;

  /** @param budgetPct 0..100; 0 means no retries at all */
  constructor(budgetPct: number) {
    this.#budgetPct = budgetPct;
    this.#hundredths = budgetPct === 0 ? 0 : RESERVE;
  }

  /** Once per request, with its first attempt. */
  deposit(): void {
    this.#hundredths = Math.min(RESERVE, this.#hundredths + this.#budgetPct);
  }

  /** Once per retry, before it: false means that the failure stands. */
  withdraw(): boolean {
    if (this.#hundredths < RETRY) return false;
    this.#hundredths -= RETRY;
    return true;
  }
}

const RETRY = 100;
/** Ten retries: also the most that a quiet time saves up. */
const RESERVE = 10 * RETRY;
