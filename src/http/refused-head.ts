/**
 * What can be made out of a head that was refused: for people who search a log, never for a decision. Printable ASCII, "" = not
 * to be made out. Nothing from `?` or `#` on, and no authority with userinfo: a password may stand there.
 */
export interface RefusedHead {
  /** As sent. */
  readonly method: string;
  /** The target up to its query, as sent, of at most 256 bytes. */
  readonly target: string;
  /** The first Host or `:authority`, of at most 256 bytes. */
  readonly host: string;
}

/** Of a head over HTTP/1, which may end anywhere: `source[start, end)`. Reads 8 KiB at most. */
export function findRefusedHead(source: Buffer, start: number, end: number): RefusedHead {
  const text = source.latin1Slice(start, Math.min(end, start + READ_BYTES_MAX));
  const line = REQUEST_LINE.exec(text);
  return refusedHeadOf(line?.[1] ?? "", line?.[2] ?? "", HOST_LINE.exec(text)?.[1] ?? "");
}

/** Of parts as sent, in Latin-1. */
export function refusedHeadOf(method: string, target: string, host: string): RefusedHead {
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  // Where a body is longer than was said, its rest is read as a head: words of it are not for a log.
  const isTold = TARGET.test(path);
  return {
    method: isTold || CAPITALS.test(method) ? printable(method.slice(0, METHOD_BYTES_MAX)) : "",
    target: isTold ? printable(path.slice(0, VALUE_BYTES_MAX)) : "",
    host: host.includes("@") ? "" : printable(host.slice(0, VALUE_BYTES_MAX)),
  };
}

/** In one text: `GET /a%255C, Host shop.example`. */
export function refusedHeadText({ method, target, host }: RefusedHead): string {
  const line = target === "" ? method : `${method} ${target}`;
  if (host === "") return line;
  return line === "" ? `Host ${host}` : `${line}, Host ${host}`;
}

const READ_BYTES_MAX = 8192;
const METHOD_BYTES_MAX = 32;
const VALUE_BYTES_MAX = 256;

/** RFC 9112 §2.2: an empty line may stand before it. A target that is cut ends where the reading did. */
const REQUEST_LINE = /^(?:\r?\n)?([!#$%&'*+.^`|~\w-]{1,32})(?= |\r|\n|$)(?: ([^ \r\n]*))?/;
const TARGET = /^(?:\/|\*$|https?:\/\/[^@]*$)/i;
const CAPITALS = /^[A-Z]+$/;
const HOST_LINE = /\nhost[ \t]*:[ \t]*([^\r\n]{0,257})/i;

function printable(text: string): string {
  return text
    .trim()
    .replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
