import { createHash } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { readIdentity } from "../../src/mesh/identity.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { config, type Gateway, request, startGateway, until } from "./gateway.ts";

/** Seed of an edge's key, by its number. */
export function seedOf(edge: number): string {
  return createHash("sha256").update(`edge ${edge}`).digest("hex");
}

export const idOf = (edge: number): string => readIdentity(seedOf(edge)).id;
export const clusterKey = "5a".repeat(32);
export const attack = "/?q=1%27%20UNION%20SELECT%20password%20FROM%20users--";

/** Several gateways, each as on a machine of its own, one real store, and an upstream that says what it was told. */
export interface MeshGateways {
  readonly redis: RedisServer;
  readonly all: readonly Gateway[];
  /** The score that the upstream is told for a client of a gateway; "" = none; a status where there is no 200. */
  scoreAt(gateway: Gateway, client: string, headers?: http.OutgoingHttpHeaders): Promise<string>;
  /** The client attacks the gateway that often. */
  attackAt(gateway: Gateway, client: string, times: number): Promise<void>;
}

/** Lines of the configuration, and files beside it, for all gateways. */
export interface MeshOptions {
  readonly mesh?: string;
  readonly tables?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Further ones of single gateways, in place of those. */
  readonly own?: readonly { readonly mesh?: string; readonly files?: Readonly<Record<string, string>> }[];
}

/** Undefined: no redis-server here. */
export async function startMesh(
  t: TestContext,
  gateways: number,
  { mesh = "", tables = "", files = {}, own = [] }: MeshOptions = {},
): Promise<MeshGateways | undefined> {
  const redis = await startRedis(t);
  if (redis === undefined) return undefined;
  const upstream = http.createServer((asked, response) => {
    const score = asked.headers["x-zion-mesh-score"];
    response.end(typeof score === "string" ? score : "");
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    upstream.closeAllConnections();
    upstream.close();
  });
  const { port } = upstream.address() as AddressInfo;
  const start = (edge: number) =>
    startGateway(t, {
      toml: config(
        port,
        ["workers = 1", 'trusted_proxies = ["127.0.0.1"]', 'state_dir = "DIRECTORY/state"'],
        `${tables}
[valkey]
url = "redis://127.0.0.1:${redis.port}"
[mesh]
enabled = true
identity_path = "DIRECTORY/identity.key"
cluster_key_path = "DIRECTORY/cluster.key"
trusted_keys = ["DIRECTORY/edges.keys"]
anti_entropy_secs = 1
${mesh}
${own[edge]?.mesh ?? ""}`,
      ),
      files: {
        "identity.key": seedOf(edge),
        "cluster.key": clusterKey,
        "edges.keys": Array.from({ length: gateways }, (_, i) => `${idOf(i)} operator${i}`).join("\n"),
        ...files,
        ...own[edge]?.files,
      },
    });
  const all = await Promise.all(Array.from({ length: gateways }, (_, edge) => start(edge)));
  for (const gateway of all) await untilReadiness(gateway, "ready");
  return { redis, all, scoreAt, attackAt };
}

export function untilReadiness(gateway: Gateway, state: "ready" | "degraded"): Promise<void> {
  return until(state, async () =>
    (await request(gateway.telemetryPort, "/readyz")).body.startsWith(`${state}\n`),
  );
}

async function scoreAt(
  gateway: Gateway,
  client: string,
  headers: http.OutgoingHttpHeaders = {},
): Promise<string> {
  const options = { headers: { "X-Forwarded-For": client, ...headers } };
  const { status, body } = await request(gateway.port, "/", options);
  return status === 200 ? body : String(status);
}

async function attackAt(gateway: Gateway, client: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const { status } = await request(gateway.port, attack, { headers: { "X-Forwarded-For": client } });
    if (status !== 400) throw new Error(`the attack was answered ${status}`);
  }
}
