import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { probeCaches } from "./conformance/cache.ts";
import type { Found, PartName } from "./conformance/found.ts";
import { chosen, type Ground } from "./conformance/ground.ts";
import { probeHttp1 } from "./conformance/http1.ts";
import { probeHttp2 } from "./conformance/http2.ts";
import { probeTls } from "./conformance/tls.ts";
import { probeWebSocket } from "./conformance/websocket.ts";
import { makeCertificate } from "./load/certificate.ts";
import { describeMachine } from "./load/machine.ts";
import { allowedCpus } from "./load/run-all.ts";

/**
 * What every proxy makes of bytes that nobody should pass on, and of those that everybody should:
 * `node bench/conformance.ts [--only http1,http2,websocket,cache,tls] [--candidates a,b] [--save]` after `npm run build`.
 * A part that is saved alone leaves what the others found before.
 */
const { values } = parseArgs({
  options: { only: { type: "string" }, candidates: { type: "string" }, save: { type: "boolean" } },
});

const parts = {
  http1: probeHttp1,
  http2: probeHttp2,
  websocket: probeWebSocket,
  cache: probeCaches,
  tls: probeTls,
} as const satisfies Record<PartName, (ground: Ground) => Promise<readonly unknown[]>>;

process.exitCode = await main();

async function main(): Promise<number> {
  process.env["ZION_BUILT"] = "1";
  const directory = mkdtempSync(path.join(tmpdir(), "zion-conformance-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  const around = { directory, beforeDirectory: undefined, ...makeCertificate(directory) };
  const machine = describeMachine();
  const file = path.join(import.meta.dirname, "results/conformance.json");
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Found) : undefined;
  const found: Record<string, unknown> = { ...before, machine };
  const wanted = values.only?.split(",");
  let isWhole = true;
  for (const [name, probe] of Object.entries(parts)) {
    if (wanted !== undefined && !wanted.includes(name)) continue;
    console.error(`== ${name}`);
    const leftOut: string[] = [];
    const lines = await probe({
      around,
      cpu: allowedCpus()[0]!,
      names: chosen(values.candidates?.split(",")),
      say: (text) => console.error(text),
      leaveOut(text) {
        console.error(`left out: ${text}`);
        leftOut.push(text);
        // Others may be absent; what is all this for may not.
        if (text.startsWith("zion:")) isWhole = false;
      },
    });
    found[name] = { date: new Date().toISOString(), commit: machine.commit, lines, leftOut };
  }
  if (values.save === true) writeFileSync(file, `${JSON.stringify(found, null, 1)}\n`);
  return isWhole ? 0 : 1;
}
