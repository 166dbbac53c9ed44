import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Setup } from "./candidate.ts";

/** Caddy on one CPU, as its documentation sets up a reverse proxy; its access log is JSON in a file. */
export async function caddyCommand(setup: Setup): Promise<readonly string[]> {
  const file = join(setup.directory, "Caddyfile");
  const { httpPort, httpsPort, originPort, certFile, keyFile, logFile } = setup;
  const site = `
  ${logFile === undefined ? "" : `log {\n    output file ${logFile} {\n      roll_disabled\n    }\n  }`}
  reverse_proxy 127.0.0.1:${originPort} {
    header_up X-Real-IP {remote_host}
    header_up X-Forwarded-Host {http.request.hostport}
    transport http {
      compression off
      max_conns_per_host 256
      keepalive_idle_conns_per_host 256
    }
  }`;
  writeFileSync(
    file,
    `{
  admin off
  auto_https off
  default_bind 127.0.0.1
}
:${httpPort} {${site}
}
https://localhost:${httpsPort} {
  tls ${certFile} ${keyFile}${setup.ownTls === true ? "" : " {\n    protocols tls1.3\n    curves x25519\n  }"}${site}
}
`,
  );
  const home = [`HOME=${setup.directory}`, `XDG_DATA_HOME=${setup.directory}`, "GOMAXPROCS=1"];
  return ["env", ...home, "caddy", "run", "--adapter", "caddyfile", "--config", file];
}
