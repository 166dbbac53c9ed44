import type { NginxImport, Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import type { Outcome, Verdict } from "./verdict.ts";

/** What is done with one directive of nginx. A row that does nothing is always the same: its verdict and note. */
export interface NginxRow {
  /** The usual verdict, for the documents; rows that act say which one it is. */
  readonly verdict: Verdict;
  /** Key of zion.toml it becomes; "" = none. */
  readonly becomes: string;
  /** One sentence: for the documents, and for the report where nothing more can be said. */
  readonly note: string;
  /** For each directive that is in force in a location. */
  readonly each?: (directive: Directive, place: Place) => Outcome;
  /** For all of them together, in order. */
  readonly all?: (directives: readonly Directive[], place: Place) => Outcome;
  /** For each one in the files, wherever it stands: what [server] and [tls] have once. */
  readonly once?: (directive: Directive, nginx: NginxImport) => Outcome;
}

export type NginxRows = Readonly<Record<string, NginxRow>>;

/** A directive that acts the same whatever it says. */
export function always(verdict: Verdict, note: string, becomes = ""): NginxRow {
  return { verdict, becomes, note };
}
