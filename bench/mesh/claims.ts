import { type ChildProcess, fork, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Config, LimitStoreConfig } from "../../src/config/config.ts";
import { createMeshDesk } from "../../src/control/mesh-desk.ts";
import { channelOf } from "../../src/control/mesh-link.ts";
import { readIdentity } from "../../src/mesh/identity.ts";
import { freePort } from "../../test/support/free-port.ts";
import type { PublisherOrder } from "./publisher.ts";

/**
 * What 10,000 claims a second cost, where: the primary's part in this process, the mesh in the process that it starts,
 * two workers that take the scores, and a real redis-server. Half of the time nothing happens, for the difference.
 *
 *     node bench/mesh/claims.ts [seconds] >bench/results/mesh-claims.md
 */
const seconds = Number(process.argv[2] ?? 20);
const claimsPerSec = 10_000;
const peers = 10;
/** Addresses that claims are about, in turn: as many as an edge remembers. */
const addresses = 90_000;

const directory = mkdtempSync(path.join(tmpdir(), "zion-mesh-bench-"));
const port = await freePort();
const redis = spawn("redis-server", ["--port", String(port), "--save", "", "--bind", "127.0.0.1"], {
  stdio: "ignore",
});
const children: ChildProcess[] = [redis];
try {
  await bench();
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
}

async function bench(): Promise<void> {
  await pause(500);
  const here = import.meta.dirname;
  const store = {
    tls: false,
    host: "127.0.0.1",
    port,
    database: 0,
    username: undefined,
    passwordFile: undefined,
    caPem: undefined,
    serverName: undefined,
    connectTimeoutMs: 1000,
    commandTimeoutMs: 5000,
  } as LimitStoreConfig;
  const seeds = Array.from({ length: peers + 1 }, (_, i) => (i + 1).toString(16).padStart(2, "0").repeat(32));
  writeFileSync(path.join(directory, "identity"), seeds[0]!, { mode: 0o600 });
  writeFileSync(path.join(directory, "cluster"), "5a".repeat(32), { mode: 0o600 });
  const ids = seeds.map((seed) => readIdentity(seed).id);
  const config = {
    limitStore: store,
    server: { stateDir: undefined, trustedProxies: [], proxyProtocol: [], internalNetworks: [] },
    upstreams: [],
    mesh: {
      cluster: "bench",
      id: ids[0],
      identityPath: path.join(directory, "identity"),
      previousIdentityPath: undefined,
      clusterKeyPath: path.join(directory, "cluster"),
      clusterKeyMark: "",
      trusted: ids.map((id) => ({ id, operator: id })),
      revocation: [],
      trustsFirstUse: false,
      hashesAddresses: false,
      quorum: 3,
      quorumScore: 9500,
      denyAbove: 0,
      bans: false,
      banSecs: 600,
      ejectsUpstreams: false,
      claimTtlSecs: 600,
      antiEntropySecs: 20,
      claimsPerSec: 1200,
      claimBurst: 1200,
    },
  } as unknown as Config;
  const workers = [0, 1].map(() =>
    fork(path.join(here, "worker-stand-in.ts"), [], { serialization: "advanced" }),
  );
  children.push(...workers);
  let tables = 0;
  let events = 0;
  const desk = createMeshDesk({
    entry: path.join(here, "../../src/control/mesh-process.ts"),
    flags: () => [],
    broadcast: (message) => {
      if (message.type === "mesh_scores") tables++;
      for (const worker of workers) worker.send(message);
    },
    bans: () => ({ offer: () => {} }),
    audit: { must: async () => true, tell: () => void events++, isRequired: false, head: undefined },
    generation: () => 1,
    exposition: { read: () => [] },
    family: { lastGaspFile: undefined, died: () => "exit" } as never,
    log: { info: () => {}, warn: () => {}, error: console.error, fatal: () => {} } as never,
  });
  desk.adopt(config);
  while (desk.state !== "up") await pause(50);
  const mesh = childWith("mesh-process");
  const pids = { primary: process.pid, mesh, "worker 1": workers[0]!.pid!, "worker 2": workers[1]!.pid! };

  const idle = await measure(pids, seconds, () => {});
  const publisher = fork(path.join(here, "publisher.ts"), [], { serialization: "advanced" });
  children.push(publisher);
  const order: PublisherOrder = {
    store,
    channel: channelOf("bench"),
    cluster: "bench",
    clusterKey: "5a".repeat(32),
    seeds: seeds.slice(1),
    trusted: ids,
    // Timers of a busy machine are late.
    claimsPerSec: (claimsPerSec / peers) * 1.1,
    addresses,
  };
  publisher.send(order);
  await pause(3000);
  const startTables = tables;
  const received = () =>
    desk.view?.samples.find(({ name }) => name === "zion_mesh_claims_received_total")?.value ?? 0;
  const emitted = () =>
    desk.view?.samples.find(({ name }) => name === "zion_mesh_claims_emitted_total")?.value ?? 0;
  const [receivedBefore, emittedBefore] = [received(), emitted()];
  let next = 0;
  // As two workers report, each half a second.
  const busy = await measure(pids, seconds, () => {
    const offenders = new Map<string, { waf: number; limit: number }>();
    for (let i = 0; i < claimsPerSec / 4; i++) {
      next = (next + 1) % 2 ** 24;
      offenders.set(`203.${next >> 16}.${(next >> 8) & 255}.${next & 255}`, { waf: 1, limit: 0 });
    }
    desk.offended({ offenders, shares: new Map(), allowed: 0, dropped: 0 });
  });
  const perSec = (count: number) => Math.round(count / seconds);
  const rejected = desk.view!.samples.filter(({ name }) => name === "zion_mesh_claims_rejected_total");
  console.log(`# Mesh: 10,000 claims a second

${perSec(received() - receivedBefore)} claims a second came from ${peers} edges and ${perSec(emitted() - emittedBefore)} a second were published, for ${seconds} s, over a real redis-server;
${desk.view!.claims} claims were remembered, ${rejected.length} reasons to reject any, ${((tables - startTables) / seconds).toFixed(1)} tables of scores a second went to two workers. CPU in percent of
a core, user and system: \`node bench/mesh/claims.ts\`.

| Process | Idle | Under the load | Difference |
| --- | --: | --: | --: |`);
  for (const name of Object.keys(pids))
    console.log(
      `| ${name} | ${idle[name]!.toFixed(2)} | ${busy[name]!.toFixed(2)} | ${(busy[name]! - idle[name]!).toFixed(2)} |`,
    );
  desk.stop();
}

/** CPU of processes in percent of a core, while `work` runs four times a second. */
async function measure(
  pids: Readonly<Record<string, number>>,
  secs: number,
  work: () => void,
): Promise<Readonly<Record<string, number>>> {
  const before = Object.values(pids).map(cpuMs);
  const startMs = performance.now();
  while (performance.now() - startMs < secs * 1000) {
    work();
    await pause(250);
  }
  const tookMs = performance.now() - startMs;
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid], i) => [name, ((cpuMs(pid) - before[i]!) / tookMs) * 100]),
  );
}

/** User and system time (proc(5), fields 14 and 15, ticks of 10 ms). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function childWith(name: string): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8")
    .trim()
    .split(" ");
  const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(name));
  return Number(found);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
