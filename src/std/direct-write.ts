import type { Socket } from "node:net";
import { getSystemErrorName } from "node:util";

/** Who is told about a write that the kernel did not take at once. */
export interface WriteOwner {
  /** Some of the bytes wait. */
  onQueued(): void;
  /** They have gone. */
  onTaken(): void;
}

/**
 * Writes to plain sockets without the stream in front of them, which for small messages costs as much as printing them
 * (decision 0030). Node has no public call for it: the handle's own is used, as Node itself was seen to call it in the first
 * write. Node 24 gives a request to it, Node 26 null, and is given a request back if some of the bytes wait. Where neither is
 * seen, the stream serves.
 */
export class DirectWrite {
  #Request: RequestMaker | undefined;
  /** The handle makes its requests itself. */
  #givesRequests = false;
  #isUnknown: boolean;

  /** `isAllowed`: false = the stream serves. */
  constructor(isAllowed = true) {
    this.#isUnknown = isAllowed;
  }

  /** Whether the handle's own call is used from now on. */
  get isDirect(): boolean {
    return this.#givesRequests || this.#Request !== undefined;
  }

  /**
   * `socket` is plain and connected, and its stream has nothing queued. Returns whether nobody needs `bytes` any more; false, where it
   * `mayKeep` them: they must stay as they are. An error destroys the socket, which emits it.
   */
  write(socket: Socket, bytes: Buffer, owner: WriteOwner, mayKeep: boolean): boolean {
    const handle = (socket as unknown as HandleSlot)._handle;
    if (handle === null) return true;
    let request: WriteRequest | null = null;
    // Never one that was used: where the kernel takes the rest in libuv's second try, nothing is queued and the request
    // is still under way, and Node aborts the process over one that is used twice. A new one costs 40 ns.
    if (this.#Request !== undefined) request = new this.#Request();
    else if (!this.#givesRequests)
      return this.#writeByStream(socket, handle, mayKeep ? bytes : copyOf(bytes), owner) || !mayKeep;
    // Behind what waits already it would wait, too: a copy, so that a slow reader keeps no whole buffer for each message.
    const isCopy = !mayKeep || handle.writeQueueSize > 0;
    const data = isCopy ? copyOf(bytes) : bytes;
    const result = handle.writeBuffer(request, data);
    if (typeof result !== "number") request = result;
    else if (result !== 0) {
      socket.destroy(faultOf(result));
      return true;
    }
    if (request === null || handle.writeQueueSize === 0) return true;
    request.oncomplete = (status) => {
      if (status < 0) socket.destroy(faultOf(status));
      else owner.onTaken();
    };
    // Kept alive by it.
    request.buffer = data;
    owner.onQueued();
    return isCopy;
  }

  /** As any write. The first one is watched. 'drain' tells its owner what `onTaken` would. */
  #writeByStream(socket: Socket, handle: WriteHandle, bytes: Buffer, owner: WriteOwner): boolean {
    let wantsMore: boolean;
    if (this.#isUnknown && typeof handle.writeQueueSize === "number") {
      this.#isUnknown = false;
      const isOwn = Object.hasOwn(handle, "writeBuffer");
      const { writeBuffer } = handle;
      handle.writeBuffer = (request, data) => {
        const result = writeBuffer.call(handle, request, data);
        this.#learn(request, result);
        return result;
      };
      wantsMore = socket.write(bytes);
      // Somebody else may listen, too (closed-writes.ts).
      if (isOwn) handle.writeBuffer = writeBuffer;
      else Reflect.deleteProperty(handle, "writeBuffer");
    } else wantsMore = socket.write(bytes);
    if (!wantsMore) owner.onQueued();
    return socket.writableLength === 0;
  }

  /** Whatever another Node gives or is given: it must not end the connection, of which this is only the first write. */
  #learn(request: unknown, result: unknown): void {
    if (request === null) this.#givesRequests = typeof result === "number" || isRequest(result);
    else if (isRequest(request) && typeof result === "number")
      this.#Request = request.constructor as RequestMaker;
  }
}

function isRequest(value: unknown): value is WriteRequest {
  return typeof value === "object" && value !== null && "oncomplete" in value;
}

/** Some of what was written to `socket` waits, in its stream or behind it. */
export function isWaiting(socket: Socket): boolean {
  return !socket.destroyed && (socket.writableLength > 0 || waitingBytes(socket) > 0);
}

/** Bytes that wait in libuv. The stream counts what it wrote of them, too. */
export function waitingBytes(socket: Socket): number {
  return (socket as unknown as HandleSlot)._handle?.writeQueueSize ?? 0;
}

/**
 * The kernel has all that was written, or has it at the end of the turn: Node tells of a write to TLS a turn after the kernel
 * took it, and an answer may come first.
 */
export function hasLeft(socket: Socket, encrypted: boolean): boolean {
  const { writableLength } = socket;
  if (writableLength === 0 || !encrypted) return writableLength === 0;
  const raw = (socket as unknown as TlsHandleSlot)._handle?._parent;
  return writableLength <= TLS_WRITE_BYTES && raw?.writeQueueSize === 0;
}

/** What TLS hands to the socket under it at once: one record. */
const TLS_WRITE_BYTES = 16_384;

/** Bytes that the kernel has taken of it, ever. */
export function takenBytes(socket: Socket): number {
  return ((socket as unknown as HandleSlot)._handle?.bytesWritten ?? 0) - waitingBytes(socket);
}

/** A copy that keeps nothing else in memory, as one in the pool that small buffers share would. */
export function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

interface WriteRequest {
  oncomplete: ((status: number) => void) | undefined;
  buffer: Buffer | undefined;
}

type RequestMaker = new () => WriteRequest;

interface WriteHandle {
  /** A status of libuv, or a request that Node 26 made. */
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest;
  readonly writeQueueSize: number;
  readonly bytesWritten: number;
}

/** The handle of a TLS socket stands on that of the socket. */
interface TlsHandleSlot {
  readonly _handle: { readonly _parent?: { readonly writeQueueSize?: number } } | null;
}

interface HandleSlot {
  readonly _handle: WriteHandle | null;
}

function faultOf(status: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: "write" });
}
