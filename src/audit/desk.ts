import { timingSafeEqual } from "node:crypto";
import { isPlain, type JsonObject } from "./canonical.ts";
import { type Frame, FrameReader, frame, frameTypes, type Hello, type Welcome } from "./frame.ts";
import type { Journal } from "./journal.ts";
import { type AuditEvent, type EventKind, type EventSource, eventKinds } from "./record.ts";

/** A connection, as the desk needs it. Met by node:net `Socket`. */
export interface Peer {
  write(bytes: Buffer): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

interface Seat {
  readonly peer: Peer;
  readonly reader: FrameReader;
  source: { readonly b: string; readonly id: number } | undefined;
  /** Last number taken in, and told to be durable. */
  heard: number;
  told: number;
  isPaused: boolean;
}

export interface DeskOptions {
  readonly journal: Journal;
  /** Whoever says it is a process of this gateway. */
  readonly token: string;
  /** How long an event that nobody waits for may wait for the disk. */
  readonly syncMs: number;
  readonly nowMs: () => number;
}

/**
 * Where the processes' events become records: checks who reports and what, leaves out what is on record already, makes
 * batches durable and says so. What a process sends is data of a process that reads hostile bytes: it is parsed,
 * checked and printed again, never copied into the log.
 */
export class Desk {
  events = 0;
  refused = 0;
  dropped = 0;
  readonly #options: DeskOptions;
  readonly #seats = new Set<Seat>();
  /** Processes that are not connected: since when, by their id. */
  readonly #absent = new Map<string, number>();
  #isHasty = false;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
    for (const { b } of options.journal.sources.entries()) this.#absent.set(b, options.nowMs());
  }

  get peers(): number {
    return this.#seats.size;
  }

  /** A connection is there. Returns what to call with its bytes, and at its end. */
  join(peer: Peer): { hear(chunk: Buffer): void; leave(): void } {
    const seat: Seat = {
      peer,
      reader: new FrameReader(),
      source: undefined,
      heard: 0,
      told: 0,
      isPaused: false,
    };
    this.#seats.add(seat);
    if (this.#seats.size > SEATS_MAX) peer.destroy();
    return {
      hear: (chunk) => {
        seat.reader.push(chunk);
        this.#serve(seat);
      },
      leave: () => {
        this.#seats.delete(seat);
        const b = seat.source?.b;
        const isBack = [...this.#seats].some(({ source }) => source?.b === b);
        if (b !== undefined && !isBack) this.#absent.set(b, this.#options.nowMs());
      },
    };
  }

  /** About once a second. */
  tick(): void {
    const { journal, nowMs } = this.#options;
    const wasFull = journal.isFull;
    for (const [b, sinceMs] of this.#absent) if (nowMs() - sinceMs >= ABSENT_MS) this.#sayGoodbye(b);
    this.#commit();
    journal.tick();
    if (wasFull && !journal.isFull) this.#tellState();
    for (const seat of this.#seats) if (seat.isPaused && journal.hasRoom) this.#resume(seat);
  }

  /** The last words. */
  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
    const { journal } = this.#options;
    for (const { b } of journal.sources.entries()) this.#sayGoodbye(b);
    this.#commit();
    journal.close();
  }

  #serve(seat: Seat): void {
    const { journal } = this.#options;
    for (;;) {
      if (!journal.hasRoom) {
        this.#commit();
        if (!journal.hasRoom) {
          seat.isPaused = true;
          seat.peer.pause();
          return;
        }
      }
      const next = seat.reader.next();
      if (next === undefined) break;
      if (next === "too_long" || !this.#take(seat, next)) {
        this.refused++;
        seat.peer.destroy();
        return;
      }
    }
    if (journal.waiting === 0) return;
    // Everything that came with it goes along.
    if (this.#isHasty || journal.waiting >= BATCH_RECORDS) this.#soon ??= setImmediate(() => this.#commit());
    else this.#timer ??= setTimeout(() => this.#commit(), this.#options.syncMs);
  }

  #resume(seat: Seat): void {
    seat.isPaused = false;
    seat.peer.resume();
    this.#serve(seat);
  }

  /** False: not a process of ours, or it talks nonsense. */
  #take(seat: Seat, { type, payload }: Frame): boolean {
    if (seat.source === undefined) return type === frameTypes.hello && this.#seat(seat, payload);
    if (payload.length < 8) return false;
    const n = payload.readDoubleLE();
    if (!Number.isSafeInteger(n) || n < 1) return false;
    const known = this.#options.journal.sources.lastOf(seat.source.b);
    seat.heard = Math.max(seat.heard, n);
    // Said again after a restart of ours.
    if (n <= known) return true;
    const source: EventSource = { ...seat.source, n };
    const text = payload.toString("utf8", 8);
    if (type === frameTypes.drop) {
      const count = Number(text);
      if (count !== n - known) return false;
      this.dropped += count;
      this.#options.journal.about("drop", { count, from: known + 1, to: n }, source);
      return true;
    }
    if (n !== known + 1 || (type !== frameTypes.event && type !== frameTypes.must)) return false;
    if (type === frameTypes.must) this.#isHasty = true;
    const event = readEvent(text);
    this.events++;
    if (event === undefined)
      this.#options.journal.about("malformed_event", { bytes: text.length, problem: "not an event" }, source);
    else this.#options.journal.event(event, source);
    return true;
  }

  #seat(seat: Seat, payload: Buffer): boolean {
    const { journal, token } = this.#options;
    const hello = readHello(payload.toString());
    if (hello === undefined || !sameText(hello.token, token)) return false;
    const { b, id } = hello;
    const isNew = !journal.sources.entries().some((source) => source.b === b);
    if (isNew && journal.sources.size >= SEATS_MAX) return false;
    seat.source = { b, id };
    this.#absent.delete(b);
    if (isNew) journal.about("worker_start", {}, { b, id, n: 0 });
    // Where the disk is full it may be known and not durable: then all of it is said again.
    seat.told = this.#commit() ? journal.sources.lastOf(b) : 0;
    seat.heard = seat.told;
    seat.peer.write(
      frame(frameTypes.welcome, JSON.stringify({ n: seat.told, credit: CREDIT, isNew } satisfies Welcome)),
    );
    if (journal.isFull) seat.peer.write(frame(frameTypes.state, "\x01"));
    return true;
  }

  #sayGoodbye(b: string): void {
    const { journal } = this.#options;
    this.#absent.delete(b);
    const source = journal.sources.entries().find((entry) => entry.b === b);
    if (source !== undefined) journal.about("worker_exit", {}, source);
  }

  /** False: the disk is full. */
  #commit(): boolean {
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
    this.#timer = undefined;
    this.#soon = undefined;
    const { journal } = this.#options;
    const wasFull = journal.isFull;
    const isDurable = journal.commit();
    if (journal.isFull !== wasFull) this.#tellState();
    if (!isDurable) return false;
    this.#isHasty = false;
    for (const seat of this.#seats) {
      if (seat.source === undefined || seat.heard === seat.told) continue;
      seat.told = seat.heard;
      seat.peer.write(frame(frameTypes.acknowledged, "", seat.told));
    }
    return true;
  }

  #tellState(): void {
    const state = frame(frameTypes.state, this.#options.journal.isFull ? "\x01" : "\x00");
    for (const { peer, source } of this.#seats) if (source !== undefined) peer.write(state);
  }
}

/** Workers, the primary, and those of both that are just leaving. */
const SEATS_MAX = 300;
/** Events of one process that may be on the way. */
const CREDIT = 1024;
const BATCH_RECORDS = 256;
/** A process that does not come back within this is gone. */
const ABSENT_MS = 10_000;

const KINDS: ReadonlySet<string> = new Set(eventKinds);

function readEvent(text: string): AuditEvent | undefined {
  const value = parse(text);
  if (!isPlain(value) || typeof value !== "object" || value === null || Array.isArray(value))
    return undefined;
  const { cfg, data, kind, out, req, rid, src, trace } = value as Readonly<Record<string, unknown>>;
  if (typeof kind !== "string" || !KINDS.has(kind)) return undefined;
  return {
    kind: kind as EventKind,
    ...(typeof cfg === "number" ? { cfg } : {}),
    ...(isTable(data) ? { data } : {}),
    ...(isTable(out) ? { out } : {}),
    ...(isTable(req) ? { req } : {}),
    ...(typeof rid === "string" ? { rid } : {}),
    ...(isTable(src) ? { src } : {}),
    ...(typeof trace === "string" ? { trace } : {}),
  };
}

function readHello(text: string): Hello | undefined {
  const value = parse(text);
  if (!isTable(value)) return undefined;
  const { token, b, id } = value;
  if (typeof token !== "string" || typeof b !== "string" || !/^[0-9a-f]{16}$/.test(b)) return undefined;
  return Number.isSafeInteger(id) ? { token, b, id: id as number } : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTable(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
