import type { Verdict } from "../gate/verdict.ts";
import type { GateName, GateWatch } from "../gate/watch.ts";
import type { Reason } from "../reason.ts";
import type { Finding, FindingWitness } from "../waf/finding.ts";

/** What a gate said. `waited`: what it found out came later, as the end of the exchange tells. */
export interface Heard {
  readonly gate: GateName;
  readonly reason: Reason | undefined;
  readonly waited: boolean;
  /** Since the gate before it, microseconds. */
  readonly costUs: number;
}

/** A finding with the bytes around the match, in the reading that it was made in. */
export interface Sighting {
  readonly finding: Finding;
  /** At most a terminal's line of the reading; one character is one byte. */
  readonly text: string;
  /** The match within `text`. */
  readonly from: number;
  readonly to: number;
}

/** Writes down what gates and WAF say about one request at a time. */
export class Observation implements GateWatch, FindingWitness {
  gates: Heard[] = [];
  sightings: Sighting[] = [];
  readonly #nowMs: () => number;
  #lastMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The next request comes. */
  begin(): void {
    this.gates = [];
    this.sightings = [];
    this.#lastMs = this.#nowMs();
  }

  /** The last gate that was asked has not said anything yet. */
  get isWaiting(): boolean {
    return this.gates.at(-1)?.waited === true;
  }

  onGate(gate: GateName, verdict: Verdict): void {
    const waited = verdict instanceof Promise;
    this.gates.push({ gate, reason: waited ? undefined : verdict, waited, costUs: this.lap() });
  }

  /** Microseconds since it was asked last. */
  lap(): number {
    const nowMs = this.#nowMs();
    const costUs = Math.round((nowMs - this.#lastMs) * 1000);
    this.#lastMs = nowMs;
    return costUs;
  }

  onFinding(finding: Finding, bytes: Uint8Array, start: number, end: number, from: number, to: number): void {
    const first = Math.max(start, from - BEFORE_BYTES);
    const last = Math.min(end, first + LINE_BYTES);
    let text = "";
    for (let at = first; at < last; at++) text += printable(bytes[at]!);
    this.sightings.push({ finding, text, from: from - first, to: Math.min(to, last) - first });
  }
}

/** What operators read must not act on their terminal. One character each, so that a caret can stand below. */
function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}

const BEFORE_BYTES = 24;
const LINE_BYTES = 72;
