import pino from "pino";
import { createRepeats } from "./repeats.ts";

/** The application log: few lines, about the gateway itself. The access log is the workers' and goes elsewhere. */
export interface Log {
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
  fatal(fields: LogFields, text: string): void;
}

/** What is not so grave is left out from now on. */
export interface LeveledLog extends Log {
  setLevel(level: LogLevel): void;
}

/** Flat names (operators.md §1.3). */
export interface LogFields {
  readonly "event.name": string;
  readonly [name: string]: unknown;
}

export type LogLevel = "info" | "warn" | "error" | "silent";

/** Within it a line that says the same as one before is counted, not written. */
const repeatWindowMs = 30_000;
/** Lines that are remembered for that. */
const remembered = 256;

/**
 * JSON lines on standard error: standard output belongs to the access log. Synchronous, so that no line is lost. What goes
 * wrong again and again in the same way is told at once, then at most once per window with `suppressed`, the number of
 * those that were not; what informs is an answer to something and always told.
 */
export function createLog(level: LogLevel = "info"): LeveledLog {
  const written = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
  const repeats = createRepeats(repeatWindowMs, remembered);
  const limited = (grade: "warn" | "error") => (fields: LogFields, text: string) => {
    if (written.isLevelEnabled(grade))
      repeats.tell(`${grade} ${text} ${JSON.stringify(fields)}`, (suppressed) =>
        written[grade](suppressed === 0 ? fields : { ...fields, suppressed }, text),
      );
  };
  return {
    info: (fields, text) => written.info(fields, text),
    warn: limited("warn"),
    error: limited("error"),
    fatal: (fields, text) => written.fatal(fields, text),
    setLevel: (next) => {
      written.level = next;
    },
  };
}
