import type { Clock } from "../std/clock.ts";

export type StopSignal = "SIGINT" | "SIGTERM";

export interface SignalHandlers {
  /** First TERM or INT. */
  readonly stop: (signal: StopSignal) => void;
  /** Second one: now. */
  readonly stopNow: (signal: StopSignal) => void;
  /** HUP */
  readonly reload: () => void;
  /** USR2, after a log was rotated. */
  readonly reopenLogs: () => void;
  /** QUIT: say what is going on, and go on. */
  readonly describe: () => void;
}

/**
 * Ctrl-C reaches the whole process group, and npm passes what it gets on to its children as well, so one press arrives
 * twice. Two signals closer than this are one.
 */
const sameMs = 300;

/**
 * Signals of the primary (operators.md §1.1). PIPE is ignored. USR1 does nothing: `--disable-sigusr1` takes it from the
 * inspector, and Node offers it to nobody else then. Returns what takes the handlers off again.
 */
export function installSignals(handlers: SignalHandlers, clock: Clock): () => void {
  let firstMs: number | undefined;
  const stop = (signal: StopSignal) => () => {
    const nowMs = clock.nowMs();
    if (firstMs === undefined) {
      firstMs = nowMs;
      handlers.stop(signal);
    } else if (nowMs - firstMs > sameMs) {
      handlers.stopNow(signal);
    }
  };
  const table: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ["SIGINT", stop("SIGINT")],
    ["SIGTERM", stop("SIGTERM")],
    ["SIGHUP", handlers.reload],
    ["SIGUSR2", handlers.reopenLogs],
    ["SIGQUIT", handlers.describe],
    ["SIGPIPE", () => {}],
  ];
  for (const [signal, handle] of table) process.on(signal, handle);
  return () => {
    for (const [signal, handle] of table) process.off(signal, handle);
  };
}
