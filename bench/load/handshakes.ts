import { performance } from "node:perf_hooks";
import { connect, type TLSSocket } from "node:tls";
import { readAnswer, tlsOptions } from "./client.ts";
import type { Load } from "./generator.ts";

/**
 * One connection after the other for `seconds`: handshake, one request, read to the end, close. With `resumes` each
 * offers the newest ticket, and the first one of a window is not counted; otherwise no session is ever offered. One that
 * is not resumed, or is all the same, counts as an error.
 */
export async function runHandshakes(
  port: number,
  bytes: string,
  seconds: number,
  resumes = false,
): Promise<Load> {
  const times: number[] = [];
  let read = 0;
  let socketErrors = 0;
  let statusErrors = 0;
  let session = resumes ? (await exchange(port, bytes, undefined)).session : undefined;
  const start = performance.now();
  const end = start + seconds * 1000;
  while (performance.now() < end) {
    const begun = performance.now();
    try {
      const { text, session: newer } = await exchange(port, bytes, session);
      if (resumes) session = newer ?? session;
      read += text.length;
      if (readAnswer(text)?.status === 200) times.push(performance.now() - begun);
      else statusErrors++;
    } catch {
      // A peer that refuses at once would otherwise make this a busy loop for the whole window.
      if (++socketErrors >= 100) break;
    }
  }
  return loadOf(times, {
    seconds: (performance.now() - start) / 1000,
    bytes: read,
    socketErrors,
    statusErrors,
  });
}

/** What a generator saw that measured every request, one entry in `times` (ms) for each that succeeded. */
export function loadOf(
  times: number[],
  rest: Pick<Load, "seconds" | "bytes" | "socketErrors" | "statusErrors">,
): Load {
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { requests: times.length, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), ...rest };
}

interface Exchange {
  readonly text: string;
  /** The newest ticket. */
  readonly session: Buffer | undefined;
}

function exchange(port: number, bytes: string, offered: Buffer | undefined): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const resumption = offered === undefined ? {} : { session: offered };
    const socket: TLSSocket = connect({ ...tlsOptions(port), ...resumption }, () => {
      const resumed = socket.isSessionReused();
      if (resumed === (offered !== undefined)) socket.write(bytes);
      else socket.destroy(new Error(resumed ? "resumed" : "not resumed"));
    });
    let text = "";
    let session: Buffer | undefined;
    socket.on("session", (ticket: Buffer) => (session = ticket));
    socket.setEncoding("latin1");
    socket.setTimeout(5_000, () => socket.destroy(new Error("no answer within 5 s")));
    socket.on("data", (chunk: string) => (text += chunk));
    socket.once("error", reject);
    socket.once("close", () => resolve({ text, session }));
  });
}
