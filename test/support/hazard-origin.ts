import { once } from "node:events";
import net from "node:net";
import type { TestContext } from "node:test";

/** One message as an origin received it. */
export interface ReceivedMessage {
  /** Every byte of its connection, latin-1. */
  readonly raw: string;
  readonly target: string;
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** What another origin could read in another way; empty = nothing. See `findHazards`. */
  readonly hazards: readonly string[];
  /** All that the head announces came. */
  readonly isWhole: boolean;
}

export interface HazardOrigin {
  readonly port: number;
  /** One for each connection that is over. */
  readonly messages: readonly ReceivedMessage[];
  /** Resolves when no connection is open. */
  settled(): Promise<void>;
}

/**
 * An origin that looks at the exact bytes a proxy writes. It answers one message with `Connection: close`, and goes on
 * listening until the proxy is gone: whatever else comes is a hazard.
 */
export async function startHazardOrigin(t: Pick<TestContext, "after">): Promise<HazardOrigin> {
  const messages: ReceivedMessage[] = [];
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    let received: Buffer = Buffer.alloc(0);
    let answered = false;
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      if (answered || !read(received).isWhole) return;
      answered = true;
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open.delete(socket);
      if (received.length > 0) messages.push(read(received));
      server.emit("settled");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    messages,
    async settled() {
      while (open.size > 0) await once(server, "settled");
    },
  };
}

/**
 *     ctl      NUL, bare CR or bare LF in the head           fold       a line that begins with white space
 *     name     a field name that is no token                 nocolon    a line without a colon
 *     cl+te    both framings                                 cl         two lengths, or one that is not plain digits
 *     te       anything but exactly `chunked`                lookalike  a field that resembles either of them
 *     line     no request line as there should be            extra      bytes behind the message
 *     host     not exactly one Host
 */
function read(bytes: Buffer): ReceivedMessage {
  const raw = bytes.toString("latin1");
  const end = raw.indexOf("\r\n\r\n");
  const hazards = new Set<string>();
  const fields: (readonly [string, string])[] = [];
  if (end < 0) return { raw, target: "", fields, hazards: [], isWhole: false };
  const head = raw.slice(0, end);
  if (/\0|\r(?!\n)|(?<!\r)\n/.test(head)) hazards.add("ctl");
  const [line, ...lines] = head.split("\r\n");
  const target = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ ([\x21-\x7e]+) HTTP\/1\.1$/.exec(line!)?.[1];
  if (target === undefined) hazards.add("line");
  for (const text of lines) {
    const colon = text.indexOf(":");
    if (/^[ \t]/.test(text)) hazards.add("fold");
    else if (colon < 0) hazards.add("nocolon");
    else fields.push([text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()]);
  }
  const values = (wanted: string): string[] =>
    fields.filter(([name]) => name === wanted).map(([, value]) => value);
  for (const [name, value] of fields) {
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) hazards.add("name");
    const isLookalike =
      /^[^a-z0-9]*(?:transfer[^a-z0-9]*encoding|content[^a-z0-9]*length)[^a-z0-9]*$/.test(name) ||
      /[^\x20-\x7e]\s*transfer-encoding\s*:/i.test(value);
    if (isLookalike && name !== "content-length" && name !== "transfer-encoding") hazards.add("lookalike");
  }
  const lengths = values("content-length");
  const codings = values("transfer-encoding");
  if (lengths.length > 0 && codings.length > 0) hazards.add("cl+te");
  if (lengths.length > 1 || lengths.some((length) => !/^\d+$/.test(length))) hazards.add("cl");
  if (codings.length > 1 || codings.some((coding) => coding !== "chunked")) hazards.add("te");
  if (values("host").length !== 1) hazards.add("host");
  const bodyEnd = codings.length > 0 ? chunkedEnd(raw, end + 4) : end + 4 + Number(lengths[0] ?? 0);
  const isWhole = bodyEnd >= 0 && raw.length >= bodyEnd;
  if (isWhole && raw.length > bodyEnd) hazards.add("extra");
  return { raw, target: target ?? "", fields, hazards: [...hazards], isWhole };
}

/** Where a chunked body ends; -1 = it is not whole, or is none. */
function chunkedEnd(raw: string, start: number): number {
  for (let at = start; ; ) {
    const lineEnd = raw.indexOf("\r\n", at);
    const size = lineEnd < 0 ? null : /^[0-9a-f]+$/i.exec(raw.slice(at, lineEnd));
    if (size === null) return -1;
    const length = Number.parseInt(size[0], 16);
    at = lineEnd + 2 + length + 2;
    if (length > 0) continue;
    if (raw.startsWith("\r\n", lineEnd + 2)) return lineEnd + 4;
    const trailersEnd = raw.indexOf("\r\n\r\n", lineEnd);
    return trailersEnd < 0 ? -1 : trailersEnd + 4;
  }
}
