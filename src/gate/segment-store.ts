import { Line, type LineMember } from "../std/line.ts";

export interface RoomWaiter {
  onRoom(): void;
}

/** A body that is not complete and has segments. */
export interface RoomHolder extends LineMember<RoomHolder> {
  /** Coarse monotonic ms. */
  readonly heldSinceMs: number;
  /** Its memory is wanted: it gives all back before this returns. */
  onEvicted(): void;
}

/**
 * The memory of one worker for body bytes that wait: to be inspected, or for the upstream to take them. Segments of two
 * sizes, used again; the limit counts whole segments, so that many small bodies cannot cost more than it says.
 */
export class SegmentStore {
  /** Bytes of all segments in use, and what flows were charged for. */
  usedBytes = 0;
  /** Waits that ended in a refusal. */
  overloads = 0;
  #limitBytes: number;
  readonly #small: Buffer[] = [];
  readonly #large: Buffer[] = [];
  /** Who waits for room, first come first served. A Set keeps the order and forgets anyone at once. */
  readonly #waiting = new Set<RoomWaiter>();

  /** Oldest first. */
  readonly #holders = new Line<RoomHolder>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  set limitBytes(bytes: number) {
    this.#limitBytes = bytes;
    this.#wake();
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  get hasRoom(): boolean {
    return this.usedBytes < this.#limitBytes;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** A segment with room for at least some of `bytes`: small when they fit in it. */
  take(bytes: number): Buffer {
    const size = bytes <= SMALL_BYTES ? SMALL_BYTES : LARGE_BYTES;
    this.usedBytes += size;
    return (size === SMALL_BYTES ? this.#small : this.#large).pop() ?? Buffer.allocUnsafeSlow(size);
  }

  give(segment: Buffer): void {
    this.usedBytes -= segment.length;
    const free = segment.length === SMALL_BYTES ? this.#small : this.#large;
    if (free.length < KEPT_MAX) free.push(segment);
    this.#wake();
  }

  /** Counts bytes that are held elsewhere, such as by readers; negative when they are free again. */
  charge(bytes: number): void {
    this.usedBytes += bytes;
    if (bytes < 0) this.#wake();
  }

  /** Remembers who can be asked to go. A client that never ends its body must not keep the memory of everyone else's. */
  hold(holder: RoomHolder): void {
    this.#holders.add(holder);
  }

  letGo(holder: RoomHolder): void {
    this.#holders.delete(holder);
  }

  /** Ends bodies that have not been complete for longest, and since before `untilMs`, until there is room. */
  makeRoom(untilMs: number): void {
    for (let holder = this.#holders.first; holder !== undefined; holder = this.#holders.first) {
      if (this.hasRoom || holder.heldSinceMs > untilMs) return;
      this.letGo(holder);
      holder.onEvicted();
    }
  }

  /** Told once, when there is room. */
  wait(waiter: RoomWaiter): void {
    this.#waiting.add(waiter);
  }

  forget(waiter: RoomWaiter): void {
    this.#waiting.delete(waiter);
  }

  #wake(): void {
    // Each may take a segment at once, so the room is looked at again for each.
    for (const waiter of this.#waiting) {
      if (!this.hasRoom) return;
      this.#waiting.delete(waiter);
      waiter.onRoom();
    }
  }
}

export const SMALL_BYTES = 2_048;
export const LARGE_BYTES = 16_384;
/** Free segments of a size that are kept: 4 MiB of the large ones. */
const KEPT_MAX = 256;
