import net from "node:net";
import type { TestContext } from "node:test";

/** HTTP/2 frames by hand, for what no library sends. */
export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** A header block without compression: literal fields that are never indexed (RFC 7541 §6.2.3). */
export function headersFrame(
  streamId: number,
  fields: readonly (readonly [string, string])[],
  flags = 0,
): Buffer {
  const block = fields.map(([name, value]) =>
    Buffer.concat([
      Buffer.from([0x10, name.length]),
      Buffer.from(name, "latin1"),
      Buffer.from([value.length]),
      Buffer.from(value, "latin1"),
    ]),
  );
  return frame(HEADERS, END_HEADERS | flags, streamId, Buffer.concat(block));
}

export function resetFrame(streamId: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(RST_STREAM, 0, streamId, payload);
}

export function goAwayFrame(lastStreamId: number, code: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStreamId);
  payload.writeUInt32BE(code, 4);
  return frame(GOAWAY, 0, 0, payload);
}

export interface RawHttp2Origin {
  readonly port: number;
  readonly sockets: readonly net.Socket[];
  /** All frames that came, in order. */
  readonly frames: readonly { readonly type: number; readonly flags: number; readonly payload: Buffer }[];
}

/** Answers settings and pings; `onRequest` is called for each HEADERS frame and writes what it likes. */
export async function startRawHttp2Origin(
  t: TestContext,
  onRequest: (socket: net.Socket, streamId: number) => void,
): Promise<RawHttp2Origin> {
  const sockets: net.Socket[] = [];
  const frames: { type: number; flags: number; payload: Buffer }[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
    let held = Buffer.alloc(0);
    let preface = 24;
    socket.on("data", (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      if (held.length < preface) return;
      held = held.subarray(preface);
      preface = 0;
      while (held.length >= 9) {
        const length = held.readUIntBE(0, 3);
        if (held.length < 9 + length) return;
        const type = held[3]!;
        const flags = held[4]!;
        const streamId = held.readUInt32BE(5);
        const payload = Buffer.from(held.subarray(9, 9 + length));
        held = held.subarray(9 + length);
        frames.push({ type, flags, payload });
        if (type === SETTINGS && (flags & ACK) === 0) socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
        else if (type === PING && (flags & ACK) === 0) socket.write(frame(PING, ACK, 0, payload));
        else if (type === HEADERS) onRequest(socket, streamId);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as net.AddressInfo).port, sockets, frames };
}
