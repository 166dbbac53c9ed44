import type { Socket } from "node:net";
import { copyOf, DirectWrite, isWaiting, type WriteOwner } from "./direct-write.ts";

/** Whose messages leave with the others of the turn. */
export interface Leaver extends WriteOwner {
  /** The turn in which it left. Written by the outbox; -1 = never. */
  leftTurn: number;
}

/** Room for what one event gathers before it is flushed in parts. */
export const GATHERED_BYTES = 65_536 + 1024;
/** Writes that may leave together: what is first waits for what is last. */
const LEAVING_MAX = 64;
const LEAVING_BYTES_MAX = 65_536;
/**
 * A larger message leaves at once: it wakes its reader for longer than the others take. TLS records and frames of HTTP/2
 * have 16 KiB, and may be chunks of what leaves.
 */
const LEAVING_MESSAGE_BYTES_MAX = 16_384 + 64;
/** Sockets that hold a whole buffer for a small message that they did not take: 1 MiB. */
const KEEPERS_MAX = 8;

/**
 * One output buffer for all sockets of a worker in one direction: a head and its body are put together here and leave
 * in one write. What is gathered belongs to one socket at a time and leaves or is flushed before the event that gathered
 * it ends.
 *
 * What is gathered may leave at the end of the event loop's turn, one write right after the other: the peers, and the
 * kernel that wakes them, are asked once and not between the work on every two requests. Measured: 7 to 10 % of the CPU
 * of a small request (decision 0030).
 *
 * The buffer may be used again after `write` only if the kernel or the TLS layer has taken the bytes. A plain socket
 * has when nothing is left queued (`writableLength === 0`); a TLS socket has when nothing was queued before, because
 * SSL_write copies. Otherwise small data is copied and large data keeps this buffer, and a new one is made. What the kernel
 * will not take is known too late for a copy: few sockets at a time may keep a buffer for small data, and while they do it
 * is copied for all.
 */
export class Outbox {
  bytes: Buffer;
  /** Where the next byte goes. */
  end = 0;
  /** Counts the writes of what left together. */
  turn = 0;
  /** Where what is gathered begins; what leaves at the end of the turn stands before it. */
  #start = 0;
  readonly #direct: DirectWrite;
  #leaving = 0;
  readonly #sockets: (Socket | undefined)[] = new Array(LEAVING_MAX).fill(undefined);
  readonly #leavers: (Leaver | undefined)[] = new Array(LEAVING_MAX).fill(undefined);
  readonly #ends = new Int32Array(LEAVING_MAX);
  readonly #areEncrypted = new Uint8Array(LEAVING_MAX);
  /** Who got a whole buffer for a small message; undefined = nobody, or it has gone since. */
  readonly #keepers: (Socket | undefined)[] = new Array(KEEPERS_MAX).fill(undefined);
  /** The place of the next one. */
  #keeper = 0;
  readonly #endTurn = (): void => this.settle();

  /** `capacity` in bytes. Where messages leave together there is room for them beside the largest head. */
  constructor(capacity = GATHERED_BYTES + LEAVING_BYTES_MAX, direct = new DirectWrite()) {
    this.#direct = direct;
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Free room. */
  get room(): number {
    return this.bytes.length - this.end;
  }

  /** What is gathered is not sent. */
  drop(): void {
    this.end = this.#start;
  }

  /**
   * Makes room for `bytes` in one piece, for what is printed at offsets of its own: flushes, and takes a larger buffer
   * where the whole one is too small, which a configuration with large heads asks for.
   */
  reserve(bytes: number, socket: Socket, encrypted: boolean): void {
    if (this.room >= bytes) return;
    this.flush(socket, encrypted);
    this.settle();
    if (this.bytes.length < bytes) this.bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** Adds `source[start, end)`, flushing to `socket` as often as the room asks for. */
  append(source: Uint8Array, start: number, end: number, socket: Socket, encrypted: boolean): void {
    while (start < end) {
      let room = this.bytes.length - this.end;
      if (room === 0) {
        this.flush(socket, encrypted);
        room = this.bytes.length;
      }
      const count = end - start < room ? end - start : room;
      this.bytes.set(source.subarray(start, start + count), this.end);
      this.end += count;
      start += count;
    }
  }

  /**
   * What is gathered leaves at the end of the turn, before what is gathered later. Whoever uses the socket otherwise settles
   * first. Returns false when the socket wants the caller to wait for 'drain'; `onQueued` may say so later.
   */
  leave(leaver: Leaver, socket: Socket, encrypted: boolean): boolean {
    const length = this.end - this.#start;
    if (length > LEAVING_MESSAGE_BYTES_MAX || socket.writableLength !== 0 || socket.connecting)
      return this.flush(socket, encrypted);
    if (length === 0) return isFree(socket);
    const last = this.#leaving - 1;
    if (last >= 0 && this.#leavers[last] === leaver) {
      // Answers to requests that came together.
      this.#ends[last] = this.end;
    } else {
      const index = this.#leaving++;
      if (index === 0) setImmediate(this.#endTurn);
      this.#sockets[index] = socket;
      this.#leavers[index] = leaver;
      this.#ends[index] = this.end;
      this.#areEncrypted[index] = encrypted ? 1 : 0;
      leaver.leftTurn = this.turn;
    }
    this.#start = this.end;
    if (this.#leaving === LEAVING_MAX || this.#start > LEAVING_BYTES_MAX) this.settle();
    return true;
  }

  /** Its message has not been written yet. */
  isLeaving(leaver: Leaver): boolean {
    return leaver.leftTurn === this.turn;
  }

  /** Writes what leaves in this turn. What is being gathered stays. */
  settle(): void {
    const count = this.#leaving;
    if (count === 0) return;
    this.turn = (this.turn + 1) & 0x3fff_ffff;
    this.#leaving = 0;
    const { bytes } = this;
    let start = 0;
    let isTaken = true;
    for (let i = 0; i < count; i++) {
      const end = this.#ends[i]!;
      const socket = this.#sockets[i]!;
      if (!socket.destroyed) isTaken = this.#write(i, socket, bytes.subarray(start, end)) && isTaken;
      this.#sockets[i] = this.#leavers[i] = undefined;
      start = end;
    }
    if (!isTaken) this.bytes = Buffer.allocUnsafeSlow(bytes.length);
    if (this.end > start) bytes.copy(this.bytes, 0, start, this.end);
    this.end -= start;
    this.#start = 0;
  }

  /** Whether nobody needs the bytes any more. A bug costs the socket that met it, and never the turn of the others. */
  #write(index: number, socket: Socket, bytes: Buffer): boolean {
    const leaver = this.#leavers[index]!;
    try {
      if (this.#areEncrypted[index] === 0)
        return this.#direct.write(socket, bytes, leaver, this.#hasPlace()) || this.#keep(socket);
      const isFirst = socket.writableLength === 0;
      if (!socket.write(isFirst ? bytes : copyOf(bytes))) leaver.onQueued();
      return true;
    } catch (cause) {
      socket.destroy(cause as Error);
      return false;
    }
  }

  /** Writes what is gathered. Returns false when the socket wants the caller to wait for 'drain'. */
  flush(socket: Socket, encrypted: boolean): boolean {
    if (this.end === this.#start) return isFree(socket);
    // What left before must not come after.
    if (this.#leaving > 0) this.settle();
    const length = this.end;
    this.end = 0;
    const queuedBefore = socket.writableLength;
    const bytes = this.bytes.subarray(0, length);
    const isSmall = length <= COPY_BYTES_MAX;
    if (isSmall && (queuedBefore !== 0 || (!encrypted && !this.#hasPlace()))) {
      socket.write(copyOf(bytes));
      return isFree(socket);
    }
    socket.write(bytes);
    const taken = encrypted ? queuedBefore === 0 && !socket.connecting : socket.writableLength === 0;
    if (!taken) this.bytes = Buffer.allocUnsafeSlow(this.bytes.length);
    if (!taken && isSmall) this.#keep(socket);
    return isFree(socket);
  }

  /** Whether a socket may keep the buffer for a small message. Looks at one of those that do. */
  #hasPlace(): boolean {
    const keeper = this.#keepers[this.#keeper];
    if (keeper === undefined) return true;
    if (isWaiting(keeper)) {
      this.#nextPlace();
      return false;
    }
    this.#keepers[this.#keeper] = undefined;
    return true;
  }

  /** False: it needs the bytes. */
  #keep(socket: Socket): boolean {
    this.#keepers[this.#keeper] = socket;
    this.#nextPlace();
    return false;
  }

  #nextPlace(): void {
    this.#keeper = (this.#keeper + 1) % KEEPERS_MAX;
  }
}

/** The socket takes more. False: 'drain' follows. Where the kernel has it all the stream may still be about to say so. */
export function isFree(socket: Socket): boolean {
  return !socket.writableNeedDrain || socket.writableLength === 0;
}

/** Below this a copy is cheaper than giving a whole buffer away to a socket that is behind. */
const COPY_BYTES_MAX = 16384;
