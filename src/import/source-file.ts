/** A file of the other program's configuration. */
export interface SourceFile {
  /** As the report names it. */
  readonly file: string;
  readonly text: string;
}

/** The files that an `include` or `import` names, or why there are none. */
export type IncludeFiles = (pattern: string) => readonly SourceFile[] | string;

/** Why a file cannot be understood. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}
