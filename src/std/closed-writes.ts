import type { Socket } from "node:net";
import { getSystemErrorName } from "node:util";

/** Who writes to a socket that its peer may close before it has read all. */
export interface ClosedWriteOwner {
  /** The peer has closed. True: what is written is lost, but what the peer sent is still to be read. */
  onClosedWrite(code: string): boolean;
}

/**
 * A write to a socket that its peer has closed destroys the socket, with everything in it that was not read yet: an answer. From
 * now on `owner` is asked first. Only for buffers, where the kernel says so at once, on plain sockets; a write that waits in libuv
 * fails behind the read. Node has no public call for it: where its handle is another, nothing changes.
 */
export function hearClosedWrites(socket: Socket, owner: ClosedWriteOwner): void {
  const handle = (socket as unknown as { readonly _handle: WritingHandle | null })._handle;
  if (handle === null || typeof handle.writeBuffer !== "function" || typeof handle.writev !== "function")
    return;
  const { writeBuffer, writev } = handle;
  const faultOf = <Result>(status: Result): Result | 0 => {
    // Node 26 gives the request of a write that waits.
    if (typeof status !== "number" || status === 0) return status;
    const code = getSystemErrorName(status);
    const isClosed = code === "EPIPE" || code === "ECONNRESET";
    return isClosed && owner.onClosedWrite(code) ? 0 : status;
  };
  handle.writeBuffer = (request, bytes) => faultOf(writeBuffer.call(handle, request, bytes));
  handle.writev = (request, chunks, areBuffers) => faultOf(writev.call(handle, request, chunks, areBuffers));
}

interface WritingHandle {
  writeBuffer(request: object | null, bytes: Uint8Array): unknown;
  writev(request: object | null, chunks: readonly unknown[], areBuffers: boolean): unknown;
}
