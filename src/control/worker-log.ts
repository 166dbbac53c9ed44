import type { Config } from "../config/config.ts";
import { AccessLog } from "../record/access-log.ts";
import { buildLogSampling } from "../record/log-sampling.ts";
import { buildRedaction } from "../record/redaction.ts";
import type { Clock } from "../std/clock.ts";

/** An access log that a generation brings along. */
export interface NextLog {
  /** The present one where nothing about it changes. */
  readonly log: AccessLog | undefined;
  readonly path: string | undefined;
  readonly key: string;
}

/** The access log of a worker, from one configuration to the next. */
export interface WorkerLog {
  prepare(config: Config): NextLog;
  /** What was prepared is not wanted. */
  discard(next: NextLog): void;
  commit(next: NextLog): void;
}

/** `mayWrite`: whether this process is allowed to write its access log there. */
export function createWorkerLog(
  state: { accessLog: AccessLog | undefined },
  clock: Clock,
  mayWrite: (path: string) => boolean,
): WorkerLog {
  let present: NextLog = { log: undefined, path: undefined, key: "" };
  return {
    prepare({ accessLog, redact }) {
      const { enabled, format, includeHeaders, mtlsFingerprint, samples } = accessLog;
      // Who must not write there is about to be replaced (candidate-course.ts), and goes on with the file that it has.
      const path = mayWrite(accessLog.path) ? accessLog.path : present.path;
      // Equal keys = the same log.
      const key = JSON.stringify([{ ...accessLog, path }, redact]);
      if (key === present.key) return present;
      if (!enabled || path === undefined) return { log: undefined, path, key };
      const redaction = buildRedaction(redact);
      const sampling = buildLogSampling(samples);
      const settings = { path, format, includeHeaders, redaction, mtlsFingerprint, sampling };
      return { log: new AccessLog(settings, clock), path, key };
    },
    discard(next) {
      if (next.log !== state.accessLog) next.log?.close();
    },
    commit(next) {
      const previous = state.accessLog;
      present = next;
      if (previous === next.log) return;
      state.accessLog = next.log;
      previous?.flushed().then(() => previous.close());
      if (previous !== undefined) state.accessLog?.countOn(previous);
    },
  };
}
