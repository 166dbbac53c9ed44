import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CandidateName } from "./candidate.ts";
import { makeCertificate } from "./certificate.ts";
import { opensslConfText } from "./client.ts";
import { startEventsOrigin } from "./events.ts";
import { startGrpcOrigin } from "./grpc-origin.ts";
import type { Options } from "./options.ts";
import { startOrigin } from "./origin.ts";
import { parseCpuList, parseStatusCpus } from "./proc.ts";
import { pinSelf } from "./process.ts";
import type { Row } from "./results.ts";
import { type Bench, runScenario } from "./rounds.ts";
import { startWitness } from "./witness.ts";

/**
 * All scenarios of a run, one after the other, with what stands behind the candidates. Files go below `directory`. `cpus`
 * are those that the process had before its first run, which leaves it on one of them.
 */
export async function runAll(
  options: Options,
  names: readonly CandidateName[],
  directory: string,
  cpus: readonly number[] = allowedCpus(),
): Promise<readonly Row[]> {
  const [proxyCpu, loadCpu] = cpus as [number, number];
  pinSelf(loadCpu);
  const witness = await startWitness();
  const certificate = makeCertificate(directory);
  const origin = await startOrigin(loadCpu, directory, witness.port, certificate);
  const grpc = await startGrpcOrigin(loadCpu, directory);
  const events = await startEventsOrigin();
  const bench: Bench = {
    options,
    names,
    proxyCpu,
    loadCpu,
    around: {
      directory,
      beforeDirectory: options.before,
      ...certificate,
    },
    backends: {
      origin: origin.port,
      cached: origin.port,
      compressed: origin.port,
      grpc: grpc.port,
      events: events.port,
      files: origin.port,
      encrypted: origin.tlsPort,
    },
    events,
    opensslConf: join(directory, "openssl.cnf"),
    say: (text) => console.error(text),
  };
  writeFileSync(bench.opensslConf, opensslConfText);
  const rows: Row[] = [];
  try {
    for (const name of options.scenarios) rows.push(...(await runScenario(bench, name)));
  } finally {
    events.close();
    await grpc.process.stop();
    await origin.process.stop();
    witness.close();
  }
  return rows;
}

/** CPUs this process may use. Two are needed: one for the candidates, one for the load. */
export function allowedCpus(): readonly number[] {
  return parseCpuList(parseStatusCpus(readFileSync("/proc/self/status", "utf8")));
}
