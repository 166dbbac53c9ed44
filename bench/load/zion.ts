import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Setup } from "./candidate.ts";
import { writeFiles } from "./files.ts";
import { freePort } from "./process.ts";

/** The checkout this file is in. */
export const checkout = join(import.meta.dirname, "../..");

/** The command line entry of a checkout; undefined when it has none. */
export function zionProgram(directory: string): string | undefined {
  const file = join(directory, "bin/zion.js");
  return existsSync(file) ? file : undefined;
}

/** The gateway of a checkout with one worker; limits, time-outs, metrics and, if it is on, the WAF at their defaults. */
export async function zionCommand(setup: Setup, directory: string): Promise<readonly string[]> {
  const program = zionProgram(directory);
  if (program === undefined) throw new Error(`${directory} holds no bin/zion.js`);
  const file = join(setup.directory, "zion.toml");
  const text = JSON.stringify;
  // What tells how long the loop is held must be answered by the gateway itself: a path that no route has.
  const paths = setup.holdProbe ? ["/sink/{*rest}", "/api/{*rest}", "/witness/{*rest}"] : ["/{*rest}"];
  for (let route = 0; route < (setup.growth?.routes ?? 0); route++) paths.push(`/shop-${route}/{*rest}`);
  writeFileSync(
    file,
    `[server]
listen_http = "127.0.0.1:${setup.httpPort}"
listen_https = "127.0.0.1:${setup.httpsPort}"
http_mode = "serve"
workers = ${setup.growth?.workers ?? 1}
${setup.growth === undefined ? "" : "max_connections_per_ip = 0"}
${setup.endless ? "keepalive_requests = 1000000000" : ""}

[tls]
cert_path = ${text(setup.certFile)}
key_path = ${text(setup.keyFile)}

[upstream.origin]
url = "${setup.backend === "encrypted" ? "https" : "http"}://127.0.0.1:${setup.originPort}"
${setup.backend === "encrypted" ? `server_name = "localhost"\nca_path = ${text(setup.certFile)}` : ""}
${setup.backend === "grpc" ? 'protocol = "h2c"' : ""}

${paths.map((path) => `[[route]]\npath = "${path}"\nupstream = "origin"\n${setup.waf ? "" : "waf = false\n"}${setup.backend === "events" ? 'mode = "websocket"\n' : ""}${setup.backend === "cached" ? 'cache_profile = "stored"\n' : ""}`).join("\n")}

${setup.backend === "files" ? `[[route]]\npath = "/files/{*rest}"\nmode = "static"\nserve_dir = ${text(writeFiles(setup.directory))}\nwaf = false\n` : ""}
${setup.backend === "cached" ? "[cache_profile.stored]\ndefault_ttl_seconds = 3600\nignore_cookies = true\n" : ""}
${setup.backend === "compressed" ? "[compression]\n" : ""}
${setup.growth?.ruleFiles === undefined ? "" : `[waf]\nrules = ${text(setup.growth.ruleFiles)}\n`}
[access_log]
${setup.logFile === undefined ? "enabled = false" : `path = ${text(setup.logFile)}`}

[telemetry]
listen = "127.0.0.1:${await freePort()}"

[admin]
listen = "127.0.0.1:${await freePort()}"
`,
  );
  return [process.execPath, program, "run", "-c", file];
}
