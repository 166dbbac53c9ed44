import net from "node:net";

/** A TCP origin that keeps every byte it receives, per connection, and answers from a script. */
export interface Origin {
  readonly port: number;
  /** Connections in the order they came, open or not. */
  readonly connections: readonly OriginConnection[];
  /** Requests whose head arrived, in order. */
  readonly requests: readonly OriginRequest[];
  /** From now on requests are answered by this. */
  script: Script;
  /** Resolves with the nth request (0-based) once its head is here; throws after `deadlineMs`. */
  request(index: number, deadlineMs?: number): Promise<OriginRequest>;
  /** Forgets what is recorded; connections stay open. */
  forget(): void;
  close(): Promise<void>;
}

/** Called when a request's head is complete. */
export type Script = (request: OriginRequest, connection: OriginConnection) => void | Promise<void>;

export interface OriginConnection {
  readonly socket: net.Socket;
  /** Every byte received, since the last `forget`. */
  readonly received: () => Buffer;
  /** Bytes that belong to no request yet. */
  readonly leftover: () => Buffer;
  readonly requests: readonly OriginRequest[];
  /** The gateway sent FIN. */
  readonly ended: () => boolean;
  readonly over: Promise<void>;
  readonly isOver: () => boolean;
}

export interface OriginRequest {
  readonly connection: OriginConnection;
  /** Head exactly as received, with the empty line. */
  readonly head: string;
  readonly method: string;
  readonly target: string;
  /** Names lower-cased, values as received without the padding. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The decoded body; resolves when it is complete, rejects when the connection ends first. */
  readonly body: Promise<Buffer>;
  /** Body bytes decoded so far. */
  readonly bodyBytes: () => number;
  readonly complete: () => boolean;
}

export interface OriginOptions {
  readonly script?: Script;
  /** Keep body bytes (default) or only count them: for large uploads. */
  readonly keepBodies?: boolean;
}

/** 200 with a short body and Content-Length, after the request's body has arrived. */
export const plainAnswer: Script = async (request, connection) => {
  try {
    await request.body;
  } catch {
    return;
  }
  if (!connection.socket.destroyed) connection.socket.write(ok("ok"));
};

/** A complete 200 answer. */
export function ok(body: string, ...fields: string[]): string {
  return `HTTP/1.1 200 OK\r\n${fields.map((line) => `${line}\r\n`).join("")}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** Answers each request with these raw bytes as soon as its body is here, then does `after`. */
export function rawAnswer(bytes: string | Buffer, after: "keep" | "end" | "reset" = "keep"): Script {
  const answer = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
  return async (request, connection) => {
    await request.body.catch(() => undefined);
    if (connection.socket.destroyed) return;
    connection.socket.write(answer, () => {
      if (after === "end") connection.socket.end();
      if (after === "reset") reset(connection.socket);
    });
  };
}

/** RST. After our own FIN Node cannot reset: it would keep the handle for ever, and poll it without end. */
export function reset(socket: net.Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

export async function startOrigin(options: OriginOptions = {}): Promise<Origin> {
  const keepBodies = options.keepBodies ?? true;
  const connections: OriginConnection[] = [];
  const requests: OriginRequest[] = [];
  const sockets = new Set<net.Socket>();
  let waiters: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiters;
    waiters = [];
    for (const waiter of woken) waiter();
  };

  const origin: Origin = {
    port: 0,
    connections,
    requests,
    script: options.script ?? plainAnswer,
    async request(index, deadlineMs = 8000) {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        wake();
      }, deadlineMs);
      while (requests.length <= index && !late) await new Promise<void>((done) => waiters.push(done));
      clearTimeout(timer);
      const request = requests[index];
      if (request === undefined)
        throw new Error(`the origin saw ${requests.length} requests, not ${index + 1}`);
      return request;
    },
    forget() {
      requests.length = 0;
      for (let at = connections.length - 1; at >= 0; at--) {
        if (connections[at]!.isOver()) connections.splice(at, 1);
      }
      for (const connection of connections) (connection as Recorder).forget();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };

  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    const connection = recordConnection(socket, keepBodies, (request) => {
      requests.push(request);
      wake();
      void origin.script(request, connection);
    });
    connections.push(connection);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  (origin as { port: number }).port = (server.address() as net.AddressInfo).port;
  return origin;
}

interface Recorder extends OriginConnection {
  forget(): void;
}

/** Reads requests off a socket by the RFC's framing; anything else stays in `leftover`. */
function recordConnection(
  socket: net.Socket,
  keepBodies: boolean,
  onHead: (request: OriginRequest) => void,
): Recorder {
  let received: Buffer[] = [];
  let pending: Buffer = Buffer.alloc(0);
  let reader: BodyReader | undefined;
  let ended = false;
  let over = false;
  const requests: OriginRequest[] = [];
  let endOver: () => void;
  const overPromise = new Promise<void>((done) => {
    endOver = done;
  });

  const connection: Recorder = {
    socket,
    received: () => Buffer.concat(received),
    leftover: () => pending,
    requests,
    ended: () => ended,
    over: overPromise,
    isOver: () => over,
    forget() {
      received = [];
      requests.length = 0;
    },
  };

  const advance = (): void => {
    for (;;) {
      if (reader !== undefined) {
        pending = reader.take(pending);
        if (!reader.done()) return;
        reader = undefined;
      }
      const end = pending.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = pending.toString("latin1", 0, end + 4);
      pending = pending.subarray(end + 4);
      reader = bodyReader(head, keepBodies);
      const request = readHead(head, connection, reader);
      requests.push(request);
      onHead(request);
    }
  };
  socket.on("data", (bytes: Buffer) => {
    if (keepBodies) received.push(bytes);
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    advance();
  });
  const finish = (): void => {
    reader?.abort();
    over = true;
    endOver();
  };
  socket.on("end", () => {
    ended = true;
    finish();
    socket.end();
  });
  socket.on("error", () => undefined);
  socket.on("close", finish);
  return connection;
}

function readHead(head: string, connection: OriginConnection, reader: BodyReader): OriginRequest {
  const lines = head.slice(0, -4).split("\r\n");
  const [method = "", target = ""] = lines[0]!.split(" ");
  const fields = lines.slice(1).map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return {
    connection,
    head,
    method,
    target,
    fields,
    body: reader.body,
    bodyBytes: reader.bytes,
    complete: reader.done,
  };
}

interface BodyReader {
  /** Takes what belongs to the body and returns the rest. */
  take(bytes: Buffer): Buffer;
  done(): boolean;
  bytes(): number;
  abort(): void;
  readonly body: Promise<Buffer>;
}

function bodyReader(head: string, keep: boolean): BodyReader {
  const parts: Buffer[] = [];
  let count = 0;
  let done = false;
  let resolve: (body: Buffer) => void;
  let reject: (error: Error) => void;
  const body = new Promise<Buffer>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  body.catch(() => undefined);
  const add = (bytes: Buffer): void => {
    count += bytes.length;
    if (keep && bytes.length > 0) parts.push(bytes);
  };
  const finish = (): void => {
    done = true;
    resolve(Buffer.concat(parts));
  };

  const chunked = /\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n/i.test(head);
  let left = chunked ? 0 : Number(/\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n/i.exec(head)?.[1] ?? 0);
  if (!chunked && left === 0) finish();

  const takeLength = (bytes: Buffer): Buffer => {
    const part = bytes.subarray(0, left);
    left -= part.length;
    add(part);
    if (left === 0) finish();
    return bytes.subarray(part.length);
  };

  // left > 0: inside a chunk's data; left < 0: its CRLF is due; 0: a size line or the trailer section is due.
  let last = false;
  const takeChunked = (from: Buffer): Buffer => {
    let bytes = from;
    for (;;) {
      if (left > 0) {
        const part = bytes.subarray(0, left);
        add(part);
        left -= part.length;
        bytes = bytes.subarray(part.length);
        if (left > 0) return bytes;
        left = -1;
      }
      const lineEnd = bytes.indexOf("\r\n");
      if (lineEnd < 0) return bytes;
      const line = bytes.toString("latin1", 0, lineEnd);
      bytes = bytes.subarray(lineEnd + 2);
      if (left === -1) {
        if (line !== "") throw new Error(`chunk data too long: ${JSON.stringify(line)}`);
        left = 0;
      } else if (last) {
        if (line !== "") continue;
        finish();
        return bytes;
      } else {
        if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`chunk size line: ${JSON.stringify(line)}`);
        left = Number.parseInt(line, 16);
        last = left === 0;
      }
    }
  };

  return {
    take: (bytes) => (done ? bytes : chunked ? takeChunked(bytes) : takeLength(bytes)),
    done: () => done,
    bytes: () => count,
    abort: () => {
      if (!done) reject(new Error("the connection ended inside the request body"));
    },
    body,
  };
}
