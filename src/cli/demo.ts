import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { makeSelfSigned } from "../cert/self-signed.ts";
import { parseConfig } from "../config/parse.ts";
import { cutConfig } from "../config/parts.ts";
import { renderDiagnostics } from "../config/render.ts";
import { workerEnvironment, workerFlags } from "../control/flags.ts";
import { createLog } from "../control/log.ts";
import { runPrimary } from "../control/primary.ts";
import type { LoadResult } from "../control/reload.ts";
import type { WantedListener } from "../control/slots.ts";
import { explainFor } from "../explain/explainer.ts";
import { proveInProcess } from "./exclusion-process.ts";
import { packageVersion } from "./version.ts";

export interface DemoOptions {
  /** 8080; 0 = any free port. */
  readonly httpPort?: number;
  /** 8443; 0 = any free port. */
  readonly httpsPort?: number;
  /** 9464; 0 = any free port, and for the admin listener another one. */
  readonly telemetryPort?: number;
}

/**
 * `zion demo`: a gateway with a certificate made in memory in front of a small upstream of its own. Nothing is read or
 * written. Resolves with the exit code when Ctrl-C has stopped it.
 */
export async function demoCommand(options: DemoOptions = {}): Promise<number> {
  const { httpPort = 8080, httpsPort = 8443, telemetryPort = 9464 } = options;
  const upstream = await startUpstream();
  const certificate = makeSelfSigned({ names: ["localhost", "127.0.0.1", "::1"], days: 30 });
  try {
    return await runPrimary({
      load: async () =>
        readDemo(demoToml({ httpPort, httpsPort, telemetryPort, upstreamPort: upstream.port }), certificate),
      log: createLog("warn"),
      version: packageVersion(),
      environment: process.env,
      explain: (problem) => process.stderr.write(`${problem.trimEnd()}\n`),
      explainRequest: explainFor(process.env),
      proveExclusion: proveInProcess(undefined),
      onServing: (listeners) => process.stdout.write(welcome(listeners)),
    });
  } finally {
    upstream.stop();
  }
}

/** The configuration that the demo runs, as an operator would write it. */
function demoToml(
  ports: Readonly<Record<"httpPort" | "httpsPort" | "telemetryPort" | "upstreamPort", number>>,
): string {
  return `schema_version = 1

[server]
listen_http = "127.0.0.1:${ports.httpPort}"
listen_https = "127.0.0.1:${ports.httpsPort}"
http_mode = "serve"
log_level = "warn"
workers = 2
shutdown_delay_ms = 0
shutdown_grace_ms = 3000

[tls]
cert_path = "${certPath}"
key_path = "${keyPath}"

[telemetry]
listen = "127.0.0.1:${ports.telemetryPort}"

[admin]
listen = "127.0.0.1:${ports.telemetryPort === 0 ? 0 : 9180}"

[upstream.demo]
url = "http://127.0.0.1:${ports.upstreamPort}"

[[route]]
path = "/{*rest}"
upstream = "demo"
public = true
`;
}

const certPath = "/demo/certificate.pem";
const keyPath = "/demo/key.pem";

function readDemo(
  toml: string,
  certificate: { readonly certPem: string; readonly keyPem: string },
): LoadResult {
  const files: Readonly<Record<string, string>> = {
    [certPath]: certificate.certPem,
    [keyPath]: certificate.keyPem,
  };
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error(`the demo has no file ${path}`);
    return text;
  };
  const { config, diagnostics } = parseConfig(toml, { file: "/demo/zion.toml", readFile });
  if (config !== undefined) return { kind: "loaded", cut: cutConfig(config), warnings: [], files: [] };
  const problem = renderDiagnostics(diagnostics, toml, { color: false });
  return { kind: "refused", reason: "invalid", problem, brief: "", files: [] };
}

function welcome(listeners: readonly WantedListener[]): string {
  const url = (name: string) => {
    const { host, port } = listeners.find((listener) => listener.name === name)!.address;
    return `${name}://${host}:${port}`;
  };
  const https = url("https");
  const http = url("http");
  return `
zion demo: ${https} (self-signed certificate) and ${http}

Try, in another terminal:
  curl -k ${https}/
  curl -k ${https}/api/hello
  curl ${http}/echo?a=1 -H 'X-Demo: yes' -d 'some body'
  head -c 1000000 /dev/zero | curl -k ${https}/upload -T -
  curl --path-as-is ${http}/../secret            # refused: climbs above the root
  curl ${http}/ -H 'Transfer-Encoding: gzip'     # refused: unknown framing
  curl -G ${http}/search --data-urlencode "q=O'Brien & sons -- select, or 1=1?"
  curl -G ${http}/search --data-urlencode "q=' UNION SELECT password FROM users--"   # refused by the WAF
  curl ${http}/api/hello -H 'X-Api-Version: \${jndi:ldap://x.test/a}'   # refused by the WAF
  curl ${http}/api/hello -H 'Content-Type: application/json' -d '{"a":1,"a":2}'   # refused: which a?

Each request leaves a line below. Ctrl-C stops.

`;
}

/** The demo's application. A process of its own: the primary, which holds keys, reads no bytes of clients, not even passed on. */
export async function startUpstream(): Promise<{ readonly port: number; stop(): void }> {
  const here = fileURLToPath(import.meta.url);
  const entry = here.replace(/demo\.(ts|js)$/, "demo-upstream.$1");
  const packageDir = fileURLToPath(new URL("../..", import.meta.url));
  const child = fork(entry, [], {
    execArgv: [...workerFlags({ packageDir, workerCount: 2, logPath: undefined })],
    env: workerEnvironment(process.env),
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message) => resolve(Number(message)));
    child.once("exit", () => reject(new Error("the demo upstream did not start")));
    child.once("error", reject);
  });
  return { port, stop: () => void child.kill("SIGKILL") };
}
