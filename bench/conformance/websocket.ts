import { createCipheriv, createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { frame, handshake, masked, switching } from "../../test/support/websocket.ts";
import type { CandidateName } from "../load/candidate.ts";
import type { WebSocketLine } from "./found.ts";
import { forEach, type Ground, withCandidate } from "./ground.ts";
import { openTunnel, push, startTunnelOrigin, type TunnelEnd, type TunnelOrigin } from "./tunnel.ts";

/** Those whose benchmark configuration passes upgrades on. */
const silent: ReadonlySet<CandidateName> = new Set(["fast-proxy", "apache-modsecurity", "nginx-modsecurity"]);

/** Whether the bytes of a WebSocket come out as they went in, and how its ends are told. */
export function probeWebSocket(ground: Ground): Promise<readonly WebSocketLine[]> {
  for (const name of ground.names.filter((one) => silent.has(one)))
    ground.leaveOut(`${name}: passes no upgrade on here`);
  const names = ground.names.filter((name) => !silent.has(name));
  return forEach(ground, names, async (candidate) => {
    const origin = await startTunnelOrigin();
    try {
      const work = { originPort: origin.port, backend: "events" } as const;
      const cases = await withCandidate(ground, candidate, work, ({ httpPort, httpsPort }) =>
        judgeWebSocket(httpPort, httpsPort, origin),
      );
      ground.say(`${candidate}: ${JSON.stringify(cases)}`);
      return { candidate, cases };
    } finally {
      origin.close();
    }
  });
}

const mostMs = 5000;
/** Bytes each way. */
const much = 4 * 2 ** 20;

/** Each case: `ok`, or what was different. `securePort` undefined = none over TLS. */
export async function judgeWebSocket(
  port: number,
  securePort: number | undefined,
  origin: TunnelOrigin,
  only?: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const [title, judge] of Object.entries(cases)) {
    const secure = title.includes("TLS");
    if (only?.includes(title) === false || (secure && securePort === undefined)) continue;
    const ends: TunnelEnd[] = [];
    try {
      found[title] = await judge({ port: secure ? securePort! : port, secure, origin, ends });
    } catch (error) {
      found[title] = (error as Error).message;
    } finally {
      for (const { socket } of ends) socket.destroy();
    }
  }
  return found;
}

interface Place {
  readonly port: number;
  readonly secure: boolean;
  readonly origin: TunnelOrigin;
  /** What a case opened, to be closed after it. */
  readonly ends: TunnelEnd[];
}

const cases: Readonly<Record<string, (place: Place) => Promise<string>>> = {
  "4 MB each way": (place) => bothWays(place, much, [1, 7, 1460, 65_536, 100, 16_384, 3]),
  "4 MB each way, TLS": (place) => bothWays(place, much, [16_384, 2, 70_000, 999]),
  "byte by byte": (place) => bothWays(place, 2000, [1]),
  async "first frame with the 101"(place) {
    const early = frame(2, Buffer.alloc(300, "e"));
    const { client } = await switched(place, [], [], early);
    return await got(client, early);
  },
  async "subprotocol, extensions, fields"(place) {
    const asked = ["Sec-WebSocket-Protocol: chat, news", "Sec-WebSocket-Extensions: permessage-deflate"];
    const told = ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: permessage-deflate", "X-Own: 1"];
    const { client, server } = await switched(place, asked, told);
    const missing = [
      ...asked.filter((line) => !hasLine(server.head, line)),
      ...told.filter((line) => !hasLine(client.head, line)),
    ];
    return missing.length === 0 ? "ok" : `without ${missing.join("; ")}`;
  },
  async "403 in place of 101"(place) {
    const opening = open(place, []);
    const server = await place.origin.next(mostMs);
    server.socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-Own: 1\r\n\r\nnot!");
    const client = await opening;
    place.ends.push(client, server);
    if (!client.head.startsWith("HTTP/1.1 403")) return client.head.split("\r\n")[0]!;
    if (!hasLine(client.head, "X-Own: 1")) return "without its fields";
    await until(() => client.bytes() >= 4);
    const isSame =
      client.hash() === hashOf(Buffer.from("not!")) || /\r\ntransfer-encoding:/i.test(client.head);
    return isSame ? "ok" : `a body of ${client.bytes()} bytes`;
  },
  async "closing handshake"(place) {
    const { client, server } = await switched(place, [], []);
    const bye = masked(8, Buffer.from([3, 232]));
    client.socket.write(bye);
    const there = await got(server, bye);
    if (there !== "ok") return `to the origin: ${there}`;
    const answer = frame(8, Buffer.from([3, 232]));
    server.socket.end(answer);
    const back = await got(client, answer);
    if (back !== "ok") return `to the client: ${back}`;
    await until(() => client.ended() !== "open");
    return client.ended() === "end" ? "ok" : `the client's connection: ${client.ended()}`;
  },
  async "client's half close"(place) {
    const { client, server } = await switched(place, [], []);
    return await halfClose(client, server, false);
  },
  async "origin's half close"(place) {
    const { client, server } = await switched(place, [], []);
    return await halfClose(server, client, true);
  },
  async "origin resets"(place) {
    const { client, server } = await switched(place, [], []);
    server.socket.resetAndDestroy();
    await until(() => client.ended() !== "open");
    return client.ended() === "open" ? "not told in 5 s" : "ok";
  },
  async "client resets"(place) {
    const { client, server } = await switched(place, [], []);
    client.socket.resetAndDestroy();
    await until(() => server.ended() !== "open");
    return server.ended() === "open" ? "not told in 5 s" : "ok";
  },
};

/** Frames of all sizes in both directions at once, with pings, text and fragments, written in pieces. */
async function bothWays(place: Place, size: number, pieces: readonly number[]): Promise<string> {
  const { client, server } = await switched(place, [], []);
  const up = traffic(size, true);
  const down = traffic(size, false);
  await Promise.race([
    Promise.all([
      push(client.socket, up, pieces),
      push(server.socket, down, pieces.toReversed()),
      until(() => server.bytes() >= up.length && client.bytes() >= down.length),
    ]),
    sleep(3 * mostMs, undefined, { ref: false }),
  ]);
  const there = same(server, up);
  const back = same(client, down);
  if (there === "ok" && back === "ok") return "ok";
  return `to the origin: ${there}; to the client: ${back}`;
}

/** `first` says that it is done; what the other one then still has to say must come. */
async function halfClose(first: TunnelEnd, other: TunnelEnd, mask: boolean): Promise<string> {
  const last = frame(2, Buffer.alloc(200, "l"), { mask: !mask });
  first.socket.end(last);
  const told = await got(other, last);
  if (told !== "ok") return `before the end: ${told}`;
  await until(() => other.ended() !== "open");
  if (other.ended() !== "end") return `the other side: ${other.ended()}`;
  const rest = traffic(300_000, mask);
  await push(other.socket, rest, [10_000]);
  other.socket.end();
  const back = await got(first, rest);
  return back === "ok" ? "ok" : `after it: ${back}`;
}

/** A handshake that the origin accepts; `early` goes out with the answer. */
async function switched(
  place: Place,
  asked: readonly string[],
  told: readonly string[],
  early: Uint8Array = Buffer.alloc(0),
): Promise<{ readonly client: TunnelEnd; readonly server: TunnelEnd }> {
  const opening = open(place, asked);
  opening.catch(() => undefined);
  const server = await place.origin.next(mostMs);
  place.ends.push(server);
  const fields = server.head.split("\r\n").map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  server.socket.write(Buffer.concat([Buffer.from(switching({ fields }, ...told), "latin1"), early]));
  const client = await opening;
  place.ends.push(client);
  if (!client.head.startsWith("HTTP/1.1 101")) throw new Error(client.head.split("\r\n")[0]);
  return { client, server };
}

function open({ port, secure }: Place, fields: readonly string[]): Promise<TunnelEnd> {
  return openTunnel(port, secure, handshake("Host: localhost", ...fields), mostMs);
}

/** At least `size` bytes of valid frames; always the same ones. */
function traffic(size: number, mask: boolean): Buffer {
  const parts: Buffer[] = [];
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, mask ? 1 : 2), Buffer.alloc(16));
  const noise = (length: number): Buffer => cipher.update(Buffer.alloc(length));
  const random = (below: number): number => noise(4).readUInt32BE() % below;
  const lengths = size < 10_000 ? [0, 1, 125, 126] : [0, 1, 125, 126, 1000, 65_535, 65_536, 200_000];
  for (let sent = 0; sent < size; ) {
    const payload = noise(lengths[random(lengths.length)]!);
    const each = [
      () => [frame(2, payload, { mask })],
      () => [frame(9, noise(random(126)), { mask })],
      () => [frame(1, payload.toString("hex"), { mask })],
      () => [frame(2, payload, { mask, more: true }), frame(9, "", { mask }), frame(0, payload, { mask })],
    ][random(4)]!();
    parts.push(...each);
    sent += each.reduce((sum, { length }) => sum + length, 0);
  }
  return Buffer.concat(parts);
}

async function got(end: TunnelEnd, bytes: Uint8Array): Promise<string> {
  await until(() => end.bytes() >= bytes.length || end.ended() !== "open");
  return same(end, bytes);
}

function same(end: TunnelEnd, bytes: Uint8Array): string {
  if (end.bytes() !== bytes.length) return `${end.bytes()} of ${bytes.length} bytes`;
  return end.hash() === hashOf(bytes) ? "ok" : "other bytes";
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Field names are anybody's to write in upper or lower case. */
function hasLine(head: string, line: string): boolean {
  return head.toLowerCase().includes(`\r\n${line.toLowerCase()}\r\n`);
}

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + mostMs; !holds() && Date.now() < deadline; ) await sleep(5);
}
