import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { makeSelfSigned } from "../cert/self-signed.ts";
import { readProblem } from "../config/files.ts";
import { configJsonSchema } from "../config/json-schema.ts";
import { parseConfig } from "../config/parse.ts";
import { renderDiagnostics } from "../config/render.ts";
import { tomlText } from "../config/toml-text.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

export interface InitOptions {
  /** Where the files go; made where it is missing. */
  readonly directory: string;
  /** URL of the application. */
  readonly upstream: string;
  /** Host names of the site; empty = every host. */
  readonly hosts: readonly string[];
  /** none = plain HTTP only. */
  readonly tls: "self-signed" | "none";
}

interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/**
 * `zion init`: writes a commented config that runs at once, with the WAF in shadow, its JSON Schema for editors and a
 * certificate for trying. Overwrites nothing; writes all of it or nothing. Returns the exit code.
 */
export function initCommand(options: InitOptions, output: Output): number {
  const { directory, tls } = options;
  const files: NewFile[] = [
    { path: join(directory, "zion.toml"), text: starterToml(options), mode: 0o640 },
    { path: join(directory, "zion.schema.json"), text: schemaText(), mode: 0o644 },
  ];
  if (tls === "self-signed") {
    const names = ["localhost", "127.0.0.1", "::1", ...options.hosts.filter((host) => !host.includes("*"))];
    const pair = makeSelfSigned({ names, days: 365 });
    files.push(
      { path: join(directory, "tls", "cert.pem"), text: pair.certPem, mode: 0o644 },
      { path: join(directory, "tls", "key.pem"), text: pair.keyPem, mode: 0o600 },
    );
  }
  const present = files.find(({ path }) => existsSync(path));
  if (present !== undefined) {
    output.err.write(`zion: ${present.path} is there already; nothing was written\n`);
    return exitCodes.no;
  }
  const problems = problemsOf(files);
  if (problems !== "") {
    output.err.write(problems);
    return exitCodes.usage;
  }
  const written: string[] = [];
  try {
    for (const { path, text, mode } of files) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { mode, flag: "wx" });
      written.push(path);
    }
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    output.err.write(`zion: cannot write to ${directory}: ${readProblem(error)}\n`);
    return exitCodes.unavailable;
  }
  output.out.write(`${written.map((path) => `wrote ${path}\n`).join("")}${nextSteps(files[0]!.path)}`);
  return exitCodes.ok;
}

/** What is wrong with the options, as the config that came of them shows it; "" = nothing. */
function problemsOf(files: readonly NewFile[]): string {
  const [{ path, text }] = files as readonly [NewFile];
  const access = {
    readFile: (name: string) => {
      const file = files.find((one) => resolve(one.path) === resolve(name));
      if (file === undefined) throw new Error(`${name} is not written`);
      return Buffer.from(file.text);
    },
  };
  const { diagnostics } = parseConfig(text, { file: path, ...access });
  return renderDiagnostics(
    diagnostics.filter(({ severity }) => severity === "error"),
    text,
    { color: false },
  );
}

function schemaText(): string {
  return `${JSON.stringify(configJsonSchema("4"), null, 2)}\n`;
}

function starterToml({ upstream, hosts, tls }: InitOptions): string {
  const listeners =
    tls === "none"
      ? `listen_http = "127.0.0.1:8080"   # 0.0.0.0 to be reached from other machines`
      : `listen_http = "127.0.0.1:8080"   # redirects to https; 0.0.0.0 to be reached from other machines
listen_https = "127.0.0.1:8443"`;
  const certificate =
    tls === "none"
      ? ""
      : `
[tls]
cert_path = "tls/cert.pem"         # self-signed, for trying: put your own pair here
key_path = "tls/key.pem"
`;
  return `#:schema ./zion.schema.json
# A first configuration. Every key: zion.schema.json, or docs/operating/config.md.
# zion check   says what is wrong with it; a gateway that runs reads it again by itself.

[server]
${listeners}
# trusted_proxies = ["10.0.0.0/8"] # balancers in front, whose X-Forwarded-For is believed
${certificate}
[upstream.app]
url = ${tomlText(upstream)}
preserve_host = true               # the application sees the host that the client asked for
# health = { path = "/healthz", interval_ms = 10000 }

[limit.client]
key = ["address"]                  # of the client, IPv6 by /64
rate = 100                         # requests per second
burst = 400

[[route]]
name = "app"
${hosts.length === 0 ? '# hosts = ["www.example.org"]      # absent: every host' : `hosts = [${hosts.map(tomlText).join(", ")}]`}
path = "/{*rest}"
upstream = "app"
limits = ["client"]
waf_shadow = true                  # reports what it would refuse; remove it when the log is quiet

[access_log]
path = "-"                         # standard output, one JSON object a line
`;
}

function nextSteps(file: string): string {
  return `next: zion check -c ${file}\n      zion run -c ${file}\n`;
}
