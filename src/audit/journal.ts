import type { KeyObject } from "node:crypto";
import type { JsonObject } from "./canonical.ts";
import { checkpointText } from "./checkpoint.ts";
import { type Disk, isDiskFull } from "./disk.ts";
import { headFile, newLogId, notesFile, originOf, reserveFile, segmentFile } from "./log-name.ts";
import { firstKey, genesisMac, keyId, nextKey, RecordMac } from "./mac-key.ts";
import type { Signer } from "./note.ts";
import { type AuditEvent, type EventSource, LINE_BYTES_MAX, sealRecord, type WriterKind } from "./record.ts";
import { BATCH_BYTES_MAX, type LogState, type Recovery, type TornEnd } from "./recovery.ts";
import { SourceTable } from "./source-table.ts";
import { leafHash, Tree } from "./tree.ts";

export interface JournalSettings {
  /** First part of the origin in checkpoints. */
  readonly name: string;
  readonly segmentBytesMax: number;
  readonly segmentMsMax: number;
  /** Segments kept; 0 = all. */
  readonly segmentsMax: number;
  readonly checkpointRecords: number;
  readonly checkpointMs: number;
  readonly heartbeatMs: number;
  readonly keyStepMs: number;
  /** Kept free for the last words on a full disk: the rest of a batch, a record and its checkpoint. */
  readonly reserveBytes: number;
}

export interface JournalDeps {
  readonly disk: Disk;
  readonly settings: JournalSettings;
  readonly root: KeyObject;
  /** Of the key before, where the log was written with that. */
  readonly previousRoot: KeyObject | undefined;
  /** The first signs; the others sign the first checkpoint too, after an exchange of keys. */
  readonly signers: readonly Signer[];
  readonly clock: { nowMs(): number; wallMs(): number };
  readonly random: (bytes: number) => Buffer;
  /** Told each checkpoint when it is on the disk. */
  readonly onCheckpoint: (note: string, size: number) => void;
  /** Told each record's leaf hash, in order. */
  readonly onLeaf?: (leaf: Buffer) => void;
}

/** What only a record of an event, or of a process that reports, has. */
type Parts = Omit<AuditEvent, "kind" | "data">;

/**
 * The log that is being written: gives records their place, seals them, makes them durable in batches, closes and opens
 * segments, signs checkpoints. Every step blocks until the disk has done it. Errors of the disk other than "full" are
 * thrown and end the writer: after a failed sync nobody knows what the disk holds, but the next start reads it.
 */
export class Journal {
  readonly #deps: JournalDeps;
  readonly #settings: JournalSettings;
  readonly #macs: RecordMac;
  readonly logId: string;
  readonly sources: SourceTable;
  readonly #tree: Tree;
  #boot: string;
  #key: KeyObject;
  #epoch = 0;
  #lastMac: Buffer;
  #segment: number;
  #firstSegment: number;
  #segmentBytes: number;
  #segmentRecords = 0;
  #segmentStartMs: number;
  #segmentIdentity = "";
  /** The file of checkpoints that is there. */
  #notes = "";
  #notesBytes = 0;
  /** Lines that are printed, then bytes on their way to the disk. */
  #lines: string[] = [];
  #linesBytes = 0;
  #unwritten: Buffer = Buffer.alloc(0);
  #durableSize = 0;
  #checkpointSize = 0;
  #checkpointMs: number;
  #lastRecordMs: number;
  #keyMs: number;
  #wallOffsetMs: number;
  /** When the disk became full; -1 = it is not. */
  #fullMs = -1;
  #signersDue: number;
  tampers = 0;

  private constructor(
    deps: JournalDeps,
    logId: string,
    boot: string,
    state: LogState | undefined,
    root: KeyObject,
  ) {
    const nowMs = deps.clock.nowMs();
    this.#deps = deps;
    this.#settings = deps.settings;
    this.logId = logId;
    this.#boot = boot;
    this.#macs = new RecordMac(logId);
    this.#key = firstKey(root, logId, boot);
    this.#tree = state?.tree ?? new Tree();
    this.#lastMac = state?.lastMac ?? genesisMac(logId, deps.signers[0]!.publicKey);
    this.sources = state?.sources ?? new SourceTable();
    this.#segment = state?.segment ?? 1;
    this.#firstSegment = state?.firstSegment ?? 1;
    this.#segmentBytes = state?.segmentBytes ?? 0;
    this.#durableSize = this.#tree.size;
    this.#checkpointSize = -1;
    this.#segmentStartMs = this.#checkpointMs = this.#lastRecordMs = this.#keyMs = nowMs;
    this.#wallOffsetMs = deps.clock.wallMs() - nowMs;
    this.#signersDue = deps.signers.length;
  }

  /** Goes on with what was recovered, or begins. `about` is what the start says of itself. */
  static open(
    deps: JournalDeps,
    recovery: Exclude<Recovery, { kind: "wrong_key" }>,
    about: JsonObject,
  ): Journal {
    const boot = deps.random(8).toString("hex");
    const torn = recovery.kind === "untrusted" ? undefined : recovery.torn;
    if (recovery.kind !== "extends") {
      const logId = newLogId(deps.clock.wallMs(), deps.random(4));
      const journal = new Journal(deps, logId, boot, undefined, deps.root);
      const instead =
        recovery.kind === "untrusted" ? { problem: recovery.problem, untrusted: recovery.logId } : undefined;
      journal.#begin(about, torn, instead);
      return journal;
    }
    const { state } = recovery;
    const isRotated = state.rootId !== keyId(deps.root);
    const root = isRotated && deps.previousRoot !== undefined ? deps.previousRoot : deps.root;
    const journal = new Journal(deps, state.logId, boot, state, root);
    journal.#continue(state, about, torn, isRotated ? root : undefined);
    return journal;
  }

  get size(): number {
    return this.#tree.size;
  }

  /** Records that a power failure cannot take. */
  get durableSize(): number {
    return this.#durableSize;
  }

  get checkpointSize(): number {
    return this.#checkpointSize;
  }

  /** How long ago the last checkpoint was signed, or the log opened. */
  checkpointAgeMs(nowMs: number): number {
    return nowMs - this.#checkpointMs;
  }

  get segment(): number {
    return this.#segment;
  }

  get isFull(): boolean {
    return this.#fullMs >= 0;
  }

  /** Records waiting for `commit`. */
  get waiting(): number {
    return this.#tree.size - this.#durableSize;
  }

  /** The tree now: for proofs. */
  tree(): Tree {
    return this.#tree.copy();
  }

  /** Takes an event in. It is durable after the next `commit` that says so. */
  event(event: AuditEvent, source: EventSource): void {
    const { kind, data, ...parts } = event;
    if (!this.#append(kind, data, parts, source))
      this.#append("malformed_event", { problem: "longer than a record may be", kind }, {}, source);
  }

  /** A record of the writer's own about a process that reports. */
  about(
    kind: "worker_start" | "worker_exit" | "drop" | "malformed_event",
    data: JsonObject,
    source: EventSource,
  ): void {
    this.#append(kind, data, {}, source);
  }

  /**
   * Writes what is waiting and makes it durable. False: the disk is full; what is waiting goes on waiting, in the order
   * it has.
   */
  commit(): boolean {
    if (!this.#write()) return false;
    if (this.#durableSize === this.#tree.size) return true;
    const file = this.#file();
    this.#deps.disk.sync(file);
    this.#durableSize = this.#tree.size;
    this.#segmentIdentity = this.#deps.disk.identity(file);
    const nowMs = this.#deps.clock.nowMs();
    const isDue = this.#durableSize - this.#checkpointSize >= this.#settings.checkpointRecords;
    if (isDue && nowMs - this.#checkpointMs >= CHECKPOINT_MS_MIN) this.checkpoint();
    if (this.#segmentBytes >= this.#settings.segmentBytesMax) return this.#rotate();
    return true;
  }

  /** What is due by the clock. Called about once a second. */
  tick(): void {
    const nowMs = this.#deps.clock.nowMs();
    if (this.isFull) {
      if (nowMs - this.#fullMs < FULL_RETRY_MS) return;
      this.#fullMs = nowMs;
      if (!this.#write() || !this.#makeReserve()) return;
      this.#fullMs = -1;
    }
    this.#checkIdentity();
    this.#checkClock(nowMs);
    if (nowMs - this.#keyMs >= this.#settings.keyStepMs) this.#stepKey();
    if (nowMs - this.#lastRecordMs >= this.#settings.heartbeatMs) this.#append("heartbeat");
    if (!this.commit()) return;
    if (nowMs - this.#checkpointMs >= this.#settings.checkpointMs && this.#checkpointSize < this.#durableSize)
      this.checkpoint();
    if (nowMs - this.#segmentStartMs >= this.#settings.segmentMsMax && this.#segmentRecords > 2)
      this.#rotate();
  }

  /** Signs the log as it is on the disk. */
  checkpoint(): void {
    const { disk, signers } = this.#deps;
    const size = this.#durableSize;
    if (size === this.#checkpointSize || size !== this.#tree.size) return;
    const root = this.#tree.root();
    const text = checkpointText({ origin: originOf(this.#settings.name, this.logId), size, root });
    const signing = signers.slice(0, this.#signersDue);
    const note = `${text}\n${signing.map((signer) => signer.sign(text)).join("")}`;
    const bytes = Buffer.from(note);
    const notes = notesFile({ logId: this.logId, segment: this.#segment });
    try {
      if (this.#notes !== notes) {
        if (!disk.list().includes(notes)) disk.create(notes);
        disk.syncDirectory();
        this.#notes = notes;
        this.#notesBytes = disk.size(notes);
      }
      for (let done = 0; done < bytes.length; ) done += disk.append(notes, bytes.subarray(done));
      disk.sync(notes);
      this.#notesBytes += bytes.length;
      disk.replace(headFile, bytes);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      // It is tried again; the records themselves are safe. Half a note would spoil those after it.
      if (this.#notes === notes) disk.truncate(notes, this.#notesBytes);
      return;
    }
    this.#signersDue = 1;
    this.#checkpointSize = size;
    this.#checkpointMs = this.#deps.clock.nowMs();
    this.#deps.onCheckpoint(note, size);
  }

  /** The last record, and the last checkpoint. */
  close(): void {
    this.#append("process_stop");
    if (this.commit()) this.checkpoint();
  }

  #begin(about: JsonObject, torn: TornEnd | undefined, instead: JsonObject | undefined): void {
    const { disk, root, signers } = this.#deps;
    disk.create(this.#file());
    disk.syncDirectory();
    const data = {
      key: keyId(root),
      origin: originOf(this.#settings.name, this.logId),
      vkey: signers[0]!.vkey,
    };
    this.#append("genesis", { ...(instead === undefined ? {} : { instead }), ...data });
    this.#append("process_start", { ...about, key: keyId(root) });
    if (torn !== undefined) this.#append("recovered", { ...torn });
    this.#startUp();
  }

  /** `previousRoot`: the log was written with that key, and goes on with ours from here. */
  #continue(
    state: LogState,
    about: JsonObject,
    torn: TornEnd | undefined,
    previousRoot: KeyObject | undefined,
  ): void {
    const { root } = this.#deps;
    const isNew = state.isSealed;
    if (isNew) this.#segment++;
    if (isNew || state.segmentBytes === 0) this.#openSegment(isNew, previousRoot ?? root);
    this.#append("process_start", { ...about, key: keyId(previousRoot ?? root) });
    if (torn !== undefined) this.#append("recovered", { ...torn });
    if (previousRoot !== undefined) this.#exchangeKeys(about);
    this.#startUp();
  }

  #startUp(): void {
    this.commit();
    this.checkpoint();
    if (!this.#makeReserve()) this.#fullMs = this.#deps.clock.nowMs();
  }

  /** The old key vouches for the new one; what follows is a start of its own. */
  #exchangeKeys(about: JsonObject): void {
    const { root, signers, random } = this.#deps;
    this.#append("key_rotate", { to: keyId(root), vkey: signers[0]!.vkey });
    this.#boot = random(8).toString("hex");
    this.#key = firstKey(root, this.logId, this.#boot);
    this.#epoch = 0;
    this.#append("process_start", { ...about, key: keyId(root) });
  }

  #file(): string {
    return segmentFile({ logId: this.logId, segment: this.#segment });
  }

  /** False: the line would be too long. */
  #append(
    kind: AuditEvent["kind"] | WriterKind,
    data: JsonObject | undefined = undefined,
    parts: Parts = {},
    source: EventSource | undefined = undefined,
  ): boolean {
    const { clock } = this.#deps;
    const { line, mac } = sealRecord(
      {
        boot: this.#boot,
        cfg: parts.cfg,
        data,
        ep: this.#epoch,
        kind,
        mono: String(Math.round(clock.nowMs() * 1000)),
        out: parts.out,
        req: parts.req,
        rid: parts.rid,
        seg: this.#segment,
        seq: this.#tree.size,
        src: parts.src,
        trace: parts.trace,
        ts: new Date(clock.wallMs()).toISOString(),
        v: 1,
        w: source,
      },
      this.#key,
      this.#macs,
      this.#lastMac,
    );
    if (line.length > LINE_BYTES_MAX) return false;
    const leaf = leafHash(Buffer.from(line.slice(0, -1), "latin1"));
    this.#lastMac = mac;
    this.#tree.push(leaf);
    this.#lines.push(line);
    this.#linesBytes += line.length;
    this.#segmentRecords++;
    this.#lastRecordMs = clock.nowMs();
    if (source !== undefined) {
      this.sources.set(source);
      if (kind === "worker_exit") this.sources.forget(source.b);
    }
    this.#deps.onLeaf?.(leaf);
    return true;
  }

  /** Whether more events may come before `commit`: only so much may be at risk at once. */
  get hasRoom(): boolean {
    return this.#linesBytes + LINE_BYTES_MAX * 2 < BATCH_BYTES_MAX && !this.isFull;
  }

  /** Everything printed goes to the file. False: the disk is full. */
  #write(): boolean {
    if (this.#lines.length > 0) {
      this.#unwritten = Buffer.concat([this.#unwritten, Buffer.from(this.#lines.join(""), "latin1")]);
      this.#lines = [];
      this.#linesBytes = 0;
    }
    const file = this.#file();
    while (this.#unwritten.length > 0) {
      let count: number;
      try {
        count = this.#deps.disk.append(file, this.#unwritten);
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        if (!this.#giveReserve()) return false;
        continue;
      }
      this.#segmentBytes += count;
      this.#unwritten = this.#unwritten.subarray(count);
    }
    return true;
  }

  /** The disk is full: gives the reserve up for the last words. False: it is gone already. */
  #giveReserve(): boolean {
    const { disk, clock } = this.#deps;
    if (this.isFull || !this.#hasReserve()) {
      if (!this.isFull) this.#fullMs = clock.nowMs();
      return false;
    }
    disk.remove(reserveFile);
    this.#fullMs = clock.nowMs();
    this.#append("disk_full");
    this.#unwritten = Buffer.concat([this.#unwritten, Buffer.from(this.#lines.join(""), "latin1")]);
    this.#lines = [];
    this.#linesBytes = 0;
    return true;
  }

  #hasReserve(): boolean {
    const { disk } = this.#deps;
    return disk.list().includes(reserveFile) && disk.size(reserveFile) === this.#settings.reserveBytes;
  }

  #makeReserve(): boolean {
    const { disk } = this.#deps;
    if (this.#hasReserve()) return true;
    // A crash may have left a part of it.
    disk.remove(reserveFile);
    try {
      disk.create(reserveFile);
      // Zeros that are written, not a hole: a hole is no reserve.
      const zeros = Buffer.alloc(this.#settings.reserveBytes);
      for (let done = 0; done < zeros.length; ) done += disk.append(reserveFile, zeros.subarray(done));
      disk.sync(reserveFile);
      return true;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      disk.remove(reserveFile);
      return false;
    }
  }

  /** Seals the segment and opens the next. */
  #rotate(): boolean {
    const root = this.#tree.root().toString("base64");
    this.#append("segment_seal", { records: this.#segmentRecords, root, size: this.#tree.size });
    if (!this.#write()) return false;
    this.#deps.disk.sync(this.#file());
    this.#durableSize = this.#tree.size;
    this.checkpoint();
    this.#segment++;
    this.#key = nextKey(this.#key);
    this.#epoch++;
    this.#openSegment(true, undefined);
    this.#prune();
    return this.commit();
  }

  /** `root` is given where a start opens the segment. */
  #openSegment(isNew: boolean, root: KeyObject | undefined): void {
    const { disk, clock, signers } = this.#deps;
    if (isNew) {
      disk.create(this.#file());
      disk.syncDirectory();
    }
    this.#segmentBytes = 0;
    this.#segmentRecords = 0;
    // That of the file before: known again when something of this one is durable.
    this.#segmentIdentity = "";
    this.#segmentStartMs = this.#keyMs = clock.nowMs();
    this.#append("segment_open", {
      frontier: this.#tree.frontier.map((node) => node.toString("base64")),
      key: root === undefined ? this.#rootId : keyId(root),
      mac: this.#lastMac.toString("base64url"),
      sources: this.sources.toJson(),
      vkey: signers[0]!.vkey,
    });
  }

  get #rootId(): string {
    return keyId(this.#deps.root);
  }

  /** Removes the oldest segments, after it is on record that they go. */
  #prune(): void {
    const { disk } = this.#deps;
    const { segmentsMax } = this.#settings;
    const keptFrom = this.#segment - Math.max(2, segmentsMax) + 1;
    if (segmentsMax === 0 || keptFrom <= this.#firstSegment) return;
    this.#append("prune", { kept_from: keptFrom });
    if (!this.commit()) return;
    this.checkpoint();
    for (let segment = this.#firstSegment; segment < keptFrom; segment++) {
      disk.remove(segmentFile({ logId: this.logId, segment }));
      disk.remove(notesFile({ logId: this.logId, segment }));
    }
    disk.syncDirectory();
    this.#firstSegment = keptFrom;
  }

  #stepKey(): void {
    this.#key = nextKey(this.#key);
    this.#epoch++;
    this.#keyMs = this.#deps.clock.nowMs();
    this.#append("key_step");
  }

  /** Somebody else wrote to the file, put another in its place, or took it away: the log goes on in a new one. */
  #checkIdentity(): void {
    if (this.#segmentIdentity === "" || this.#unwritten.length > 0 || this.#lines.length > 0) return;
    const found = this.#deps.disk.identity(this.#file());
    if (found === this.#segmentIdentity) return;
    const segment = this.#segment;
    this.tampers++;
    this.#segment++;
    this.#key = nextKey(this.#key);
    this.#epoch++;
    this.#openSegment(true, undefined);
    this.#append("audit_tamper", { problem: found === "" ? "gone" : "changed by another", segment });
  }

  #checkClock(nowMs: number): void {
    const offsetMs = this.#deps.clock.wallMs() - nowMs;
    const stepMs = Math.round(offsetMs - this.#wallOffsetMs);
    if (Math.abs(stepMs) < CLOCK_STEP_MS) return;
    this.#wallOffsetMs = offsetMs;
    this.#append("clock_step", { ms: stepMs });
  }
}

const CHECKPOINT_MS_MIN = 1000;
const FULL_RETRY_MS = 5000;
const CLOCK_STEP_MS = 2000;
