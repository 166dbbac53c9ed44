/** One request to be judged, whichever corpus it is from. */
export interface EvalCase {
  readonly id: string;
  readonly category: string;
  readonly expect: "block" | "pass" | "either";
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** The bytes as they are to be sent, where the corpus has them; method, target, headers and body may be empty then. */
  readonly raw?: Uint8Array;
  /** Forwarding in an unambiguous form is as right as refusing. */
  readonly cleanIsRight?: boolean;
}

/** The bytes of a case on the wire. Strings are latin-1; framing is added only where the case has none. */
export function bytesOf(one: EvalCase): Uint8Array {
  if (one.raw !== undefined) return one.raw;
  const has = (wanted: RegExp): boolean => one.headers.some(([name]) => wanted.test(name));
  const fields = one.headers.map(([name, value]) => `${name}: ${value}\r\n`);
  if (!has(/^host$/i)) fields.unshift("Host: localhost\r\n");
  if (one.body.length > 0 && !has(/^(?:content-length|transfer-encoding)$/i)) {
    fields.push(`Content-Length: ${one.body.length}\r\n`);
  }
  return Buffer.concat([
    Buffer.from(`${one.method} ${one.target} HTTP/1.1\r\n${fields.join("")}\r\n`, "latin1"),
    one.body,
  ]);
}
