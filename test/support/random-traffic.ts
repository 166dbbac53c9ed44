import net from "node:net";

/** How many requests were sent and answered. */
export interface Traffic {
  readonly sent: number;
  readonly answered: number;
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
/** Behind these the gateway closes: they come last on a connection. */
const endings = ["TRACE", "BREW", "get", "GET"];
const attacks = [
  "' or '1'='1",
  "<script>alert(1)</script>",
  "../../etc/passwd",
  "${jndi:ldap://x}",
  "{{7*7}}",
];
const BATCH = 20;
const CONNECTIONS = 8;

/**
 * Sends `count` requests that have nothing in common: hosts, paths, queries, methods, agents, ids and traces are random,
 * one in ten is an attack, and the last one on a connection is often refused whatever it asks for. What comes back is
 * counted and not looked at.
 */
export async function sendRandom(port: number, count: number, host = "127.0.0.1"): Promise<Traffic> {
  const traffic = { sent: 0, answered: 0 };
  const lanes = Array.from({ length: CONNECTIONS }, async () => {
    while (traffic.sent < count) {
      const batch = Math.min(BATCH, count - traffic.sent);
      traffic.sent += batch;
      const requests = Array.from({ length: batch }, (_, i) => randomRequest(i === batch - 1));
      const answered = await send(port, host, requests);
      traffic.answered += answered;
    }
  });
  await Promise.all(lanes);
  return traffic;
}

/** One batch on a connection of its own. */
function send(port: number, host: string, requests: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    let text = "";
    const socket = net.connect(port, host, () => {
      socket.write(requests.join(""), "latin1");
      socket.end();
    });
    socket.setTimeout(20_000, () => socket.destroy());
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text.split(/HTTP\/1\.1 \d{3} /).length - 1));
  });
}

function randomRequest(isLast: boolean): string {
  const attack = Math.random() < 0.1 ? `&q=${encodeURIComponent(pick(attacks))}` : "";
  const broken = isLast && Math.random() < 0.3 ? `${word(8)} : x\r\n` : "";
  const method = pick(isLast ? endings : methods);
  const length = method === "POST" || method === "PUT" || method === "PATCH" ? "Content-Length: 0\r\n" : "";
  return `${method} /${word(12)}/${word(6)}?${word(5)}=${word(9)}${attack} HTTP/1.1\r\nHost: ${word(10)
    .toLowerCase()
    .replace(
      /[^a-z0-9]/g,
      "x",
    )}.test\r\nUser-Agent: ${word(14)}\r\nX-Request-ID: ${word(16)}\r\nX-${word(5).replace(/[._~]/g, "-")}: ${word(8)}\r\n${length}${broken}\r\n`;
}

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)]!;
}

function word(length: number): string {
  let text = "rnd7";
  while (text.length < length) text += letters[Math.floor(Math.random() * letters.length)];
  return text;
}
