/**
 * The open streams of one connection by their ids, which are odd and grow. A Map makes new tables as streams come and go; those
 * that V8 counts as old keep what stood in them alive until it marks the whole heap: 10 MB a second under 40,000 requests
 * (bench/results/profiles.md).
 */
export class StreamTable<S extends { readonly id: number }> {
  size = 0;
  /**
   * Open addressing: a stream stands where its number says, or behind it, with nothing free in between. A client that picks ids
   * for one slot makes a look-up as long as its streams are many: 100 (STREAMS_MAX).
   */
  #slots: (S | undefined)[] = emptySlots(SLOTS_AT_FIRST);

  get(id: number): S | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = (id >>> 1) & mask; ; at = (at + 1) & mask) {
      const stream = slots[at];
      if (stream === undefined || stream.id === id) return stream;
    }
  }

  /** Not one that is in it already. */
  add(stream: S): void {
    if (2 * this.size >= this.#slots.length) this.#grow();
    this.size++;
    place(this.#slots, stream);
  }

  delete(stream: S): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let free = (stream.id >>> 1) & mask;
    while (slots[free] !== stream) {
      if (slots[free] === undefined) return;
      free = (free + 1) & mask;
    }
    this.size--;
    // Who stands behind moves up where it may, so that nobody is looked for past a free slot (Knuth 6.4, Algorithm R).
    for (let at = (free + 1) & mask; slots[at] !== undefined; at = (at + 1) & mask) {
      const next = slots[at]!;
      const wanted = (next.id >>> 1) & mask;
      if (((at - wanted) & mask) < ((at - free) & mask)) continue;
      slots[free] = next;
      free = at;
    }
    slots[free] = undefined;
  }

  /** Those of now, in the order in which they were opened. */
  all(): readonly S[] {
    return this.#slots.filter((stream) => stream !== undefined).sort((a, b) => a.id - b.id);
  }

  #grow(): void {
    const slots = emptySlots<S>(2 * this.#slots.length);
    for (const stream of this.#slots) if (stream !== undefined) place(slots, stream);
    this.#slots = slots;
  }
}

const SLOTS_AT_FIRST = 16;

function emptySlots<S>(count: number): (S | undefined)[] {
  return new Array<S | undefined>(count).fill(undefined);
}

function place<S extends { readonly id: number }>(slots: (S | undefined)[], stream: S): void {
  const mask = slots.length - 1;
  let at = (stream.id >>> 1) & mask;
  while (slots[at] !== undefined) at = (at + 1) & mask;
  slots[at] = stream;
}
