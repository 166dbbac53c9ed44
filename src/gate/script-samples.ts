import { JSON_SAMPLE, type Place } from "../body/place.ts";

/**
 * Finds in the reports of browsers the samples that they cut from a page's own script or style (CSP3 §5.3: its first 40
 * characters). They are code, and no sign that somebody sent some: rules about script do not look at them.
 */
export class ScriptSamples {
  /** The body is a report. */
  isReport = false;
  #isNext = false;

  /** A key of JSON. */
  key(bytes: Uint8Array, start: number, end: number): void {
    this.#isNext = this.isReport && keys.has(Buffer.from(bytes.subarray(start, end)).latin1Slice());
  }

  /** A string of JSON: its kind becomes JSON_SAMPLE when it is one. */
  string(start: number, end: number, place: Place): void {
    if (!this.#isNext) return;
    this.#isNext = false;
    const isShort = end - start <= SAMPLE_BYTES_MAX && !place.goesOn && place.repeated === 0;
    if (isShort && PLACE.test(place.text())) place.kind = JSON_SAMPLE;
  }
}

const keys: ReadonlySet<string> = new Set(["script-sample", "sample"]);
/** In the form of `report-uri`, and in that of the Reporting API. */
const PLACE = /^json:\$(?:\.csp-report\.script-sample|(?:\[\d+\])?\.body\.sample)$/;
/** 40 characters of up to 3 bytes, and what Trusted Types put before them (`HTMLScriptElement textContent|`). */
const SAMPLE_BYTES_MAX = 160;
