/** What the inspection of answers of one worker holds and has done. */
export class InspectionDesk {
  usedBytes = 0;
  readonly answers = { clean: 0, reported: 0, masked: 0, blocked: 0 };
  /** `coded`: compressed by the upstream. `candidates`: too much to look at. `memory`: nothing was held, so nothing blocked. */
  readonly uninspected = { coded: 0, candidates: 0, memory: 0 };

  /** False: there is no room. */
  take(bytes: number): boolean {
    if (this.usedBytes + bytes > HELD_BYTES_MAX) return false;
    this.usedBytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.usedBytes -= bytes;
  }
}

/** Of all answers of a worker that are held. */
const HELD_BYTES_MAX = 67_108_864;
