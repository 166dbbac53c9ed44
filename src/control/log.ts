import pino from "pino";

/** The application log: few lines, about the gateway itself. The access log is the workers' and goes elsewhere. */
export interface Log {
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
  fatal(fields: LogFields, text: string): void;
}

/** Flat names (operators.md §1.3). */
export interface LogFields {
  readonly "event.name": string;
  readonly [name: string]: unknown;
}

export type LogLevel = "info" | "warn" | "silent";

/** JSON lines on standard error: standard output belongs to the access log. Synchronous, so that no line is lost. */
export function createLog(level: LogLevel = "info"): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
