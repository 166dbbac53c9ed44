import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Setup } from "./candidate.ts";
import { checkout } from "./zion.ts";

/** Proxies from npm, as the adapters of bench/peers/proxies set them up: one process, no log. */
export const nodeProxies = ["http-proxy-3", "fastify-http-proxy", "http2-proxy", "fast-proxy"] as const;
export type NodeProxy = (typeof nodeProxies)[number];

const peers = join(checkout, "bench/peers");

export function isNodeProxy(name: string): name is NodeProxy {
  return (nodeProxies as readonly string[]).includes(name);
}

/** They are no dependencies of ours: `npm ci --prefix bench/peers` brings them. */
export function isNodeProxyInstalled(name: NodeProxy): boolean {
  return existsSync(
    join(peers, "node_modules", name === "fastify-http-proxy" ? "@fastify/http-proxy" : name),
  );
}

export async function nodeProxyCommand(name: NodeProxy, setup: Setup): Promise<readonly string[]> {
  const { httpPort, httpsPort, originPort, certFile, keyFile } = setup;
  const script = join(peers, "proxies", `${name}.mjs`);
  const ports = [httpPort, httpsPort, originPort].map(String);
  return [process.execPath, script, ...ports, certFile, keyFile];
}
