import { get } from "node:http";
import { connect, type Socket } from "node:net";
import { WebSocket } from "ws";

/** Constant load, whatever the answers: the next request does not wait for the last one. */
export interface TrafficOptions {
  readonly port: number;
  /** Requests a second on connections of their own. */
  readonly newPerSec: number;
  /** Connections that are kept, and requests a second on all of them together. */
  readonly keptConnections: number;
  readonly keptPerSec: number;
  readonly webSockets: number;
  readonly eventStreams: number;
}

/** What clients saw. "silent" is a failure that they only noticed by their own time-out. */
export interface Tally {
  sent: number;
  ok: number;
  refused: number;
  reset: number;
  wrong: number;
  silent: number;
  /** Kept connections that the proxy closed between two requests, without having said so. */
  keptClosed: number;
  /** Failed, but begun before `forgive`. */
  forgiven: number;
  streamsLost: number;
  firstDetails: string[];
  latenciesMs: number[];
}

export interface Traffic {
  readonly tally: Tally;
  /** What has begun until now may fail: it is counted apart. */
  forgive(): void;
  /** Latencies since the last call. */
  takeLatencies(): readonly number[];
  /** As clients do whose balancer was told: no new connections; the kept ones go on until they are told to close. */
  leave(): void;
  stop(): Promise<Tally>;
}

const silentAfterMs = 10_000;

export function startTraffic(options: TrafficOptions): Traffic {
  const tally: Tally = {
    sent: 0,
    ok: 0,
    refused: 0,
    reset: 0,
    wrong: 0,
    silent: 0,
    keptClosed: 0,
    forgiven: 0,
    streamsLost: 0,
    firstDetails: [],
    latenciesMs: [],
  };
  let isLeaving = false;
  let isOver = false;
  let token = 0;
  let strictSinceMs = 0;
  const open = new Set<Promise<unknown>>();
  const fail = (kind: "refused" | "reset" | "wrong" | "silent", detail: string) => {
    tally[kind]++;
    if (tally.firstDetails.length < 5) tally.firstDetails.push(`${kind}: ${detail}`);
  };
  const note = (result: Result, startedMs: number) => {
    if (result.kind === "ok") {
      tally.ok++;
      tally.latenciesMs.push(performance.now() - startedMs);
    } else if (startedMs < strictSinceMs) tally.forgiven++;
    else fail(result.kind, result.detail);
  };
  const track = (work: Promise<unknown>) => {
    open.add(work);
    void work.finally(() => open.delete(work));
  };

  const once = async () => {
    tally.sent++;
    const startedMs = performance.now();
    const connection = dial(options.port);
    const result = await connection.ask(`/new/${token++}`, true);
    connection.close();
    note(result, startedMs);
  };

  const kept: (Kept | undefined)[] = Array.from({ length: options.keptConnections });
  let turn = 0;
  const onKept = async () => {
    // The next free one; a client with none free opens another.
    for (let tried = 0; tried < kept.length; tried++) {
      const index = turn++ % kept.length;
      let connection = kept[index];
      if (connection?.busy === true) continue;
      if (connection === undefined || connection.ended) {
        if (isLeaving) continue;
        if (connection?.ended === true && !connection.told) tally.keptClosed++;
        connection = dial(options.port);
        kept[index] = connection;
      }
      tally.sent++;
      const startedMs = performance.now();
      note(await connection.ask(`/kept/${token++}`, false), startedMs);
      return;
    }
  };

  const timers = [
    every(options.newPerSec, () => !isLeaving && track(once())),
    every(options.keptPerSec, () => track(onKept())),
  ];
  const streams = [
    ...Array.from({ length: options.webSockets }, () =>
      holdWebSocket(options.port, tally, () => isOver || isLeaving),
    ),
    ...Array.from({ length: options.eventStreams }, () =>
      holdEvents(options.port, tally, () => isOver || isLeaving),
    ),
  ];
  return {
    tally,
    forgive: () => void (strictSinceMs = performance.now()),
    takeLatencies() {
      const taken = tally.latenciesMs;
      tally.latenciesMs = [];
      return taken;
    },
    leave: () => void (isLeaving = true),
    async stop() {
      isOver = true;
      for (const timer of timers) clearInterval(timer);
      for (const stream of streams) stream();
      await Promise.all(open);
      for (const connection of kept) connection?.close();
      return tally;
    },
  };
}

/** Calls `work` so many times a second, in small bunches. */
function every(perSec: number, work: () => void): NodeJS.Timeout {
  let due = 0;
  let lastMs = performance.now();
  return setInterval(() => {
    const nowMs = performance.now();
    due = Math.min(due + ((nowMs - lastMs) * perSec) / 1000, perSec);
    lastMs = nowMs;
    for (; due >= 1; due--) work();
  }, 10);
}

type Result =
  | { readonly kind: "ok" }
  | { readonly kind: "refused" | "reset" | "wrong" | "silent"; readonly detail: string };

interface Kept {
  readonly busy: boolean;
  /** The other side has closed it. */
  readonly ended: boolean;
  /** It said so before, with `Connection: close`. */
  readonly told: boolean;
  ask(target: string, close: boolean): Promise<Result>;
  close(): void;
}

/** A connection that speaks just enough HTTP/1.1. The answer's body must be the target. */
function dial(port: number): Kept {
  const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let busy = false;
  let ended = false;
  let told = false;
  let text = "";
  let settle: ((result: Result) => void) | undefined;
  const finish = (result: Result) => {
    busy = false;
    settle?.(result);
    settle = undefined;
  };
  socket.setEncoding("latin1");
  socket.on("data", (part: string) => {
    text += part;
    const headEnd = text.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = text.slice(0, headEnd).toLowerCase();
    const length = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0);
    if (text.length < headEnd + 4 + length) return;
    const body = text.slice(headEnd + 4, headEnd + 4 + length);
    text = text.slice(headEnd + 4 + length);
    if (/\r\nconnection: *close/.test(head)) {
      told = true;
      ended = true;
      socket.end();
    }
    finish(
      head.startsWith("http/1.1 200") && body === target
        ? { kind: "ok" }
        : { kind: "wrong", detail: `${head.slice(0, 40)} for ${target}` },
    );
  });
  const over = (code: string) => {
    ended = true;
    finish({ kind: code === "ECONNREFUSED" ? "refused" : "reset", detail: `${code} at ${target}` });
  };
  socket.on("error", (error: NodeJS.ErrnoException) => over(error.code ?? "error"));
  socket.on("close", () => over("closed"));
  socket.on("end", () => over("end"));
  let target = "";
  return {
    get busy() {
      return busy;
    },
    get ended() {
      return ended;
    },
    get told() {
      return told;
    },
    async ask(what, close) {
      target = what;
      busy = true;
      socket.write(
        `GET ${target} HTTP/1.1\r\nHost: a.test\r\nUser-Agent: fault\r\nAccept: */*\r\n${close ? "Connection: close\r\n" : ""}\r\n`,
      );
      const timer = setTimeout(() => {
        finish({ kind: "silent", detail: target });
        socket.destroy();
      }, silentAfterMs);
      const result = await new Promise<Result>((resolve) => (settle = resolve));
      clearTimeout(timer);
      return result;
    },
    close: () => socket.destroy(),
  };
}

/** Keeps a WebSocket in use: a message each half a second must come back. Returns what ends it. */
function holdWebSocket(port: number, tally: Tally, isOver: () => boolean): () => void {
  let socket: WebSocket;
  let timer: NodeJS.Timeout;
  const begin = () => {
    if (isOver()) return;
    socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    let answered = true;
    timer = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) return;
      answered = false;
      socket.send("x");
    }, 500);
    socket.on("message", () => (answered = true));
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(timer);
      if (isOver() && answered) return;
      tally.streamsLost++;
      setTimeout(begin, 100);
    });
  };
  begin();
  return () => {
    clearInterval(timer);
    socket.removeAllListeners("close");
    socket.terminate();
  };
}

function holdEvents(port: number, tally: Tally, isOver: () => boolean): () => void {
  let abort = (): void => {};
  let isStopped = false;
  const begin = () => {
    if (isOver()) return;
    const request = get({ port, host: "127.0.0.1", path: "/events", agent: false }, (response) => {
      response.resume();
      response.on("error", () => {});
      response.on("close", lost);
    });
    request.on("error", lost);
    abort = () => request.destroy();
    let isLost = false;
    function lost(): void {
      if (isLost || isStopped) return;
      isLost = true;
      if (!isOver()) tally.streamsLost++;
      setTimeout(begin, 100);
    }
  };
  begin();
  return () => {
    isStopped = true;
    abort();
  };
}

/** The p-th part of values, sorted or not; 0 without any. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0;
}
