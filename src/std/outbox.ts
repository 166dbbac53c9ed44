import type { Socket } from "node:net";

/**
 * One output buffer for all sockets of a worker in one direction: a head and its body are put together here and leave
 * in one write. What is gathered belongs to one socket at a time and is flushed before the event that gathered it
 * ends.
 *
 * The buffer may be used again after `write` only if the kernel or the TLS layer has taken the bytes. A plain socket
 * has when nothing is left queued (`writableLength === 0`); a TLS socket has when nothing was queued before, because
 * SSL_write copies. Otherwise small data is copied and large data keeps this buffer, and a new one is made.
 */
export class Outbox {
  bytes: Buffer;
  /** Bytes gathered. */
  length = 0;

  constructor(capacity = 65536 + 1024) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Free room. */
  get room(): number {
    return this.bytes.length - this.length;
  }

  /**
   * Makes room for `bytes` in one piece, for what is printed at offsets of its own: flushes, and takes a larger buffer
   * where the whole one is too small, which a configuration with large heads asks for.
   */
  reserve(bytes: number, socket: Socket, encrypted: boolean): void {
    if (this.room >= bytes) return;
    this.flush(socket, encrypted);
    if (this.bytes.length < bytes) this.bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** Adds `source[start, end)`, flushing to `socket` as often as the room asks for. */
  append(source: Uint8Array, start: number, end: number, socket: Socket, encrypted: boolean): void {
    while (start < end) {
      let room = this.bytes.length - this.length;
      if (room === 0) {
        this.flush(socket, encrypted);
        room = this.bytes.length;
      }
      const count = end - start < room ? end - start : room;
      this.bytes.set(source.subarray(start, start + count), this.length);
      this.length += count;
      start += count;
    }
  }

  /** Writes what is gathered. Returns false when the socket wants the caller to wait for 'drain'. */
  flush(socket: Socket, encrypted: boolean): boolean {
    const length = this.length;
    if (length === 0) return !socket.writableNeedDrain;
    this.length = 0;
    const queuedBefore = socket.writableLength;
    if (queuedBefore !== 0 && length <= COPY_BYTES_MAX) {
      return socket.write(Buffer.from(this.bytes.subarray(0, length)));
    }
    const more = socket.write(this.bytes.subarray(0, length));
    const taken = encrypted ? queuedBefore === 0 && !socket.connecting : socket.writableLength === 0;
    if (!taken) this.bytes = Buffer.allocUnsafeSlow(this.bytes.length);
    return more;
  }
}

/** Below this a copy is cheaper than giving a whole buffer away to a socket that is behind. */
const COPY_BYTES_MAX = 16384;
