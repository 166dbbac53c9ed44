import { setTimeout as sleep } from "node:timers/promises";
import {
  ACK,
  DATA,
  END_STREAM,
  type FrameClient,
  frame,
  GOAWAY,
  HEADERS,
  openFrames,
  PING,
  RST_STREAM,
  readStatus,
  SETTINGS,
} from "../../test/support/h2-frames.ts";
import { type Origin, plainAnswer, startOrigin } from "../../test/support/origin.ts";
import type { CandidateName } from "../load/candidate.ts";
import { type Http2Group, type Http2GroupName, type Http2Line, http2GroupNames } from "./found.ts";
import { forEach, type Ground, withCandidate } from "./ground.ts";
import { type Http2Case, holdPath, http2Cases } from "./http2.cases.ts";

/** Those that serve HTTP/2 to clients as the benchmarks set them up. */
const speakers: ReadonlySet<CandidateName> = new Set([
  "zion",
  "nginx",
  "haproxy",
  "caddy",
  "nginx-modsecurity",
]);

/** Hostile and legal frames over TLS, each case on a connection of its own. */
export function probeHttp2(ground: Ground): Promise<readonly Http2Line[]> {
  for (const name of ground.names.filter((one) => !speakers.has(one)))
    ground.leaveOut(`${name}: serves no HTTP/2 here`);
  const names = ground.names.filter((name) => speakers.has(name));
  return forEach(ground, names, async (candidate) => {
    const origin = await startHttp2Origin();
    try {
      const groups = await withCandidate(ground, candidate, { originPort: origin.port }, ({ httpsPort }) =>
        judgeAll(httpsPort, origin),
      );
      for (const [name, { sent, wrong, otherCode }] of Object.entries(groups)) {
        ground.say(
          `${candidate}: ${name}: ${wrong.length} of ${sent} wrong, ${otherCode.length} by another code`,
        );
        if (candidate === "zion") for (const text of [...wrong, ...otherCode]) ground.say(`  ${text}`);
      }
      return { candidate, groups };
    } finally {
      await origin.close();
    }
  });
}

/** An origin that answers `ok`, and never what is asked of `holdPath`. */
export function startHttp2Origin(): Promise<Origin> {
  return startOrigin({
    script: (request, connection) =>
      request.target === holdPath ? undefined : plainAnswer(request, connection),
  });
}

/** All cases at a server of HTTP/2 over TLS that passes requests on to `origin`. */
export async function judgeAll(
  port: number,
  origin: Origin,
  cases: readonly Http2Case[] = http2Cases,
): Promise<Readonly<Record<Http2GroupName, Http2Group>>> {
  const found = Object.fromEntries(
    http2GroupNames.map((name) => [name, { sent: 0, wrong: [] as string[], otherCode: [] as string[] }]),
  ) as Record<Http2GroupName, { sent: number; wrong: string[]; otherCode: string[] }>;
  for (const one of cases) {
    const group = found[one.group];
    const end = await judge(port, origin, one);
    if (end === undefined) continue;
    group.sent++;
    if (end.fault === "wrong") group.wrong.push(`${one.title}: ${end.what}`);
    else if (end.fault === "code") group.otherCode.push(`${one.title}: ${end.what}`);
  }
  return found;
}

interface End {
  /** `code`: refused as it must be, but for another reason than it has. */
  readonly fault: "none" | "wrong" | "code";
  readonly what: string;
}

/** How long nothing may come before a case counts as overlooked. */
const quietMs = 1000;

/** Undefined when the case cannot be sent to this server. */
async function judge(port: number, origin: Origin, one: Http2Case): Promise<End | undefined> {
  origin.forget();
  const client = await openFrames(port, one.opening === undefined ? {} : { opening: one.opening });
  try {
    const agreed = await settle(client, one.opening === undefined);
    const more = one.more?.(agreed);
    if (one.more !== undefined && more === undefined) return undefined;
    for (const [at, bytes] of one.send.entries()) {
      const before = client.frames.length;
      client.send(bytes);
      // The next step is about what has become of this one.
      if (at === one.send.length - 1) break;
      if (one.group === "legal")
        await until(() => client.isClosed() || client.frames.length > before, quietMs);
      else await until(() => client.isClosed() || origin.requests.length > at, quietMs);
      await sleep(50);
    }
    if (more !== undefined) client.send(more);
    return one.group === "legal" ? await judgeServed(client, one) : await judgeRefused(client, origin, one);
  } finally {
    client.end();
  }
}

/** Waits for the server's SETTINGS, acknowledges them and tells the largest frame it takes. */
async function settle(client: FrameClient, isPolite: boolean): Promise<number> {
  const isTheirs = ({ type, flags }: { type: number; flags: number }) =>
    type === SETTINGS && (flags & ACK) === 0;
  await until(() => client.frames.some(isTheirs) || client.isClosed(), quietMs);
  const theirs = client.frames.find(isTheirs);
  if (isPolite) client.send(frame(SETTINGS, ACK, 0));
  for (let at = 0; at + 6 <= (theirs?.payload.length ?? 0); at += 6)
    if (theirs!.payload.readUInt16BE(at) === 5) return theirs!.payload.readUInt32BE(at + 2);
  return 16_384;
}

async function judgeRefused(client: FrameClient, origin: Origin, one: Http2Case): Promise<End> {
  const isError = ({ type, payload }: { type: number; payload: Buffer }): boolean =>
    type === GOAWAY ? payload.readUInt32BE(4) !== 0 : type === RST_STREAM && payload.readUInt32BE(0) !== 0;
  const last = one.send.length - 1;
  const isAnswer = ({ type }: { type: number }): boolean => type === HEADERS;
  const answersBefore = client.frames.filter(isAnswer).length;
  await until(
    () =>
      client.isClosed() ||
      client.frames.some(isError) ||
      client.frames.filter(isAnswer).length > (one.group === "frames" && last > 0 ? answersBefore : 0),
    quietMs,
  );
  const error = client.frames.findLast(isError);
  if (one.group === "frames") {
    if (error !== undefined) {
      const code = error.payload.readUInt32BE(error.type === GOAWAY ? 4 : 0);
      return one.codes!.includes(code)
        ? { fault: "none", what: `error ${code}` }
        : { fault: "code", what: `error ${code}, not ${one.codes!.join(" or ")}` };
    }
    // It may close without a word (RFC 9113 §5.4.1).
    if (client.isClosed()) return { fault: "none", what: "closed" };
    const status = client.frames.findLast(isAnswer);
    // A refusal in words is none of the two errors, but it is one.
    if (status !== undefined && Number(statusOf(status.payload)) >= 400)
      return { fault: "code", what: `status ${statusOf(status.payload)}` };
    return { fault: "wrong", what: status === undefined ? "overlooked" : "answered" };
  }
  if (origin.requests.some((request) => request.complete())) return { fault: "wrong", what: "passed on" };
  const answer = client.frames.find(isAnswer);
  if (error !== undefined || client.isClosed()) return { fault: "none", what: "refused" };
  if (answer === undefined) return { fault: "wrong", what: "overlooked" };
  const status = statusOf(answer.payload);
  return Number(status) >= 400
    ? { fault: "none", what: status }
    : { fault: "wrong", what: `status ${status}` };
}

/** What is no plain status of three digits counts as 200: it was answered. */
function statusOf(payload: Buffer): string {
  try {
    return readStatus(payload);
  } catch {
    return "200";
  }
}

async function judgeServed(client: FrameClient, one: Http2Case): Promise<End> {
  const streams = one.streams ?? [1];
  const isOver = (id: number): boolean =>
    client.frames.some(
      ({ type, flags, stream }) =>
        stream === id &&
        (type === RST_STREAM || ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0)),
    );
  await until(() => client.isClosed() || streams.every(isOver), 3 * quietMs);
  for (const id of streams)
    if (client.body(id) !== "ok") {
      const told = client.frames.findLast(
        ({ type, stream }) => type === GOAWAY || (type === RST_STREAM && stream === id),
      );
      return {
        fault: "wrong",
        what: `stream ${id}: ${told === undefined ? (client.isClosed() ? "closed" : client.body(id) === "" ? "no answer" : "another answer") : told.type === GOAWAY ? "GOAWAY" : "RST_STREAM"}`,
      };
    }
  client.send(frame(PING, 0, 0, Buffer.from("and then")));
  await until(
    () =>
      client.isClosed() ||
      client.frames.some(({ type, payload }) => type === PING && payload.toString() === "and then"),
    quietMs,
  );
  const lacks = one.lacks?.(client);
  if (lacks !== undefined) return { fault: "wrong", what: `without ${lacks}` };
  return client.isClosed()
    ? { fault: "wrong", what: "closed afterwards" }
    : { fault: "none", what: "served" };
}

async function until(holds: () => boolean, mostMs: number): Promise<void> {
  for (const deadline = Date.now() + mostMs; !holds() && Date.now() < deadline; ) await sleep(5);
}
