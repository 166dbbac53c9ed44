/** One request, and everything it would meet. Plain data: it leaves the process that made it. */
export interface Explanation {
  /** Undefined where the bytes could not be read as a request. */
  readonly request: RequestFacts | undefined;
  /** In the order in which the request met them. */
  readonly steps: readonly Step[];
  readonly findings: readonly ExplainedFinding[];
  readonly decision: ExplainedDecision;
  /**
   * What the decision was made without: what only a gateway that runs knows, or the end of the request. Empty = a gateway
   * with this configuration decides the same, unless it is over a limit, has banned the client, or is overloaded.
   */
  readonly undecided: readonly string[];
  /** Generation of the configuration; 0 = a file that no gateway runs. */
  readonly generation: number;
}

export interface RequestFacts {
  readonly method: string;
  readonly scheme: "http" | "https";
  readonly host: string;
  /** As routes see it. */
  readonly path: string;
  readonly client: string;
  readonly fields: number;
  readonly bodyBytes: number;
}

/**
 * - `ok`: nothing against it. - `refused`: it ended here. - `shadow`: it would have ended here, and went on.
 * - `answered`: the gateway answers itself. - `unknown`: only a gateway that runs can tell; taken as ok.
 */
export type StepVerdict = "ok" | "refused" | "shadow" | "answered" | "unknown";

export interface Step {
  readonly name: string;
  readonly verdict: StepVerdict;
  /** One line for people. */
  readonly says: string;
  /** Microseconds, here; 0 = not measured. */
  readonly costUs: number;
}

export interface ExplainedFinding {
  readonly rule: string;
  readonly class: string;
  readonly why: string;
  readonly score: number;
  /** Reported only: it added no points. */
  readonly shadow: boolean;
  /** `json:$.q`, `header:user-agent`. */
  readonly place: string;
  /** Of the match, in bytes, in the reading that `decoders` made. */
  readonly start: number;
  readonly end: number;
  readonly decoders: readonly string[];
  /** Part of that reading; the match is `text.slice(from, to)`. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export interface ExplainedDecision {
  /** As in the log; `incomplete` = the bytes end before a decision is due. */
  readonly decision: "allow" | "deny" | "shadow" | "error" | "answer" | "incomplete";
  /** Of the gateway's own answer; 0 = the upstream answers, or nobody. */
  readonly status: number;
  readonly route: string;
  /** Stage and row of reason.ts; "" = none. */
  readonly stage: string;
  readonly reason: string;
  /** What that row says. */
  readonly doc: string;
  /** Which list, limit or word. */
  readonly detail: string;
  /** The WAF's own words: its gate, and a rule or a reader's reason; "" = none. */
  readonly wafGate: string;
  readonly wafDetail: string;
  readonly score: number;
  /** The points at which the route's profile refuses; 0 = it has no WAF. */
  readonly threshold: number;
}
