import { constants } from "node:os";

/**
 * Until the gateway runs, a signal has nothing to drain: it ends the process at once, and `release` gives back what is
 * held. Without this the next start would find a lock that nobody holds, and take us for killed. Returns what takes the
 * handlers off again.
 */
export function endEarly(release: () => void): () => void {
  const end = (signal: "SIGINT" | "SIGTERM") => {
    release();
    process.exit(128 + constants.signals[signal]);
  };
  process.on("SIGINT", end).on("SIGTERM", end);
  return () => void process.off("SIGINT", end).off("SIGTERM", end);
}

/**
 * Signals that end nobody, whoever else hears them: those that mean something only to a gateway that serves reach one that
 * starts, too, and any of them one that has stopped and closes its logs. Returns what takes the handlers off again.
 */
export function ignoreSignals(...signals: readonly NodeJS.Signals[]): () => void {
  const ignore = () => {};
  for (const signal of signals) process.on(signal, ignore);
  return () => {
    for (const signal of signals) process.off(signal, ignore);
  };
}
