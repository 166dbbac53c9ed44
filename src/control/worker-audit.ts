import type { Config } from "../config/config.ts";
import type { AuditReport } from "../record/audit-report.ts";
import { auditSettings, openAuditReport } from "./audit-build.ts";

/** Where a worker reports to: its audit writer, which configurations and the writer's own life change. */
export interface WorkerAudit {
  /** Reports as the configuration says: to nobody, as before, or anew. */
  follow(config: Config): void;
  /** Reports to the writer that listens there; the one before hears the rest. */
  moveTo(socket: string, token: string, config: Config): void;
  /** All that was said has been heard. */
  flushed(): Promise<unknown>;
}

/** As long as the writer that is left waits for us. */
const MOVE_MS = 5000;

export function createWorkerAudit(
  state: { audit: AuditReport | undefined },
  workerIndex: number,
): WorkerAudit {
  let place: { readonly socket: string; readonly token: string } | undefined;
  let left: Promise<void> | undefined;

  const replace = (config: Config): void => {
    const previous = state.audit;
    state.audit =
      place === undefined ? undefined : openAuditReport(config, workerIndex, place.socket, place.token);
    if (previous === undefined) return;
    // A counter only grows.
    if (state.audit !== undefined) state.audit.feed.dropped = previous.feed.dropped;
    left = previous.close(MOVE_MS);
  };

  return {
    follow(config) {
      if (config.audit !== undefined && state.audit !== undefined) {
        state.audit.adopt(auditSettings(config));
        return;
      }
      if (config.audit === undefined) place = undefined;
      replace(config);
    },
    moveTo(socket, token, config) {
      place = config.audit === undefined ? undefined : { socket, token };
      replace(config);
    },
    flushed: () => Promise.all([state.audit?.close(), left]),
  };
}
