import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startOrigin } from "../../test/support/origin.ts";
import { hasCommand } from "../../test/support/shared.ts";
import type { CandidateName } from "../load/candidate.ts";
import type { TlsLine } from "./found.ts";
import { forEach, type Ground, withCandidate } from "./ground.ts";

const servers: ReadonlySet<CandidateName> = new Set(["zion", "nginx", "haproxy", "caddy"]);

/** What testssl.sh is told: protocols, ciphers, forward secrecy, HTTP fields left out, known attacks. */
export const testsslOptions = [
  "--fast",
  "--nodns",
  "none",
  "--protocols",
  "--std",
  "--fs",
  "--server-preference",
  "--vulnerable",
];

/**
 * Findings of testssl.sh by severity, twice: with the TLS policy of the benchmarks, which is the same for all, and with
 * what each product does when nobody says anything. The certificate is not looked at: it is ours.
 */
export async function probeTls(ground: Ground): Promise<readonly TlsLine[]> {
  if (!hasCommand("testssl")) {
    ground.leaveOut("all: testssl.sh is not installed");
    return [];
  }
  const origin = await startOrigin();
  const names = ground.names.filter((name) => servers.has(name));
  try {
    const lines: TlsLine[] = [];
    for (const policy of ["bench", "own"] as const)
      lines.push(
        ...(await forEach(ground, names, (candidate) =>
          withCandidate(
            ground,
            candidate,
            { originPort: origin.port, ownTls: policy === "own" },
            async ({ httpsPort }): Promise<TlsLine> => {
              const file = join(ground.around.directory, `testssl-${candidate}-${policy}.json`);
              const line = { candidate, policy, ...readFindings(await scan(httpsPort, file)) };
              ground.say(
                `${candidate}, ${policy}: ${JSON.stringify(line.counts)} ${line.findings.join("; ")}`,
              );
              return line;
            },
          ),
        )),
      );
    return lines;
  } finally {
    await origin.close();
  }
}

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** Ends after four minutes. */
async function scan(port: number, file: string): Promise<readonly Finding[]> {
  const child = spawn(
    "testssl",
    [
      "--quiet",
      "--color",
      "0",
      "--warnings",
      "off",
      ...testsslOptions,
      "--jsonfile",
      file,
      `localhost:${port}`,
    ],
    { stdio: "ignore", timeout: 240_000 },
  );
  await new Promise((done) => child.once("close", done));
  if (!existsSync(file)) throw new Error("testssl.sh wrote nothing");
  return JSON.parse(readFileSync(file, "utf8")) as readonly Finding[];
}

/** Counted by severity; those worse than INFO by name. A scan that looked at nothing is an error. */
export function readFindings(all: readonly Finding[]): Pick<TlsLine, "counts" | "findings"> {
  const looked = all.filter(({ id }) => id !== "scanTime" && id !== "engine_problem" && id !== "service");
  for (const id of ["TLS1_3", "SSLv3", "heartbleed"])
    if (!looked.some((one) => one.id === id)) throw new Error(`testssl.sh says nothing of ${id}`);
  const counts: Record<string, number> = {};
  for (const { severity } of looked) counts[severity] = (counts[severity] ?? 0) + 1;
  const worse = new Set(["LOW", "MEDIUM", "HIGH", "CRITICAL"]);
  return {
    counts,
    findings: looked
      .filter(({ severity }) => worse.has(severity))
      .map(({ id, severity, finding }) => `${severity} ${id}: ${finding}`),
  };
}
