import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Setup } from "./candidate.ts";

/** HAProxy with one thread, every upstream connection reusable. Its log goes, unbuffered, to standard output. */
export async function haproxyCommand(setup: Setup): Promise<readonly string[]> {
  const file = join(setup.directory, "haproxy.cfg");
  const log = setup.logFile !== undefined;
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 8192
${log ? "  log stdout len 4096 format raw local0 info" : ""}

defaults
  mode http
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  timeout http-request 10s
  timeout http-keep-alive 60s
  timeout tunnel 1h
${log ? "  log global\n  option httplog" : "  no log"}

frontend edge
  bind 127.0.0.1:${setup.httpPort}
  bind 127.0.0.1:${setup.httpsPort} ssl crt ${setup.bothFile} ${setup.ownTls === true ? "" : "curves X25519 ssl-min-ver TLSv1.3 "}alpn h2,http/1.1
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header X-Forwarded-Proto https if { ssl_fc }
  http-request set-header X-Forwarded-Proto http unless { ssl_fc }
  default_backend origin

backend origin
  http-reuse always
  server one 127.0.0.1:${setup.originPort}
`,
  );
  // -db: stay in the foreground, as one process.
  return ["haproxy", "-db", "-f", file];
}
