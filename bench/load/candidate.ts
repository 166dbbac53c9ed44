import { existsSync, mkdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { apacheCommand } from "./apache.ts";
import { caddyCommand } from "./caddy.ts";
import { haproxyCommand } from "./haproxy.ts";
import { nginxCommand, nginxModsecurityCommand } from "./nginx.ts";
import { nodeProxies, nodeProxyCommand } from "./node-proxy.ts";
import { freePort, type Running, startPinned } from "./process.ts";
import type { Backend } from "./scenarios.ts";
import { checkout, zionCommand } from "./zion.ts";

/** `before` is the gateway of another checkout, for a comparison of two states of the source. */
export const candidateNames = [
  "zion",
  "before",
  "nginx",
  "haproxy",
  "caddy",
  "nginx-modsecurity",
  "apache-modsecurity",
  ...nodeProxies,
] as const;
export type CandidateName = (typeof candidateNames)[number];

/** What a configuration is written from. All ports on 127.0.0.1. */
export interface Setup {
  /** Directory of its own for configuration, logs and state. */
  readonly directory: string;
  /** Of what stands behind it. */
  readonly originPort: number;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Certificate and key as PEM files, and both in one file. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly bothFile: string;
  /** Checkout whose gateway is `before`. */
  readonly beforeDirectory: string | undefined;
  /** The gateway inspects. The others are told apart by name. */
  readonly waf: boolean;
  readonly backend: Backend;
  /** Connections are not closed by count: the generator opens no new ones. */
  readonly endless: boolean;
  /** Nothing is said about TLS versions and groups, for `bench/conformance/tls.ts`; otherwise all offer the same. */
  readonly ownTls?: boolean | undefined;
  /** `holdProbePath` is answered by the proxy itself. */
  readonly holdProbe: boolean;
  /** More of a thing than usual, for `bench/growth.ts`. */
  readonly growth?: Growth | undefined;
  /** Where the access log goes; undefined = log off. */
  readonly logFile: string | undefined;
}

/** What `bench/growth.ts` grows in a configuration; absent = as ever. */
export interface Growth {
  /** Routes, or locations, before the one that takes the rest. */
  readonly routes?: number;
  readonly workers?: number;
  /** Rule files of the operator's, for those who inspect. */
  readonly ruleFiles?: readonly string[];
}

/** A proxy under test, running. */
export interface Candidate {
  readonly name: CandidateName;
  readonly log: boolean;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly process: Running;
  /** Lines in the access log, which is emptied so that a long run does not fill the disk. 0 with the log off. */
  takeLogLines(): number;
}

/** What all candidates share. */
export type Surroundings = Pick<Setup, "directory" | "certFile" | "keyFile" | "bothFile" | "beforeDirectory">;

/** Starts one proxy on `cpu` and waits until both its ports accept. */
export async function startCandidate(
  name: CandidateName,
  log: boolean,
  cpu: number,
  around: Surroundings,
  work: Pick<Setup, "waf" | "holdProbe" | "endless" | "backend" | "originPort" | "growth" | "ownTls">,
): Promise<Candidate> {
  const directory = join(around.directory, `${name}-${log ? "log" : "nolog"}-${await freePort()}`);
  // The kernel may give a port a second time in one run.
  mkdirSync(directory, { recursive: true });
  const output = join(directory, "output");
  // HAProxy can only log to a socket or to its standard output.
  const logFile = name === "haproxy" ? output : join(directory, "access.log");
  const setup: Setup = {
    ...around,
    ...work,
    directory,
    httpPort: await freePort(),
    httpsPort: await freePort(),
    logFile: log ? logFile : undefined,
  };
  const running = startPinned(cpu, await commands[name](setup), output);
  try {
    await running.listening(setup.httpPort);
    await running.listening(setup.httpsPort);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    name,
    log,
    httpPort: setup.httpPort,
    httpsPort: setup.httpsPort,
    process: running,
    takeLogLines() {
      if (!log || !existsSync(logFile)) return 0;
      const lines = countLines(readFileSync(logFile));
      truncateSync(logFile);
      return lines;
    },
  };
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

/** Whether it takes milliseconds for a request, so that few connections keep it busy. */
export function isSlow(name: CandidateName): boolean {
  return name === "nginx-modsecurity" || name === "apache-modsecurity";
}

/** How a candidate is called in tables: `zion`, or `zion, log off`. */
export function label(name: CandidateName, log: boolean): string {
  return log ? name : `${name}, log off`;
}

/** Writes the configuration into the directory and tells how to start. */
const commands: Readonly<Record<CandidateName, (setup: Setup) => Promise<readonly string[]>>> = {
  zion: (setup) => zionCommand(setup, checkout),
  before: (setup) => zionCommand(setup, setup.beforeDirectory ?? checkout),
  nginx: nginxCommand,
  haproxy: haproxyCommand,
  caddy: caddyCommand,
  "nginx-modsecurity": nginxModsecurityCommand,
  "apache-modsecurity": apacheCommand,
  "http-proxy-3": (setup) => nodeProxyCommand("http-proxy-3", setup),
  "fastify-http-proxy": (setup) => nodeProxyCommand("fastify-http-proxy", setup),
  "http2-proxy": (setup) => nodeProxyCommand("http2-proxy", setup),
  "fast-proxy": (setup) => nodeProxyCommand("fast-proxy", setup),
};
