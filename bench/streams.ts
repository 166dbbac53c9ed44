import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "../test/support/free-port.ts";
import { startGateway } from "../test/support/gateway.ts";
import { type Origin, startOrigin } from "../test/support/origin.ts";
import { connect, type RawClient } from "../test/support/raw-client.ts";
import { accepting, frame, open } from "../test/support/websocket.ts";
import { systemConfig } from "../test/system/config.ts";

/**
 * Fan-out: what one event of 100 bytes to each of 400 event streams or WebSockets costs a proxy, in CPU time of its
 * workers, the gateway and nginx in turns. An event counts when its client has it. `node bench/streams.ts`; needs
 * nginx. Clock ticks are 10 ms: a round of 40,000 events is 30 to 80 of them.
 */
const STREAMS = 400;
const EVENTS = 100;
const ROUNDS = 5;

const text = `data: ${"x".repeat(92)}\n\n`;
const kinds = {
  "event streams": {
    answer: (_request, { socket }) =>
      void socket.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
      ),
    event: Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`),
    join: async (port) => {
      const client = await connect(port, { deadlineMs: 60_000 });
      client.send("GET /events HTTP/1.1\r\nHost: a.test\r\n\r\n");
      await client.until(() => client.received.includes("\r\n\r\n"));
      return client;
    },
  },
  WebSockets: {
    answer: accepting,
    event: frame(1, text),
    join: (port) => open(port, { deadlineMs: 60_000 }),
  },
} satisfies Record<string, Kind>;

interface Kind {
  readonly answer: Origin["script"];
  readonly event: Buffer;
  readonly join: (port: number) => Promise<RawClient>;
}

const endings: (() => unknown)[] = [];
const origin = await startOrigin();
const gateway = await startGateway(
  { after: (end) => void endings.push(end as () => unknown) },
  systemConfig(origin.port, { route: 'mode = "websocket"\nwaf = false' }),
);
const nginx = await startNginx(origin.port);
for (const [name, kind] of Object.entries<Kind>(kinds)) {
  const ratios: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const ours = await measure(kind, gateway.port, gateway.workers());
    const theirs = await measure(kind, nginx.port, childrenOf(nginx.process.pid!));
    ratios.push(ours / theirs);
    console.log(`${name}: ${ours.toFixed(1)} us an event, nginx ${theirs.toFixed(1)} us`);
  }
  ratios.sort((a, b) => a - b);
  console.log(
    `${name}: ${ratios[ROUNDS >> 1]!.toFixed(2)}x nginx (${ratios[0]!.toFixed(2)} to ${ratios.at(-1)!.toFixed(2)})`,
  );
}
nginx.process.kill("SIGTERM");
rmSync(nginx.folder, { recursive: true, force: true });
for (const end of endings) await end();
await origin.close();

/** Microseconds of CPU an event, all of `pids` together. */
async function measure(kind: Kind, port: number, pids: readonly number[]): Promise<number> {
  origin.script = kind.answer;
  origin.forget();
  const clients: RawClient[] = [];
  while (clients.length < STREAMS) clients.push(await kind.join(port));
  const far = origin.connections.filter((connection) => !connection.isOver()).slice(-STREAMS);
  const started = clients.map((client) => client.receivedBytes);
  const before = cpuMs(pids);
  for (let sent = 1; sent <= EVENTS; sent++) {
    for (const { socket } of far) socket.write(kind.event);
    // Chunks may be framed anew: their text counts.
    await Promise.all(
      clients.map((client, at) =>
        client.until(() => client.receivedBytes - started[at]! >= sent * text.length),
      ),
    );
  }
  const used = cpuMs(pids) - before;
  for (const client of clients) client.destroy();
  return (used * 1000) / (EVENTS * STREAMS);
}

interface Nginx {
  readonly process: ChildProcess;
  readonly port: number;
  readonly folder: string;
}

async function startNginx(originPort: number): Promise<Nginx> {
  const folder = mkdtempSync(path.join(tmpdir(), "zion-streams-"));
  const port = await freePort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    path.join(folder, "nginx.conf"),
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 2;
events { worker_connections 4096; }
http {
  access_log ${folder}/access.log; ${paths.join(" ")}
  map $http_upgrade $connection_field { default upgrade; "" close; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${originPort}; proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_field;
    }
  }
}
`,
  );
  const child = spawn("nginx", ["-c", path.join(folder, "nginx.conf")], { stdio: "inherit" });
  for (;;) {
    const probe = await connect(port).catch(() => undefined);
    probe?.destroy();
    if (probe !== undefined) return { process: child, port, folder };
    await new Promise((done) => setTimeout(done, 50));
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

/** User and system time; clock ticks are 10 ms. */
function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10;
}
