/** What a TLS client says in the clear before anything is agreed on. */
export interface ClientHello {
  /** As sent; "" without SNI. */
  readonly serverName: string;
  /** ALPN, as sent. */
  readonly protocols: readonly string[];
}

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;
/** RFC 8446 §5.1, with the five bytes of the record's head. */
const RECORD_BYTES_MAX = 16_384 + 5;

/**
 * Reads the ClientHello that a connection begins with, where it fits into one record, as those of all known clients do
 * (RFC 8446 §4.1.2). Undefined: more bytes are needed, at most 16 KiB. "other": something else, or not well-formed;
 * OpenSSL reads the same bytes afterwards and says what is wrong with them. Any bytes may be given; never throws.
 */
export function readClientHello(bytes: Uint8Array): ClientHello | "other" | undefined {
  if (bytes.length > 0 && bytes[0] !== HANDSHAKE) return "other";
  if (bytes.length < 5) return undefined;
  const end = 5 + ((bytes[3]! << 8) | bytes[4]!);
  if (end > RECORD_BYTES_MAX) return "other";
  if (bytes.length < end) return undefined;
  const record = new Cursor(bytes, 5, end);
  if (record.take(1) !== CLIENT_HELLO) return "other";
  const hello = record.open(3);
  hello.skip(2 + 32); // version, random
  hello.open(1); // session id
  hello.open(2); // suites
  hello.open(1); // compression
  const extensions = hello.open(2);
  let serverName = "";
  let protocols: readonly string[] = [];
  while (extensions.hasMore) {
    const kind = extensions.take(2);
    const body = extensions.open(2);
    if (kind === SERVER_NAME) serverName = readServerName(body);
    else if (kind === ALPN) protocols = readProtocols(body);
    if (body.isBroken) return "other";
  }
  return record.isBroken || hello.isBroken || extensions.isBroken ? "other" : { serverName, protocols };
}

/** RFC 6066 §3. */
function readServerName(body: Cursor): string {
  const list = body.open(2);
  const isHostName = list.take(1) === 0;
  const name = list.open(2).text();
  body.fail(list.isBroken);
  return isHostName ? name : "";
}

/** RFC 7301 §3.1. */
function readProtocols(body: Cursor): readonly string[] {
  const list = body.open(2);
  const names: string[] = [];
  while (list.hasMore) names.push(list.open(1).text());
  body.fail(list.isBroken);
  return names;
}

/** Walks forward through bytes. Beyond their end it gives zeros and is broken from then on. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  isBroken = false;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get hasMore(): boolean {
    return !this.isBroken && this.#at < this.#end;
  }

  fail(isBroken: boolean): void {
    if (isBroken) this.isBroken = true;
  }

  skip(count: number): void {
    if (this.#at + count > this.#end) this.isBroken = true;
    else this.#at += count;
  }

  /** A number of `size` bytes. */
  take(size: number): number {
    const start = this.#at;
    this.skip(size);
    let value = 0;
    if (!this.isBroken) for (let i = start; i < start + size; i++) value = value * 256 + this.#bytes[i]!;
    return value;
  }

  /** What a length of `size` bytes announces; an empty cursor where it is not all here. */
  open(size: number): Cursor {
    const length = this.take(size);
    const start = this.#at;
    this.skip(length);
    return new Cursor(this.#bytes, start, this.isBroken ? start : start + length);
  }

  /** The rest, byte by byte. */
  text(): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, this.#end - this.#at).toString(
      "latin1",
    );
  }
}
