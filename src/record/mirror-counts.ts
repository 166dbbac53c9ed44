/** Copies of one route's requests, by what became of them. Lives as long as the worker, under the route's name. */
export class MirrorCounts {
  /** Being gathered, waiting or sent. */
  inFlight = 0;
  readonly results = {
    answered: 0,
    /** The answer was longer than is read of one. */
    cut: 0,
    failed: 0,
    timeout: 0,
    /** There were as many under way as may be. */
    full: 0,
    /** The request's body was longer than is kept of one. */
    too_large: 0,
    /** The request itself was refused, or given up by its client. */
    unsent: 0,
  };

  get isUsed(): boolean {
    return this.inFlight > 0 || Object.values(this.results).some((count) => count > 0);
  }
}
