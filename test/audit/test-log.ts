import { createSecretKey, type KeyObject } from "node:crypto";
import type { Disk } from "../../src/audit/disk.ts";
import { Journal, type JournalSettings } from "../../src/audit/journal.ts";
import { derivedSigningKey, noteSigner, type Signer } from "../../src/audit/note.ts";
import { policyOf } from "../../src/audit/policy.ts";
import type { AuditEvent, EventSource } from "../../src/audit/record.ts";
import { recoverLog } from "../../src/audit/recovery.ts";

export const rootKey: KeyObject = createSecretKey(Buffer.alloc(32, 1));
export const otherKey: KeyObject = createSecretKey(Buffer.alloc(32, 2));
export const logName = "edge.example/audit";

const signers = new Map<KeyObject, Signer>();

export function signerOf(root: KeyObject): Signer {
  const signer = signers.get(root) ?? noteSigner(logName, derivedSigningKey(root, logName));
  signers.set(root, signer);
  return signer;
}

export const settings: JournalSettings = {
  name: logName,
  segmentBytesMax: 1_000_000,
  segmentMsMax: 3_600_000,
  segmentsMax: 0,
  checkpointRecords: 1000,
  checkpointMs: 10_000,
  heartbeatMs: 10_000,
  keyStepMs: 600_000,
  reserveBytes: 4096,
};

/** Time that goes on only when it is told to. */
export interface TestClock {
  ms: number;
  nowMs(): number;
  wallMs(): number;
}

export function testClock(): TestClock {
  return {
    ms: 0,
    nowMs() {
      return this.ms;
    },
    wallMs() {
      return START_MS + this.ms;
    },
  };
}

export const START_MS = Date.parse("2026-11-22T02:00:00Z");

export interface OpenedLog {
  readonly journal: Journal;
  readonly anchors: string[];
}

export interface LogOptions {
  readonly clock?: TestClock;
  readonly root?: KeyObject;
  readonly previousRoot?: KeyObject;
  readonly settings?: Partial<JournalSettings>;
  /** Notes that are remembered elsewhere; new ones are added. */
  readonly anchors?: string[];
  readonly random?: (bytes: number) => Buffer;
  readonly onLeaf?: (leaf: Buffer) => void;
}

/** Opens the log in `disk` as the writer process does. */
export function openLog(disk: Disk, options: LogOptions = {}): OpenedLog {
  const root = options.root ?? rootKey;
  const roots = options.previousRoot === undefined ? [root] : [root, options.previousRoot];
  const signers = roots.map(signerOf);
  const anchors = options.anchors ?? [];
  const recovery = recoverLog(disk, roots, policyOf(signers.map(({ vkey }) => vkey)), anchors.slice(-1));
  if (recovery.kind === "wrong_key") throw new Error(`written with the key ${recovery.rootId}`);
  const journal = Journal.open(
    {
      disk,
      settings: { ...settings, ...options.settings },
      root,
      previousRoot: options.previousRoot,
      signers,
      clock: options.clock ?? testClock(),
      random: options.random ?? countingRandom(),
      onCheckpoint: (note) => anchors.push(note),
      onLeaf: (leaf) => options.onLeaf?.(leaf),
    },
    recovery,
    { version: "test" },
  );
  return { journal, anchors };
}

/** Bytes that are never the same twice in a test run. */
function countingRandom(): (bytes: number) => Buffer {
  return (bytes) => {
    const value = Buffer.alloc(bytes);
    value.writeUInt32BE(++drawn.count, bytes - 4);
    return value;
  };
}

const drawn = { count: 0 };

/** An event as large as most are. */
export function eventAt(n: number): AuditEvent {
  return {
    cfg: 1,
    kind: "request_blocked",
    out: { gate: "body", reason: "waf_patterns", rule: "sql-tautology", status: 400 },
    req: { host: "a.test", m: "POST", path: `/api/orders/${n}?q=<redacted:12>`, route: "orders" },
    rid: `0190f7c2aa00deadbeef${String(n).padStart(12, "0")}`,
    src: { ip: "203.0.113.9" },
    trace: "4bf92f3577b34da6a3ce929d0e0e4736",
  };
}

export function sourceAt(n: number, b = "aaaaaaaaaaaaaaaa"): EventSource {
  return { b, id: 1, n };
}

/** A disk that keeps everything in memory and does what it is told. */
export class MemoryDisk implements Disk {
  readonly files = new Map<string, Buffer>();
  syncs = 0;

  copy(): MemoryDisk {
    const copy = new MemoryDisk();
    for (const [name, bytes] of this.files) copy.files.set(name, Buffer.from(bytes));
    return copy;
  }

  list = (): readonly string[] => [...this.files.keys()].sort();
  size = (name: string): number => this.#file(name).length;
  read = (name: string, offset: number, into: Buffer): number => this.#file(name).copy(into, 0, offset);
  create = (name: string): void => void this.files.set(name, Buffer.alloc(0));
  append(name: string, bytes: Buffer): number {
    this.files.set(name, Buffer.concat([this.#file(name), bytes]));
    return bytes.length;
  }
  sync = (): void => void this.syncs++;
  syncDirectory = (): void => {};
  truncate = (name: string, size: number): void =>
    void this.files.set(name, this.#file(name).subarray(0, size));
  replace = (name: string, bytes: Buffer): void => void this.files.set(name, Buffer.from(bytes));
  remove = (name: string): void => void this.files.delete(name);
  identity = (name: string): string => String(this.files.get(name)?.length ?? "");

  #file(name: string): Buffer {
    const bytes = this.files.get(name);
    if (bytes === undefined) throw Object.assign(new Error(`ENOENT ${name}`), { code: "ENOENT" });
    return bytes;
  }
}
