import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeNginx } from "../load/nginx.ts";
import { freePort } from "../load/process.ts";
import { checkout, zionProgram } from "../load/zion.ts";

/** A cache in front of an origin, as somebody sets it up who wants what RFC 9111 says: no lifetimes of its own. */
export interface CacheProduct {
  readonly name: string;
  readonly isInstalled: () => boolean;
  /** Writes the configuration and tells how to start. */
  command(directory: string, port: number, originPort: number): Promise<readonly string[]>;
}

const zion: CacheProduct = {
  name: "zion",
  isInstalled: () => zionProgram(checkout) !== undefined,
  async command(directory, port, originPort) {
    const file = join(directory, "zion.toml");
    writeFileSync(
      file,
      `[server]
listen_http = "127.0.0.1:${port}"
http_mode = "serve"
workers = 1
[upstream.app]
url = "http://127.0.0.1:${originPort}"
health = { interval_ms = 0 }
[cache_profile.pages]
[[route]]
path = "/{*rest}"
upstream = "app"
cache_profile = "pages"
waf = false
[access_log]
enabled = false
[telemetry]
listen = "127.0.0.1:${await freePort()}"
[admin]
listen = "off"
`,
    );
    return [process.execPath, zionProgram(checkout)!, "run", "-c", file];
  },
};

const nginx: CacheProduct = {
  name: "nginx",
  isInstalled: () => has("nginx"),
  command: async (directory, port, originPort) =>
    writeNginx(
      directory,
      `access_log off;
  proxy_cache_path ${directory}/cache keys_zone=stored:10m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${originPort};
      proxy_set_header Host $http_host;
      proxy_cache stored;
      proxy_cache_revalidate on;
      proxy_cache_lock on;
      proxy_cache_background_update on;
    }
  }`,
    ),
};

const haproxy: CacheProduct = {
  name: "haproxy",
  isInstalled: () => has("haproxy"),
  async command(directory, port, originPort) {
    const file = join(directory, "haproxy.cfg");
    writeFileSync(
      file,
      `global
  nbthread 1
defaults
  mode http
  timeout connect 3s
  timeout client 60s
  timeout server 60s
cache stored
  total-max-size 8
  max-age 86400
  process-vary on
frontend edge
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  http-request cache-use stored
  http-response cache-store stored
  server one 127.0.0.1:${originPort}
`,
    );
    return ["haproxy", "-db", "-f", file];
  },
};

const apache: CacheProduct = {
  name: "apache",
  isInstalled: () => has("apache2"),
  async command(directory, port, originPort) {
    const file = join(directory, "apache.conf");
    const modules = [
      "mpm_event",
      "authz_core",
      "proxy",
      "proxy_http",
      "cache",
      "cache_socache",
      "socache_shmcb",
    ];
    writeFileSync(
      file,
      `ServerRoot ${directory}
ServerName localhost
PidFile ${directory}/apache.pid
DefaultRuntimeDir ${directory}
ErrorLog ${directory}/error.log
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
ServerLimit 1
StartServers 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
Listen 127.0.0.1:${port}
CacheEnable socache /
CacheSocache shmcb:${directory}/stored(8000000)
CacheQuickHandler off
CacheIgnoreNoLastMod on
CacheDefaultExpire 0
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:${originPort}/
`,
    );
    return ["apache2", "-DFOREGROUND", "-f", file];
  },
};

const varnish: CacheProduct = {
  name: "varnish",
  isInstalled: () => has("varnishd"),
  async command(directory, port, originPort) {
    const work = join(directory, "work");
    mkdirSync(work);
    // Without a lifetime of its own for what says nothing.
    return [
      ...[
        "varnishd",
        "-F",
        "-j",
        "none",
        "-n",
        work,
        "-a",
        `127.0.0.1:${port}`,
        "-b",
        `127.0.0.1:${originPort}`,
      ],
      ...["-s", "malloc,16m", "-p", "default_ttl=0", "-p", "thread_pool_min=5"],
    ];
  },
};

export const cacheProducts: readonly CacheProduct[] = [zion, nginx, haproxy, apache, varnish];

function has(program: string): boolean {
  return (
    existsSync(`/usr/sbin/${program}`) ||
    spawnSync("sh", ["-c", 'command -v "$1"', "sh", program]).status === 0
  );
}
