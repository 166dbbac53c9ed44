import type { Place } from "../body/place.ts";
import { type Inspector, RECORD_DEPTH } from "../waf/inspector.ts";
import { CleanValues } from "./clean-values.ts";

/**
 * Short strings that come again and again in one JSON body: records repeat their cities, states and texts. One that was
 * read twice, with nothing seen in it, is not read again; its work is counted as if it were, so that no verdict depends on
 * it. Nothing is known from one body to the next: how long a look takes would tell a client what others sent.
 */
export class RepeatedStrings {
  /** Made when the first long body comes; 20 KiB. */
  #seen: CleanValues | undefined;
  #looks = 0;
  #hits = 0;

  /** Before each body. */
  clear(): void {
    this.#looks = 0;
  }

  /** Gives the string to the inspector, which has seen only this body's since `clear`. */
  take(inspector: Inspector, bytes: Uint8Array, start: number, end: number, place: Place): void {
    const length = end - start;
    if (length === 0 || length > BYTES_MAX || place.repeated > 0 || place.goesOn || !this.#pays()) {
      inspector.value(bytes, start, end, place);
      return;
    }
    const seen = this.#seen!;
    const known = seen.unitsOf(bytes, start, end);
    if (known >= 0 && inspector.countAgain(length, known)) {
      this.#hits++;
      return;
    }
    const before = inspector.workUnits;
    inspector.value(bytes, start, end, place);
    if (known >= 0 || inspector.detections > 0 || inspector.done) return;
    // The name of a file that a record may hold is another thing in a parameter.
    if (place.depth <= RECORD_DEPTH || !bytes.subarray(start, end).includes(0x2f))
      seen.addSecond(bytes, start, end, inspector.workUnits - before);
  }

  /** Whether at least every eighth was known so far: a look that finds nothing costs a tenth of an inspection. */
  #pays(): boolean {
    if (this.#looks === 0) {
      this.#seen ??= new CleanValues(SLOTS, BYTES_MAX);
      this.#seen.clear();
      this.#hits = 0;
    }
    if (this.#looks < TRIAL) this.#looks++;
    return this.#looks < TRIAL || this.#hits * 8 >= TRIAL;
  }
}

const BYTES_MAX = 64;
const SLOTS = 256;
/** Looks after which it is known whether they pay. */
const TRIAL = 512;
