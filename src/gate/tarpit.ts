/**
 * Refusals that are held back, in one worker: who scans waits, and can do less. Each costs memory and a connection, so
 * there is a cap, above which refusals are what they always are.
 */
export class Tarpit {
  /** 0 = none. */
  max = 0;
  holdMs = 0;
  held = 0;
  total = 0;
  /** Refused at once, because there was no place. */
  shed = 0;

  /** Takes a place; `leave` gives it back. */
  enter(): boolean {
    if (this.held >= this.max) {
      this.shed++;
      return false;
    }
    this.held++;
    this.total++;
    return true;
  }

  leave(): void {
    this.held--;
  }
}
