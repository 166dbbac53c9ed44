import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "undici";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { newDirectory } from "./directory.ts";
import { freePort } from "./free-port.ts";
import { startNameServer } from "./name-server.ts";

/** An ACME server as a real process: Debian's pebble. It finds every name at 127.0.0.1. */
export interface Pebble {
  readonly directoryUrl: string;
  /** The authority for the certificate of its own API. */
  readonly caPem: string;
  readonly origin: string;
  /** The root of what it issues; another one after each start. */
  root(): Promise<string>;
  /** As when the CA is down. */
  stop(): Promise<void>;
  /** It remembers nothing: neither accounts nor orders. */
  start(): Promise<void>;
}

export interface PebbleOptions {
  /** Where it validates http-01 and tls-alpn-01. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Share of good nonces that it refuses, percent. */
  readonly nonceReject?: number;
  /** Key ids and HMAC keys of external accounts; accounts need one of them. */
  readonly bindings?: Readonly<Record<string, string>>;
}

/** Why tests with it cannot run; CI has it. */
export const noPebble = hasPebble() ? false : "pebble is not installed";

function hasPebble(): boolean {
  try {
    execFileSync("sh", ["-c", "command -v pebble"], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env["CI"] === "true") throw new Error("pebble is not installed");
    return false;
  }
}

export async function startPebble(t: Pick<TestContext, "after">, options: PebbleOptions): Promise<Pebble> {
  const folder = newDirectory("pebble");
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost", "127.0.0.1"], days: 2 });
  const [port, managementPort, namePort] = [await freePort(), await freePort(), await startNameServer(t)];
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const config = file(
    "pebble.json",
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${managementPort}`,
        certificate: file("api.crt", certPem),
        privateKey: file("api.key", keyPem),
        httpPort: options.httpPort,
        tlsPort: options.tlsPort,
        ocspResponderURL: "",
        externalAccountBindingRequired: options.bindings !== undefined,
        externalAccountMACKeys: options.bindings ?? {},
      },
    }),
  );
  const origin = `https://localhost:${port}`;
  let child: ReturnType<typeof spawn> | undefined;
  const stop = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child!.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  };
  const start = async () => {
    child = spawn("pebble", ["-config", config, "-dnsserver", `127.0.0.1:${namePort}`], {
      stdio: "ignore",
      env: {
        ...process.env,
        PEBBLE_VA_NOSLEEP: "1",
        PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 0),
        PEBBLE_AUTHZREUSE: "0",
      },
    });
    child.on("error", () => {});
    await until(() => get(`${origin}/dir`, certPem));
  };
  t.after(stop);
  await start();
  return {
    directoryUrl: `${origin}/dir`,
    caPem: certPem,
    origin,
    root: () => get(`https://localhost:${managementPort}/roots/0`, certPem),
    stop,
    start,
  };
}

async function until(read: () => Promise<string>): Promise<void> {
  for (let i = 0; ; i++) {
    try {
      await read();
      return;
    } catch (cause) {
      if (i === 200) throw cause;
      await pause(50);
    }
  }
}

async function get(url: string, caPem: string): Promise<string> {
  const { origin, pathname } = new URL(url);
  const client = new Client(origin, { connect: { ca: caPem } });
  try {
    const { statusCode, body } = await client.request({ method: "GET", path: pathname });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`);
    return text;
  } finally {
    await client.close();
  }
}
