import { setTimeout as sleep } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import type { Candidate } from "./candidate.ts";
import { readAnswer, tlsOptions } from "./client.ts";
import { readStatusKb, readTree } from "./proc.ts";

/** Connections from one client address: below the default cap of every candidate. */
const perAddress = 200;
/** Handshakes under way at once. */
const inFlight = 32;

/**
 * Memory of one idle TLS connection in kB: growth of RssAnon of the whole tree while `count` connections are opened,
 * each with one request answered, and then held. A quarter more are opened first, so that what grows once (code,
 * pools, young generation) is not charged to the connections.
 */
export async function idleConnectionKb(candidate: Candidate, bytes: string, count: number): Promise<number> {
  const held: TLSSocket[] = [];
  try {
    await hold(held, count >> 2, candidate.httpsPort, bytes);
    await sleep(1_000);
    const before = anonKb(candidate);
    await hold(held, (count >> 2) + count, candidate.httpsPort, bytes);
    await sleep(2_000);
    const after = anonKb(candidate);
    const lost = held.filter((socket) => socket.destroyed).length;
    if (lost > 0) throw new Error(`${lost} of ${held.length} idle connections were closed`);
    return (after - before) / count;
  } finally {
    for (const socket of held) socket.destroy();
  }
}

async function hold(held: TLSSocket[], wanted: number, port: number, bytes: string): Promise<void> {
  let next = held.length;
  const open = async (): Promise<void> => {
    while (next < wanted) held.push(await openOne(port, next++, bytes));
  };
  await Promise.all(Array.from({ length: inFlight }, open));
}

/** The `index`-th connection; addresses from 127.0.1.1 upwards. */
function openOne(port: number, index: number, bytes: string): Promise<TLSSocket> {
  const address = `127.0.1.${1 + Math.floor(index / perAddress)}`;
  return new Promise((resolve, reject) => {
    const socket = connect(tlsOptions(port, address), () => socket.write(bytes));
    let text = "";
    socket.setEncoding("latin1");
    socket.setTimeout(10_000, () => socket.destroy(new Error("no answer within 10 s")));
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("closed before the answer")));
    socket.on("data", (chunk: string) => {
      text += chunk;
      const answer = readAnswer(text);
      if (answer === undefined) return;
      socket.setTimeout(0);
      if (answer.status === 200) resolve(socket);
      else socket.destroy(new Error(`status ${answer.status}`));
    });
  });
}

function anonKb(candidate: Candidate): number {
  let sum = 0;
  for (const one of readTree(candidate.process.pid)) sum += readStatusKb(one.pid, "RssAnon");
  return sum;
}
