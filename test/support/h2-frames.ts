import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";

/** Frame types (RFC 9113 §6). */
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** One frame, with whatever the test wants in it. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = empty): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export type Fields = readonly (readonly [name: string, value: string])[];

/** A header block of literals without indexing and without Huffman coding: every byte as given, latin-1. */
export function block(fields: Fields): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])),
  );
}

/** A literal that enters the dynamic table. */
export function indexed(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
}

/** A reference to an entry of the table; 62 is the newest dynamic one. */
export function reference(index: number): Buffer {
  return integer(index, 7, 0x80);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  return Buffer.concat(
    pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), uint32(value)])),
  );
}

/** HEADERS of a whole request, then DATA if there is a body. */
export function request(stream: number, fields: Fields, body?: string | Buffer): Buffer {
  const head = frame(HEADERS, END_HEADERS | (body === undefined ? END_STREAM : 0), stream, block(fields));
  return body === undefined
    ? head
    : Buffer.concat([head, frame(DATA, END_STREAM, stream, Buffer.from(body as string, "latin1"))]);
}

/** The pseudo-fields of a GET, then `fields`. */
export function get(path: string, ...fields: Fields): Fields {
  return head("GET", path, ...fields);
}

export function head(method: string, path: string, ...fields: Fields): Fields {
  return [[":method", method], [":scheme", "https"], [":authority", "localhost"], [":path", path], ...fields];
}

/** A connection that speaks frames. */
export interface FrameClient {
  readonly socket: net.Socket;
  readonly frames: readonly Frame[];
  send(...bytes: readonly Uint8Array[]): void;
  /** The first frame, seen or to come, that fits. Rejects when the connection ends or after `deadlineMs`. */
  wait(fits: (frame: Frame) => boolean, deadlineMs?: number): Promise<Frame>;
  /**
   * What became of a stream: the status of its answer, `reset N`, `goaway N`, or `closed`.
   */
  outcome(stream: number): Promise<string>;
  /** Body of a stream so far. */
  body(stream: number): string;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  isClosed(): boolean;
  end(): void;
}

export interface FrameClientOptions {
  /** Over TLS with ALPN h2 (default), or in the clear. */
  readonly secure?: boolean;
  /** Sent first; default: the preface and empty SETTINGS. */
  readonly opening?: Uint8Array;
  readonly serverName?: string;
  /** More of the TLS client: a certificate. */
  readonly tls?: tls.ConnectionOptions;
}

export async function openFrames(port: number, options: FrameClientOptions = {}): Promise<FrameClient> {
  const socket =
    options.secure === false
      ? net.connect({ port, host: "127.0.0.1" })
      : tls.connect({
          port,
          host: "127.0.0.1",
          servername: options.serverName ?? "localhost",
          ALPNProtocols: ["h2"],
          rejectUnauthorized: false,
          ...options.tls,
        });
  // What a test sends leaves at once: else it waits 40 ms behind what is not yet acknowledged.
  socket.setNoDelay(true);
  const frames: Frame[] = [];
  let rest: Buffer = empty;
  let isClosed = false;
  let wake: (() => void)[] = [];
  const stir = (): void => {
    const woken = wake;
    wake = [];
    for (const resume of woken) resume();
  };
  socket.on("error", () => {});
  socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 9) {
      const length = rest.readUIntBE(0, 3);
      if (rest.length < 9 + length) break;
      frames.push({
        type: rest[3]!,
        flags: rest[4]!,
        stream: rest.readUInt32BE(5) & 0x7fffffff,
        payload: Buffer.from(rest.subarray(9, 9 + length)),
      });
      rest = rest.subarray(9 + length);
    }
    stir();
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      isClosed = true;
      stir();
      resolve();
    });
  });
  await once(socket, options.secure === false ? "connect" : "secureConnect");
  socket.write(options.opening ?? Buffer.concat([preface, frame(SETTINGS, 0, 0)]));

  const seek = async (fits: (frame: Frame) => boolean, deadlineMs: number): Promise<Frame | undefined> => {
    const until = Date.now() + deadlineMs;
    for (;;) {
      const found = frames.find(fits);
      if (found !== undefined || isClosed) return found;
      const leftMs = until - Date.now();
      if (leftMs <= 0) throw new Error(`nothing came within ${deadlineMs} ms; ${frames.length} frames did`);
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        new Promise<void>((resume) => wake.push(resume)),
        new Promise<void>((resume) => {
          timer = setTimeout(resume, leftMs);
        }),
      ]);
      clearTimeout(timer);
    }
  };
  return {
    socket,
    frames,
    send(...bytes) {
      if (!socket.destroyed) socket.write(Buffer.concat(bytes));
    },
    async wait(fits, deadlineMs = 5000) {
      const found = await seek(fits, deadlineMs);
      if (found === undefined) throw new Error("the connection ended first");
      return found;
    },
    async outcome(stream) {
      const found = await seek(
        ({ type, stream: id }) =>
          ((type === HEADERS || type === RST_STREAM) && id === stream) || type === GOAWAY,
        5000,
      );
      if (found === undefined) return "closed";
      if (found.type === GOAWAY) return `goaway ${found.payload.readUInt32BE(4)}`;
      if (found.type === RST_STREAM) return `reset ${found.payload.readUInt32BE(0)}`;
      return readStatus(found.payload);
    },
    body(stream) {
      return frames
        .filter((one) => one.type === DATA && one.stream === stream)
        .map((one) => one.payload.latin1Slice())
        .join("");
    },
    closed,
    isClosed: () => isClosed,
    end: () => socket.destroy(),
  };
}

/** Status of an answer's header block: its first field. Huffman-coded digits are all that is decoded. */
export function readStatus(payload: Uint8Array): string {
  let at = 0;
  while ((payload[at]! & 0xe0) === 0x20) at++; // table size updates
  const first = payload[at]!;
  if ((first & 0x80) !== 0) {
    const known = ["200", "204", "206", "304", "400", "404", "500"][(first & 0x7f) - 8];
    if (known === undefined)
      throw new Error(`a status by reference ${first & 0x7f}: one request a connection`);
    return known;
  }
  const size = payload[at + 1]!;
  const bytes = payload.subarray(at + 2, at + 2 + (size & 0x7f));
  if ((size & 0x80) === 0) return Buffer.from(bytes).latin1Slice();
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  let digits = "";
  for (let bit = 0; digits.length < 3; ) {
    const five = Number.parseInt(bits.slice(bit, bit + 5), 2);
    if (five <= 2) {
      digits += five;
      bit += 5;
    } else {
      digits += Number.parseInt(bits.slice(bit, bit + 6), 2) - 0x19 + 3;
      bit += 6;
    }
  }
  return digits;
}

const empty = Buffer.alloc(0);

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([integer(bytes.length, 7, 0), bytes]);
}

/** RFC 7541 §5.1. */
function integer(value: number, prefixBits: number, pattern: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([pattern | value]);
  const bytes = [pattern | most];
  let rest = value - most;
  while (rest >= 128) {
    bytes.push((rest & 127) | 128);
    rest >>= 7;
  }
  return Buffer.from([...bytes, rest]);
}
