import net from "node:net";
import tls from "node:tls";

/** One answer as it stood on the wire. Field names are lower-cased, values untouched (latin-1). */
export interface RawAnswer {
  readonly status: number;
  readonly statusLine: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** Statuses of the 1xx answers before this one. */
  readonly interim: readonly number[];
  /**
   * How the body ended: by its own framing, by the end of the connection (no framing at all), or `cut`: the
   * connection ended or the deadline passed before the framing said so.
   */
  readonly end: "framed" | "close" | "cut";
}

export interface ConnectOptions {
  /** Everything must be over within this many ms. Default 8000. */
  readonly deadlineMs?: number;
  /** TLS options turn the connection into a TLS one. */
  readonly tls?: tls.ConnectionOptions;
  /** Address to connect from, for per-address limits. */
  readonly localAddress?: string;
}

/** A client that sends exactly the bytes it is given and keeps exactly what came back. */
export class RawClient {
  readonly socket: net.Socket;
  /** The other side sent FIN. */
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  timedOut = false;
  #received: Buffer[] = [];
  #size = 0;
  #waiters: (() => void)[] = [];
  readonly #timer: NodeJS.Timeout;
  #read = 0;

  constructor(socket: net.Socket, deadlineMs: number) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#size += bytes.length;
      this.#wake();
    });
    socket.on("end", () => {
      this.ended = true;
      this.#wake();
      socket.end();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.error = error;
    });
    socket.on("close", () => {
      this.closed = true;
      clearTimeout(this.#timer);
      this.#wake();
    });
    this.#timer = setTimeout(() => {
      this.timedOut = true;
      socket.destroy();
      this.#wake();
    }, deadlineMs);
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Sends piece by piece; each leaves in a segment of its own, because we wait for it to be flushed. */
  async sendPieces(pieces: Iterable<string | Uint8Array>): Promise<void> {
    for (const piece of pieces) {
      const bytes = typeof piece === "string" ? Buffer.from(piece, "latin1") : piece;
      if (this.socket.destroyed) return;
      await new Promise<void>((done) => this.socket.write(bytes, () => done()));
      await new Promise<void>((done) => setImmediate(done));
    }
  }

  /** FIN: nothing more from us. */
  end(): void {
    this.socket.end();
  }

  /** RST. Not after our own FIN: Node would keep the handle for ever. */
  reset(): void {
    if (this.socket.writableEnded) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Everything received so far. */
  get received(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] ?? Buffer.alloc(0);
  }

  get receivedBytes(): number {
    return this.#size;
  }

  /** What came after the last answer that was read. */
  get rest(): Buffer {
    return this.received.subarray(this.#read);
  }

  /** The next answer, or undefined when the connection ended before one began. `method` HEAD means no body. */
  async answer(method = "GET"): Promise<RawAnswer | undefined> {
    for (;;) {
      const over = this.ended || this.closed || this.timedOut;
      const found = readAnswer(this.received, this.#read, method, over);
      if (found !== undefined) {
        this.#read = found.next;
        return found.answer;
      }
      if (over) return undefined;
      await this.#more();
    }
  }

  /** Resolves when the other side has ended or reset the connection; throws at the deadline. */
  async untilOver(): Promise<void> {
    while (!this.ended && !this.closed) await this.#more();
    if (this.timedOut) throw new Error("the connection stayed open until the deadline");
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.closed) throw new Error("the connection closed before the condition held");
      await this.#more();
    }
  }

  #more(): Promise<void> {
    return new Promise((done) => this.#waiters.push(done));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

/** Opens a connection to 127.0.0.1. */
export function connect(port: number, options: ConnectOptions = {}): Promise<RawClient> {
  const deadlineMs = options.deadlineMs ?? 8000;
  return new Promise((resolve, reject) => {
    const where = { host: "127.0.0.1", port, allowHalfOpen: true };
    const from = options.localAddress === undefined ? {} : { localAddress: options.localAddress };
    const socket =
      options.tls === undefined
        ? net.connect({ ...where, ...from, noDelay: true }, () => opened())
        : tls.connect(
            { ...where, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"], ...options.tls },
            () => opened(),
          );
    const refused = (error: Error): void => reject(error);
    socket.once("error", refused);
    const opened = (): void => {
      socket.off("error", refused);
      resolve(new RawClient(socket, deadlineMs));
    };
  });
}

/** One request on a connection of its own; returns its answer after the connection is over or the answer is whole. */
export async function ask(
  port: number,
  bytes: string | Uint8Array,
  options: ConnectOptions & { readonly method?: string } = {},
): Promise<RawAnswer> {
  const client = await connect(port, options);
  try {
    client.send(bytes);
    const answer = await client.answer(options.method);
    if (answer === undefined) throw new Error(`no answer (${client.timedOut ? "deadline" : "closed"})`);
    return answer;
  } finally {
    client.destroy();
  }
}

/** First value of a field, or undefined. */
export function field(answer: RawAnswer, name: string): string | undefined {
  return answer.fields.find(([key]) => key === name)?.[1];
}

/** All values of a field. */
export function fieldAll(answer: RawAnswer, name: string): string[] {
  return answer.fields.filter(([key]) => key === name).map(([, value]) => value);
}

interface Found {
  readonly answer: RawAnswer;
  readonly next: number;
}

/** Reads one answer at `from`; undefined while it is not complete and the connection is not over. */
function readAnswer(bytes: Buffer, from: number, method: string, over: boolean): Found | undefined {
  const interim: number[] = [];
  let at = from;
  for (;;) {
    const headEnd = bytes.indexOf("\r\n\r\n", at);
    if (headEnd < 0) return undefined;
    const lines = bytes.toString("latin1", at, headEnd).split("\r\n");
    const statusLine = lines[0]!;
    const match = /^HTTP\/1\.[01] (\d{3}) /.exec(statusLine);
    if (match === null) throw new Error(`not a status line: ${JSON.stringify(statusLine.slice(0, 80))}`);
    const status = Number(match[1]);
    at = headEnd + 4;
    if (status < 200 && status !== 101) {
      interim.push(status);
      continue;
    }
    const fields = lines.slice(1).map(splitField);
    const head = { status, statusLine, fields, interim };
    const body = readBody(bytes, at, method, head, over);
    if (body === undefined) return undefined;
    return { answer: { ...head, body: body.bytes, end: body.end }, next: body.next };
  }
}

function splitField(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  if (colon <= 0) throw new Error(`not a field line: ${JSON.stringify(line.slice(0, 80))}`);
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")];
}

interface Body {
  readonly bytes: Buffer;
  readonly end: RawAnswer["end"];
  readonly next: number;
}

function readBody(
  bytes: Buffer,
  at: number,
  method: string,
  head: Pick<RawAnswer, "status" | "fields">,
  over: boolean,
): Body | undefined {
  const { status, fields } = head;
  if (method === "HEAD" || status === 204 || status === 304 || status === 101) {
    return { bytes: Buffer.alloc(0), end: "framed", next: at };
  }
  const lengths = fields.filter(([name]) => name === "content-length").map(([, value]) => value);
  const codings = fields.filter(([name]) => name === "transfer-encoding").map(([, value]) => value);
  if (lengths.length + codings.length > 1) throw new Error("the answer is framed twice");
  if (codings.length === 1) return readChunks(bytes, at, over);
  if (lengths.length === 0) {
    return over ? { bytes: bytes.subarray(at), end: "close", next: bytes.length } : undefined;
  }
  if (!/^\d+$/.test(lengths[0]!)) throw new Error(`Content-Length of an answer: ${lengths[0]}`);
  const length = Number(lengths[0]);
  if (bytes.length - at >= length)
    return { bytes: bytes.subarray(at, at + length), end: "framed", next: at + length };
  return over ? { bytes: bytes.subarray(at), end: "cut", next: bytes.length } : undefined;
}

function readChunks(bytes: Buffer, from: number, over: boolean): Body | undefined {
  const parts: Buffer[] = [];
  const cut = (): Body | undefined =>
    over ? { bytes: Buffer.concat(parts), end: "cut", next: bytes.length } : undefined;
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return cut();
    const size = bytes.toString("latin1", at, lineEnd);
    if (!/^[0-9a-fA-F]+$/.test(size))
      throw new Error(`chunk size line of an answer: ${JSON.stringify(size)}`);
    const length = Number.parseInt(size, 16);
    at = lineEnd + 2;
    if (length === 0) {
      const end = bytes.indexOf("\r\n", at) === at ? at + 2 : bytes.indexOf("\r\n\r\n", at) + 4;
      if (end < at + 2 || bytes.length < end) return cut();
      return { bytes: Buffer.concat(parts), end: "framed", next: end };
    }
    parts.push(bytes.subarray(at, Math.min(at + length, bytes.length)));
    if (bytes.length < at + length + 2) return cut();
    at += length + 2;
  }
}
