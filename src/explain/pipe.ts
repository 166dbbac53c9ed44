import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** A client's connection without a network: what is put in is read from it, what is answered is thrown away. */
export class Pipe extends Duplex {
  /** As of a socket that is gone: what std/direct-write.ts is to write goes nowhere. */
  readonly _handle = null;

  constructor() {
    super({ allowHalfOpen: true });
  }

  /** In pieces as a socket reads them. */
  put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += READ_BYTES) this.push(bytes.subarray(at, at + READ_BYTES));
  }

  /** As far as a connection of the data path uses one. */
  asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** As `net.Socket` has it. */
  resetAndDestroy(): this {
    return this.destroy();
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    done();
  }
}

const READ_BYTES = 65_536;
