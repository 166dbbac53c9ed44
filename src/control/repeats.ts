/** Holds back what is told again and again. */
export interface Repeats {
  /** Calls `write` at once for a key that is new, else at the end of its window; with how many calls were held back. */
  tell(key: string, write: (suppressed: number) => void): void;
}

interface Told {
  suppressed: number;
  /** The newest call's. */
  write: (suppressed: number) => void;
  readonly timer: NodeJS.Timeout;
}

/** Beyond `keysMax` the oldest key is forgotten, and what it held back is told. */
export function createRepeats(windowMs: number, keysMax: number): Repeats {
  const told = new Map<string, Told>();

  /** The window of a key is over, or there is no place for it: what came in it counts as told now. */
  const close = (key: string, entry: Told, opensAgain: boolean): void => {
    clearTimeout(entry.timer);
    told.delete(key);
    if (entry.suppressed === 0) return;
    // The line below is one of those that were held back.
    entry.write(entry.suppressed - 1);
    if (opensAgain) open(key, entry.write);
  };
  const open = (key: string, write: (suppressed: number) => void): void => {
    const timer = setTimeout(() => close(key, entry, true), windowMs);
    timer.unref();
    const entry: Told = { suppressed: 0, write, timer };
    told.set(key, entry);
  };

  return {
    tell(key, write) {
      const known = told.get(key);
      if (known !== undefined) {
        known.suppressed++;
        known.write = write;
        return;
      }
      const [oldest] = told;
      if (told.size >= keysMax && oldest !== undefined) close(...oldest, false);
      open(key, write);
      write(0);
    },
  };
}
