import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readTree } from "../load/proc.ts";
import { accepts } from "../load/process.ts";
import { checkout, zionProgram } from "../load/zion.ts";
import { type Instance, kill, type Product } from "./proxy.ts";

/** The gateway as it is shipped: the WAF on, every limit at its default but the one per address. */
const zion: Product = {
  name: "zion",
  version: (JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { version: string }).version,
  configure({ directory, port, adminPort, originPort, workers }, mark) {
    const file = join(directory, "zion.toml");
    writeFileSync(
      file,
      `[server]
listen_http = "127.0.0.1:${port}"
http_mode = "serve"
workers = ${workers}
max_connections_per_ip = 0
state_dir = ${JSON.stringify(join(directory, "state"))}
shutdown_delay_ms = 1000
shutdown_grace_ms = 10000

[access_log]
path = ${JSON.stringify(join(directory, "access.log"))}

[telemetry]
listen = "127.0.0.1:${adminPort}"

[admin]
listen = "off"

[upstream.origin]
url = "http://127.0.0.1:${originPort}"

[[route]]
path = "/ws"
upstream = "origin"
mode = "websocket"

[[route]]
path = "/events"
upstream = "origin"
mode = "sse_stream"

[[route]]
path = "/{*rest}"
upstream = "origin"
max_body_mb = ${10 + (mark % 2)}
`,
    );
    return [process.execPath, zionProgram(checkout)!, "run", "-c", file];
  },
  async reload(instance) {
    const before = generation(instance);
    instance.signal("SIGHUP");
    for (let waited = 0; waited < 5000 && generation(instance) === before; waited += 10) await sleep(10);
  },
  reloads: generation,
  gracefulSignal: "SIGTERM",
  async upgrade(instance) {
    const file = join(instance.place.directory, "zion.toml");
    const asked = spawn(process.execPath, [zionProgram(checkout)!, "upgrade", "-c", file], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ZION_BUILT: "1" },
    });
    let said = "";
    asked.stdout.setEncoding("utf8").on("data", (part: string) => (said += part));
    const code = await new Promise((resolve) => asked.on("exit", resolve));
    const old = instance.pid();
    if (code !== 0) throw new Error(`zion upgrade ended with ${String(code)}: ${said}`);
    instance.adopt(Number(/process (\d+) serves/.exec(said)?.[1] ?? old));
    await untilGone(old);
  },
  async isWhole({ place }) {
    const answer = await fetch(`http://127.0.0.1:${place.adminPort}/readyz`).catch(() => undefined);
    return (await answer?.text()) === "ready\n";
  },
  serving: ({ pid }) =>
    readTree(pid())
      .map((one) => one.pid)
      .filter((one) => commandLine(one).includes("worker-process")),
};

function generation({ place }: Instance): number {
  const lines = readFileSync(join(place.directory, "output"), "utf8").match(/"zion\.config\.reload"/g);
  return lines?.length ?? 0;
}

const nginx: Product = {
  name: "nginx",
  version: versionOf("nginx", ["-v"]),
  configure({ directory, port, originPort, workers }, mark) {
    const file = join(directory, "nginx.conf");
    writeFileSync(
      file,
      `${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
worker_processes ${workers};
worker_shutdown_timeout 10s;
pid ${directory}/nginx.pid;
events { worker_connections 16384; }
http {
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  access_log ${directory}/access.log combined buffer=64k flush=1s;
  keepalive_requests 1000000;
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  upstream origin { server 127.0.0.1:${originPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size ${16 + (mark % 2)}m;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
    }
  }
}
`,
    );
    return ["nginx", "-p", directory, "-c", file, "-e", join(directory, "error.log")];
  },
  async reload(instance) {
    instance.signal("SIGHUP");
    await sleep(200);
  },
  gracefulSignal: "SIGQUIT",
  // It ignores the signal while the process that started it is still there, and its new program is started by the path that
  // it was started with, which is not looked for.
  upgradePrefix: ["sh", "-c", 'program=$(command -v "$1"); shift; "$program" "$@" & wait', "sh"],
  async upgrade(instance) {
    const pidFile = join(instance.place.directory, "nginx.pid");
    const old = Number(readFileSync(pidFile, "utf8"));
    if (instance.pid() !== old) {
      kill(instance.pid(), "SIGKILL");
      await instance.exited();
      instance.adopt(old);
    }
    const pidOf = () => (existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) : 0);
    kill(old, "SIGUSR2");
    for (let waited = 0; waited < 10_000 && (pidOf() === old || pidOf() === 0); waited += 50) await sleep(50);
    // Its workers come after it.
    await sleep(1500);
    const fresh = pidOf();
    if (fresh === old || fresh === 0) throw new Error("nginx did not start its program anew");
    instance.adopt(fresh);
    kill(old, "SIGQUIT");
    await untilGone(old);
  },
  isWhole: async (instance) => nginx.serving(instance).length >= instance.place.workers,
  serving: (instance) => childrenNamed(instance, "nginx: worker process"),
};

const haproxy: Product = {
  name: "haproxy",
  version: versionOf("haproxy", ["-v"]),
  configure({ directory, port, originPort, workers }, mark) {
    const file = join(directory, "haproxy.cfg");
    writeFileSync(
      file,
      `global
  nbthread ${workers}
  maxconn 8192
  stats socket ${directory}/stats.sock mode 600 level admin expose-fd listeners
  hard-stop-after 10s
defaults
  mode http
  option http-keep-alive
  timeout connect 2s
  timeout client ${60 + (mark % 2)}s
  timeout server 60s
  timeout tunnel 1h
  http-reuse always
frontend edge
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server origin 127.0.0.1:${originPort}
`,
    );
    return ["haproxy", "-W", "-f", file];
  },
  async reload(instance) {
    instance.signal("SIGUSR2");
    await sleep(200);
  },
  gracefulSignal: "SIGUSR1",
  isWhole: async (instance) => haproxy.serving(instance).length > 0,
  // The same signal: the master executes its program anew.
  async upgrade(instance) {
    instance.signal("SIGUSR2");
    await sleep(2000);
  },
  serving: (instance) =>
    readTree(instance.pid())
      .slice(1)
      .map((one) => one.pid),
};

const caddy: Product = {
  name: "caddy",
  version: versionOf("caddy", ["version"]),
  configure({ directory, port, adminPort, originPort }, mark) {
    const file = join(directory, "Caddyfile");
    writeFileSync(
      file,
      `{
  admin 127.0.0.1:${adminPort}
  auto_https off
  grace_period 10s
  storage file_system ${directory}/storage
}
:${port} {
  bind 127.0.0.1
  request_body {
    max_size ${16 + (mark % 2)}MB
  }
  log {
    output file ${directory}/access.log
  }
  reverse_proxy 127.0.0.1:${originPort} {
    flush_interval -1
  }
}
`,
    );
    return ["caddy", "run", "--config", file, "--adapter", "caddyfile"];
  },
  async reload({ place }) {
    const command = ["reload", "--config", join(place.directory, "Caddyfile"), "--adapter", "caddyfile"];
    const asked = spawn("caddy", [...command, "--address", `127.0.0.1:${place.adminPort}`], {
      stdio: "ignore",
    });
    await new Promise((resolve) => asked.on("exit", resolve));
  },
  gracefulSignal: "SIGTERM",
  upgrade: undefined,
  isWhole: async ({ place }) => accepts(place.port),
  serving: (instance) => [instance.pid()],
};

export const products: readonly Product[] = [zion, nginx, haproxy, caddy];

async function untilGone(pid: number): Promise<void> {
  for (let waited = 0; waited < 20_000 && readTree(pid).some(({ state }) => state !== "Z"); waited += 50)
    await sleep(50);
}

function childrenNamed(instance: Instance, name: string): readonly number[] {
  return readTree(instance.pid())
    .map((one) => one.pid)
    .filter((one) => commandLine(one).includes(name));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function versionOf(program: string, args: readonly string[]): string {
  const { stdout, stderr, error } = spawnSync(program, [...args], { encoding: "utf8", timeout: 5000 });
  if (error !== undefined) return "";
  return /\d+\.\d+\.\d+/.exec(stdout || stderr)?.[0] ?? "unknown";
}
