/**
 * The form of conformance cases: raw bytes (as a latin-1 string) and what must come of them. Ids are those of the
 * bad-input catalogue (docs/threat-model.md); several cases may share one.
 */
export type Case = RefusalCase | ForwardCase | LocalCase;

/** Refused: the answer, the reason in the access log, and nothing for the upstream. */
export interface RefusalCase {
  readonly id: string;
  readonly bytes: string;
  readonly refused: number;
  /** Code of `src/reason.ts`. */
  readonly reason: string;
  /**
   * What may have reached the origin: by default not one byte. `unfinished`: the head was fine and may have been
   * forwarded, but the message must have been cut visibly, never ended.
   */
  readonly upstream?: "unfinished";
}

/** Forwarded, in exactly this form. */
export interface ForwardCase {
  readonly id: string;
  readonly bytes: string;
  /** Request line at the origin. */
  readonly line: string;
  /** Whole field lines that must be at the origin, each once. */
  readonly has?: readonly string[];
  /** Lower-case field names that must not be at the origin. */
  readonly lacks?: readonly string[];
  /** Decoded body at the origin. Default: empty. */
  readonly body?: string;
}

/** Answered by the gateway itself, and not a refusal. */
export interface LocalCase {
  readonly id: string;
  readonly bytes: string;
  readonly answered: number;
}

/** A head with these field lines. Adds nothing. */
export function head(line: string, ...fields: readonly string[]): string {
  return `${[line, ...fields].join("\r\n")}\r\n\r\n`;
}

/** GET with a Host. */
export function get(target: string, ...fields: readonly string[]): string {
  return head(`GET ${target} HTTP/1.1`, "Host: a.test", ...fields);
}

/** GET with these fields only: for Host cases. */
export function bare(...fields: readonly string[]): string {
  return head("GET /x HTTP/1.1", ...fields);
}

/** POST with a Host, these fields and this body; frames nothing. */
export function post(body: string, ...fields: readonly string[]): string {
  return head("POST /x HTTP/1.1", "Host: a.test", ...fields) + body;
}

/** POST with a chunked body: `chunks` is what stands after the head. */
export function chunked(chunks: string, ...fields: readonly string[]): string {
  return post(chunks, "Transfer-Encoding: chunked", ...fields);
}
