import type { Log, LogFields } from "../../src/control/log.ts";

export const silentLog: Log = { info() {}, warn() {}, error() {}, fatal() {} };

/** A log that keeps its lines: fields with `level` and `msg`. */
export function keptLog(): Log & { readonly lines: (LogFields & { level: string; msg: string })[] } {
  const lines: (LogFields & { level: string; msg: string })[] = [];
  const at = (level: string) => (fields: LogFields, msg: string) =>
    void lines.push({ ...fields, level, msg });
  return { lines, info: at("info"), warn: at("warn"), error: at("error"), fatal: at("fatal") };
}

/** Lets everything that waits for resolved promises run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
