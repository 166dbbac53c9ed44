import type { AuditConfig } from "../config/config.ts";
import type { MetricSample } from "../record/metrics.ts";

/** What the primary tells the audit writer. */
export type ToAuditWriter =
  | {
      readonly type: "start";
      readonly config: AuditConfig;
      /** Where processes report, and what they say to be believed. */
      readonly socket: string;
      readonly token: string;
      readonly version: string;
    }
  /** Ends when nobody is connected any more. */
  | { readonly type: "stop" };

/** Size and root of a log, for whoever witnesses it. */
export interface AuditLogHead {
  /** 32 hex digits, from the log's id. */
  readonly log: string;
  readonly size: number;
  /** 64 hex digits. */
  readonly root: string;
}

/** The newest head that the writer has signed. */
export interface AuditCheckpoint {
  readonly size: number;
  /** Wall clock, milliseconds. */
  readonly signedMs: number;
}

/** What the audit writer tells the primary. */
export type FromAuditWriter =
  /** `alarm`: the log that was there cannot be trusted, a new one began. "" = none. */
  | { readonly type: "ready"; readonly logId: string; readonly alarm: string }
  /** It has its keys; the log is still another writer's. */
  | { readonly type: "waits" }
  /** It cannot start; another try changes nothing before the operator does. */
  | { readonly type: "refused"; readonly problem: string }
  | {
      readonly type: "state";
      readonly samples: readonly MetricSample[];
      /** Why nothing is recorded, or what was recorded is not there; "" = all is well. */
      readonly problem: string;
      /** Nothing is lost, but somebody should look. */
      readonly warning: string;
      /** Why the newest checkpoint is not where it was to be kept; "" = it is, or there is no such place. */
      readonly unanchored: string;
      /** Undefined while a record is not durable yet. */
      readonly head: AuditLogHead | undefined;
      /** Undefined before the first. */
      readonly checkpoint: AuditCheckpoint | undefined;
    };
