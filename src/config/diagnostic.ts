import type { DiagnosticCode } from "./codes.ts";

/** A problem of a config file, found and placed. Positions are 1-based and count characters, not bytes. */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: "error" | "warning";
  readonly message: string;
  /** As the operator named it; `<stdin>` for standard input. */
  readonly file: string;
  /** Whether `file` is another than the config. Its lines are not quoted: by mistake it may be anything, a key too. */
  readonly elsewhere: boolean;
  /** 0 when the problem is the whole file. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** Text at the caret: did-you-mean, or what was expected. "" = none. */
  readonly label: string;
  /** What would happen if this were accepted, or what happens because it is not. */
  readonly effect: string;
  /** What to do about it; one line. */
  readonly fix: string;
  /** The nearest valid name, when there is one. */
  readonly suggestion: string | undefined;
  /** Line of the table header above, shown for orientation; 0 = none. */
  readonly headerLine: number;
  /** Other places that matter, such as the definition a reference misses. */
  readonly related: readonly RelatedSpan[];
}

export interface RelatedSpan {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly label: string;
}
