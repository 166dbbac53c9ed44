import { createHash } from "node:crypto";
import type { OriginConnection, OriginRequest, Script } from "./origin.ts";
import { type ConnectOptions, connect, type RawClient } from "./raw-client.ts";

/** The key of RFC 6455 §1.3. */
export const key = "dGhlIHNhbXBsZSBub25jZQ==";

/** A correct opening handshake with these fields in place of, or beside, the usual ones. */
export function handshake(...fields: readonly string[]): string {
  const named = new Set(fields.map((line) => line.slice(0, line.indexOf(":")).toLowerCase()));
  const usual = [
    "Host: a.test",
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
  ].filter((line) => !named.has(line.slice(0, line.indexOf(":")).toLowerCase()));
  return `${["GET /chat HTTP/1.1", ...usual, ...fields].join("\r\n")}\r\n\r\n`;
}

/** The 101 that belongs to a request's key. */
export function switching(request: Pick<OriginRequest, "fields">, ...fields: readonly string[]): string {
  const sent = request.fields.find(([name]) => name === "sec-websocket-key")?.[1] ?? "";
  const accept = createHash("sha1").update(`${sent}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return `${["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", `Sec-WebSocket-Accept: ${accept}`, ...fields].join("\r\n")}\r\n\r\n`;
}

/** Accepts every handshake; then what it receives stays in `received`. */
export const accepting: Script = (request, connection) => {
  connection.socket.write(switching(request));
};

/** Accepts every handshake and sends back what it gets, unmasked. Frames must be whole in what is read at once. */
export const echoing: Script = (request, connection) => {
  connection.socket.removeAllListeners("data");
  connection.socket.write(switching(request));
  let rest: Buffer = Buffer.alloc(0);
  connection.socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const read = readFrame(rest);
      if (read === undefined) return;
      rest = rest.subarray(read.size);
      connection.socket.write(frame(read.opcode, read.payload));
      if (read.opcode === 8) connection.socket.end();
    }
  });
};

/** A client whose handshake was answered with 101. */
export async function open(
  port: number,
  options: ConnectOptions = {},
  request: string = handshake(),
): Promise<RawClient> {
  const client = await connect(port, options);
  client.send(request);
  const answer = await client.answer();
  if (answer?.status !== 101) throw new Error(`${answer?.status ?? "no answer"} to a handshake`);
  return client;
}

/** One frame. With `mask` it is a client's. */
export function frame(
  opcode: number,
  payload: Uint8Array | string = "",
  options: { readonly mask?: boolean; readonly more?: boolean; readonly bits?: number } = {},
): Buffer {
  const body = Buffer.from(typeof payload === "string" ? Buffer.from(payload) : payload);
  const first = (options.more === true ? 0 : 0x80) | (options.bits ?? 0) | opcode;
  const flag = options.mask === true ? 0x80 : 0;
  const length =
    body.length < 126
      ? Buffer.from([flag | body.length])
      : body.length < 65_536
        ? Buffer.from([flag | 126, body.length >> 8, body.length & 255])
        : Buffer.from([flag | 127, 0, 0, 0, 0, ...uint32(body.length)]);
  if (options.mask !== true) return Buffer.concat([Buffer.from([first]), length, body]);
  const mask = Buffer.from([0x11, 0x82, 0x53, 0xf4]);
  for (let at = 0; at < body.length; at++) body[at]! ^= mask[at & 3]!;
  return Buffer.concat([Buffer.from([first]), length, mask, body]);
}

/** A client's frame. */
export function masked(opcode: number, payload: Uint8Array | string = "", more = false): Buffer {
  return frame(opcode, payload, { mask: true, more });
}

export interface Frame {
  readonly opcode: number;
  readonly final: boolean;
  readonly payload: Buffer;
  /** Bytes it took. */
  readonly size: number;
}

/** The first frame of `bytes`, unmasked; undefined while it is not whole. */
export function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  let at = 2;
  let length = bytes[1]! & 127;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  const mask = bytes[1]! >> 7 === 1 ? bytes.subarray(at, at + 4) : undefined;
  if (mask !== undefined) at += 4;
  if (bytes.length < at + length) return undefined;
  const payload = Buffer.from(bytes.subarray(at, at + length));
  if (mask !== undefined) for (let i = 0; i < length; i++) payload[i]! ^= mask[i & 3]!;
  return { opcode: bytes[0]! & 15, final: bytes[0]! >> 7 === 1, payload, size: at + length };
}

/** The code of a Close frame at the start of `bytes`, or what stands there instead. */
export function closeCode(bytes: Buffer): number | string {
  const read = readFrame(bytes);
  if (read === undefined || read.opcode !== 8) return bytes.toString("hex");
  return read.payload.length >= 2 ? read.payload.readUInt16BE(0) : 1005;
}

/** Bytes that an origin's connection received after the handshake. */
export function afterHead(connection: OriginConnection): Buffer {
  const received = connection.received();
  return received.subarray(received.indexOf("\r\n\r\n") + 4);
}

function uint32(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
