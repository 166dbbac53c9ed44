import net from "node:net";

/** Takes what a socket reads. The bytes are valid only during the call: the buffer is shared by all sockets. */
export interface ReadSink {
  onRead(buffer: Buffer, length: number): void;
  /** `onRead` threw: a bug of ours. The sink ends itself; the process and its other connections go on. */
  onDefect(cause: unknown): void;
}

/**
 * Reads from sockets into one buffer per worker instead of one allocation per read. Measured on this data path:
 * 20-28 % of its CPU on plain sockets, 13-22 % on TLS sockets (performance.md §10). Node offers this as `onread` for
 * outgoing sockets only; for accepted and TLS sockets the same three fields are set after the fact. They are not
 * public, so `openSharedReader` tests once that they work as expected, and `data` events serve otherwise.
 */
export interface SharedReader {
  /** Whether the shared buffer is used; false = `data` events. */
  readonly shared: boolean;
  /** From now on everything that `socket` reads goes to `sink`. Call before anything has been read from it. */
  attach(socket: net.Socket, sink: ReadSink): void;
}

export function openSharedReader(allowShared = true, bytes = 65536): SharedReader {
  const symbols = allowShared ? findSymbols() : undefined;
  if (symbols === undefined) return dataEventReader;
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return {
    shared: true,
    attach(socket, sink) {
      const slots = socket as unknown as UserBufferSlots;
      const handle = slots._handle;
      if (handle === null || typeof handle.useUserBuffer !== "function") {
        dataEventReader.attach(socket, sink);
        return;
      }
      slots[symbols.buffer] = buffer;
      slots[symbols.callback] = (length: number, from: Buffer): boolean => {
        deliver(sink, from, length);
        return true; // pausing is done by socket.pause()
      };
      slots[symbols.generator] = null;
      handle.useUserBuffer(buffer);
      // `read(0)` starts the handle without putting the stream in flowing mode; 'end' is still emitted.
      socket.read(0);
    },
  };
}

const dataEventReader: SharedReader = {
  shared: false,
  attach(socket, sink) {
    socket.on("data", (chunk: Buffer) => deliver(sink, chunk, chunk.length));
  },
};

/** No input may end a worker: what a bug breaks is the connection that met it. */
function deliver(sink: ReadSink, buffer: Buffer, length: number): void {
  try {
    sink.onRead(buffer, length);
  } catch (cause) {
    sink.onDefect(cause);
  }
}

interface UserBufferSlots {
  readonly _handle: { useUserBuffer?(buffer: Buffer): void } | null;
  [slot: symbol]: unknown;
}

interface Symbols {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

/** The three fields as Node names them, read off a socket that was made with the public `onread` option. */
function findSymbols(): Symbols | undefined {
  const marker = Buffer.alloc(1);
  const callback = (): boolean => true;
  const probe = new net.Socket({ onread: { buffer: marker, callback } } as net.SocketConstructorOpts);
  const slots = probe as unknown as UserBufferSlots;
  const found = (name: string): symbol | undefined =>
    Object.getOwnPropertySymbols(probe).find((symbol) => symbol.description === name);
  const symbols = { buffer: found("kBuffer"), callback: found("kBufferCb"), generator: found("kBufferGen") };
  probe.destroy();
  const { buffer, callback: onBytes, generator } = symbols;
  if (buffer === undefined || onBytes === undefined || generator === undefined) return undefined;
  if (slots[buffer] !== marker || slots[onBytes] !== callback) return undefined;
  return { buffer, callback: onBytes, generator };
}
