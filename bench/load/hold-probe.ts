/** A process started by hold.ts: small requests on one connection, a millisecond after each answer. */
import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { readAnswer } from "./client.ts";
import { type Hold, holdProbePath } from "./hold.ts";

const port = Number(process.argv[2]);
const request = `GET ${holdProbePath} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`;
/** What a young process needs itself is not the proxy's. */
const warmUpProbes = 200;

const times: number[] = [];
let problem: string | undefined;
let sent = 0;
let count = 0;
let waits = false;
open();
process.on("message", () => {
  // A probe that still waits has been held at least as long as this.
  if (waits && count > warmUpProbes) times.push(performance.now() - sent);
  if (times.length === 0) problem ??= "no probe was answered after the warm-up";
  times.sort((a, b) => a - b);
  const p50Ms = times[times.length >> 1] ?? 0;
  const hold: Hold = { worstMs: times.at(-1) ?? 0, p50Ms, probes: times.length, problem };
  process.send!(hold);
});

/** Proxies close a connection after so many requests: then the next one is opened, which is not timed. */
function open(): void {
  let text = "";
  const socket: Socket = connect(port, "127.0.0.1", send).setNoDelay(true).setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
    const answer = readAnswer(text);
    if (answer === undefined) return;
    const ms = performance.now() - sent;
    text = "";
    waits = false;
    if (answer.status !== 404) problem ??= `status ${answer.status} for a probe`;
    if (count === warmUpProbes) process.send!("ready");
    if (count > warmUpProbes) times.push(ms);
    if (answer.fields.get("connection") === "close") socket.destroy();
    else setTimeout(send, 1);
  });
  socket.on("error", fail);
  socket.on("close", () => {
    if (waits) fail(new Error("closed before the answer"));
    else if (problem === undefined) open();
  });

  function send(): void {
    if (socket.destroyed) return;
    count++;
    waits = true;
    sent = performance.now();
    socket.write(request);
  }
}

function fail(error: Error): void {
  problem ??= `a probe failed: ${error.message}`;
  // Who waits for the warm-up to end must not wait for ever.
  if (count <= warmUpProbes) process.send!("ready");
}
