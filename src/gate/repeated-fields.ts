import { NameSet } from "../body/name-set.ts";
import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS, NAME_END, NAME_START } from "../http/request.ts";

/**
 * Which fields of a head have one name, of those that are not known: found in one look at each. Comparing each with each
 * took 36 us of a head with 60 of them, and heads may have 1,000 (`max_headers`). One per worker.
 */
export class RepeatedFields {
  readonly #names: NameSet;
  readonly #folded = new Uint8Array(FOLDED_BYTES);
  /** By name: its first field and its last one so far. */
  readonly #firsts = new Int16Array(FIELDS_MAX);
  readonly #lasts = new Int16Array(FIELDS_MAX);
  /** By field: the next one of its name; 0 = none, which the first field of a head never is. */
  readonly #nexts = new Int16Array(FIELDS_MAX);
  #isRepeated = false;

  /** `seed`: 32 random bits that no client can learn; see NameSet. */
  constructor(seed: number) {
    this.#names = new NameSet(seed, FIELDS_MAX);
  }

  /** Looks at a head. False: its names collide more than names do. */
  read({ arena, fields, fieldCount }: CanonicalRequest): boolean {
    const names = this.#names;
    names.clear();
    this.#isRepeated = false;
    for (let index = 0; index < fieldCount; index++) {
      const slot = index * FIELD_SLOTS;
      if (fields[slot + FIELD_ID] !== 0) continue;
      names.begin(0);
      this.#feed(arena, fields[slot + NAME_START]!, fields[slot + NAME_END]!);
      const before = names.count;
      const name = names.add(0);
      if (name < 0) return false;
      if (name === before) this.#firsts[name] = index;
      else {
        this.#nexts[this.#lasts[name]!] = index;
        this.#isRepeated = true;
      }
      this.#lasts[name] = index;
      this.#nexts[index] = 0;
    }
    return true;
  }

  /** Names of the head; those from 0 up to it have a first field. 0 when no name is repeated. */
  get names(): number {
    return this.#isRepeated ? this.#names.count : 0;
  }

  /** Index of the first field of a name. */
  first(name: number): number {
    return this.#firsts[name]!;
  }

  /** Index of the next field of the same name; 0 = it was the last. */
  next(index: number): number {
    return this.#nexts[index]!;
  }

  /** Names are tokens: their letters differ in one bit, and what that bit makes equal besides is no two tokens in use. */
  #feed(arena: Uint8Array, start: number, end: number): void {
    const folded = this.#folded;
    for (let from = start; from < end; from += FOLDED_BYTES) {
      const length = Math.min(end - from, FOLDED_BYTES);
      for (let at = 0; at < length; at++) folded[at] = arena[from + at]! | 0x20;
      this.#names.feed(folded, 0, length);
    }
  }
}

const FOLDED_BYTES = 64;
/** At least as many as `max_headers` may allow. */
const FIELDS_MAX = 1024;
