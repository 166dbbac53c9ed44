import type { KeyObject } from "node:crypto";
import { canonicalText, type JsonObject } from "./canonical.ts";
import type { RecordMac } from "./mac-key.ts";

/** Longest line with its line end: a segment's first record lists all processes that report, and there may be 256. */
export const LINE_BYTES_MAX = 16_384;

/** Records that the writer makes itself. */
export type WriterKind =
  | "genesis"
  | "segment_open"
  | "segment_seal"
  | "process_start"
  | "process_stop"
  | "key_step"
  | "key_rotate"
  | "recovered"
  | "heartbeat"
  | "prune"
  | "disk_full"
  | "clock_step"
  | "audit_tamper"
  | "malformed_event"
  | "worker_start"
  | "worker_exit"
  | "drop";

/** What other processes report. */
export const eventKinds = [
  "request_blocked",
  "request_refused",
  "request_completed",
  "rate_limited",
  "auth_failure",
  "auth_lockout",
  "aggregate",
  "config_applied",
  "config_rejected",
  "cert_loaded",
  "cert_order",
  "admin_action",
  "mesh_publish",
  "mesh_receive",
  "mesh_decision",
  "panic",
] as const;
export type EventKind = (typeof eventKinds)[number];

/** An event as a process reports it. Whoever builds one lists the keys in this order: they are printed ascending. */
export interface AuditEvent {
  /** Generation of the configuration that decided. */
  readonly cfg?: number;
  /** What only this kind of event has. */
  readonly data?: JsonObject;
  readonly kind: EventKind;
  /** The decision: gate, reason, rule, status, findings by position. */
  readonly out?: JsonObject;
  /** Host, method, path and route. */
  readonly req?: JsonObject;
  /** Request id. */
  readonly rid?: string;
  /** The client, resolved behind trusted proxies. */
  readonly src?: JsonObject;
  readonly trace?: string;
}

/** Where an event comes from: a process by its own random id, and the event's number there, from 1 without a gap. */
export interface EventSource {
  readonly b: string;
  readonly id: number;
  readonly n: number;
}

/** A whole record without its MAC: one line of a log. */
export interface AuditRecord {
  readonly boot: string;
  readonly cfg?: number | undefined;
  readonly data?: JsonObject | undefined;
  /** Epoch of the MAC key within the boot. */
  readonly ep: number;
  readonly kind: EventKind | WriterKind;
  /** Microseconds of the machine's monotonic clock, as text. */
  readonly mono: string;
  readonly out?: JsonObject | undefined;
  readonly req?: JsonObject | undefined;
  readonly rid?: string | undefined;
  readonly seg: number;
  /** Position in the log, from 0: the total order, and the leaf's index in the tree. */
  readonly seq: number;
  readonly src?: JsonObject | undefined;
  readonly trace?: string | undefined;
  /** RFC 3339 with milliseconds. Information only: clocks are set. */
  readonly ts: string;
  readonly v: 1;
  readonly w?: EventSource | undefined;
}

export interface SealedLine {
  /** With its line end. */
  readonly line: string;
  readonly mac: Buffer;
}

/** Prints and seals a record. Its keys are in ascending order. */
export function sealRecord(
  record: AuditRecord,
  key: KeyObject,
  macs: RecordMac,
  previous: Buffer,
): SealedLine {
  const body = canonicalText(record as unknown as JsonObject);
  const mac = macs.of(key, record.seq, previous, body);
  return { line: `${body.slice(0, -1)},"mac":"${mac.toString("base64url")}"}\n`, mac };
}
