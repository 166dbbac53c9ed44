import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Setup } from "./candidate.ts";
import { writeFiles } from "./files.ts";
import { holdProbePath } from "./hold.ts";
import { nginxRules, writeRules } from "./modsecurity.ts";

/**
 * nginx as a careful administrator sets it up for one core: keep-alive to the upstream, the usual forwarding
 * fields, buffered combined log. Everything else is left at its default.
 */
export async function nginxCommand(setup: Setup): Promise<readonly string[]> {
  return writeNginx(setup.directory, edge(setup, ""), "", setup.growth?.workers);
}

/** The same with libmodsecurity and the Core Rule Set in blocking mode. */
export async function nginxModsecurityCommand(setup: Setup): Promise<readonly string[]> {
  const rulesFile = writeRules(setup.directory, nginxRules);
  const inspect = `modsecurity on;\n    modsecurity_rules_file ${rulesFile};`;
  return writeNginx(setup.directory, edge(setup, inspect), `load_module ${nginxRules.module};`);
}

/** `more` goes into the server. */
function edge(setup: Setup, more: string): string {
  return `
  ${setup.logFile === undefined ? "access_log off;" : `access_log ${setup.logFile} combined buffer=64k flush=1s;`}
  ssl_certificate ${setup.certFile};
  ssl_certificate_key ${setup.keyFile};
  ${setup.ownTls === true ? "" : "ssl_protocols TLSv1.3; ssl_ecdh_curve X25519;"}

  ${setup.backend === "cached" ? `proxy_cache_path ${setup.directory}/cache keys_zone=stored:10m;` : ""}
  upstream origin {
    server 127.0.0.1:${setup.originPort};
    keepalive 256;
  }
  server {
    listen 127.0.0.1:${setup.httpPort};
    listen 127.0.0.1:${setup.httpsPort} ssl http2;
    client_max_body_size 16m;
    ${setup.endless ? "keepalive_requests 1000000000;" : ""}
    ${more}
    location = ${holdProbePath} { return 404; }
${locations(setup)}
    ${setup.backend === "files" ? `location /files/ { root ${writeFiles(setup.directory)}; }` : ""}
    location / {
      ${setup.backend === "grpc" ? "grpc_pass grpc://origin" : `proxy_pass ${setup.backend === "encrypted" ? "https" : "http"}://origin`};
      proxy_http_version 1.1;
      ${setup.backend === "events" ? upgrading : 'proxy_set_header Connection "";'}
      ${setup.backend === "compressed" ? "gzip on; gzip_proxied any; gzip_comp_level 4;" : ""}
      ${setup.backend === "cached" ? "proxy_cache stored; proxy_cache_valid 200 1h; proxy_cache_lock on;" : ""}
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }`;
}

function locations({ growth }: Setup): string {
  const lines: string[] = [];
  for (let route = 0; route < (growth?.routes ?? 0); route++)
    lines.push(`    location /shop-${route}/ { proxy_pass http://origin; }`);
  return lines.join("\n");
}

const upgrading = `proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;`;

/** Puts `http` into a configuration of one worker that writes nowhere but into `directory`. */
export function writeNginx(directory: string, http: string, main = "", workers = 1): readonly string[] {
  const file = join(directory, "nginx.conf");
  const root = process.getuid?.() === 0;
  writeFileSync(
    file,
    `${root ? "user root;" : ""}
daemon off;
${main}
worker_processes ${workers};
pid ${directory}/nginx.pid;
events { worker_connections 16384; }
http {
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
${http}
}
`,
  );
  return ["nginx", "-p", directory, "-c", file, "-e", join(directory, "error.log")];
}
