import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Setup } from "./candidate.ts";
import { freePort } from "./process.ts";

/** The checkout this file is in. */
export const checkout = join(import.meta.dirname, "../..");

/** The command line entry of a checkout; undefined when it has none. */
export function zionProgram(directory: string): string | undefined {
  const file = join(directory, "bin/zion.js");
  return existsSync(file) ? file : undefined;
}

/** The gateway of a checkout with one worker; limits, time-outs and metrics at their defaults. */
export async function zionCommand(setup: Setup, directory: string): Promise<readonly string[]> {
  const program = zionProgram(directory);
  if (program === undefined) throw new Error(`${directory} holds no bin/zion.js`);
  const file = join(setup.directory, "zion.toml");
  const text = JSON.stringify;
  writeFileSync(
    file,
    `[server]
listen_http = "127.0.0.1:${setup.httpPort}"
listen_https = "127.0.0.1:${setup.httpsPort}"
http_mode = "serve"
workers = 1

[tls]
cert_path = ${text(setup.certFile)}
key_path = ${text(setup.keyFile)}

[upstream.origin]
url = "http://127.0.0.1:${setup.originPort}"

[[route]]
path = "/{*rest}"
upstream = "origin"

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
