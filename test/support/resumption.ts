import { type ConnectionOptions, connect } from "node:tls";

/** A session ticket, of one finished handshake. */
export async function takeTicket(port: number, options: ConnectionOptions = {}): Promise<Buffer> {
  const { session } = await handshake(port, options);
  if (session === undefined) throw new Error("no ticket came");
  return session;
}

/** How many of `count` connections that come with `session` are resumed, 0 to 1. */
export async function resumeShare(port: number, session: Buffer, count: number): Promise<number> {
  let resumed = 0;
  for (let i = 0; i < count; i++) if ((await handshake(port, { session })).isResumed) resumed++;
  return resumed / count;
}

function handshake(
  port: number,
  options: ConnectionOptions,
): Promise<{ readonly isResumed: boolean; readonly session: Buffer | undefined }> {
  return new Promise((done, failed) => {
    let session: Buffer | undefined;
    let isResumed = false;
    const socket = connect({
      host: "127.0.0.1",
      port,
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
      ...options,
    });
    socket.on("session", (ticket: Buffer) => {
      session = ticket;
    });
    socket.on("secureConnect", () => {
      isResumed = socket.isSessionReused();
    });
    socket.on("error", failed);
    // The tickets come before the answer.
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.resume();
    socket.on("close", () => done({ isResumed, session }));
  });
}
