import { createHmac, randomBytes } from "node:crypto";
import { type AdminClient, type AdminOptions, findAdmin, unavailable } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";
import { packageVersion } from "./version.ts";

/**
 * `zion support-dump`: how the gateway that runs stands, for somebody who must not learn whose it is. Names of hosts,
 * addresses, paths and files become words that are equal where they were equal, by a key that is thrown away. Resolves
 * with the exit code.
 */
export async function supportDumpCommand(
  options: AdminOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const admin = findAdmin(options, environment, output);
  if (typeof admin === "number") return admin;
  try {
    const parts: Record<string, unknown> = {
      format_version: "1.0",
      tool: packageVersion(),
      snapshot: await ask(admin, "/snapshot"),
      generations: await ask(admin, "/v1/generations"),
      refusals: countReasons(await ask(admin, "/v1/decisions?limit=1000")),
    };
    output.out.write(`${JSON.stringify(anonymise(parts, randomBytes(32)), null, 2)}\n`);
    return exitCodes.ok;
  } catch (error) {
    return unavailable(error instanceof Error ? error.message : String(error), output);
  }
}

async function ask(admin: AdminClient, path: string): Promise<unknown> {
  const { status, body } = await admin.get(path);
  if (status !== 200) throw new Error(`the gateway says ${status} to ${path}: ${body.trim()}`);
  return JSON.parse(body);
}

/** Of decisions only how many there are of each kind: everything else in them is a client's. */
function countReasons(answer: unknown): Readonly<Record<string, number>> {
  const { decisions } = answer as { readonly decisions: readonly Record<string, unknown>[] };
  const counts: Record<string, number> = {};
  for (const { decision, gate, reason } of decisions) {
    const name = `${decision} ${gate} ${reason}`.trim();
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Exported for tests. `key`: of the words. */
export function anonymise(value: unknown, key: Uint8Array, name = ""): unknown {
  if (typeof value === "string") return isPlain(value, name) ? value : hide(value, key);
  if (Array.isArray(value)) return value.map((one) => anonymise(one, key, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([own, one]) => [
      // Tables by the name of a route or an upstream have names as keys.
      namedTables.has(name) ? hide(own, key) : own,
      anonymise(one, key, own),
    ]),
  );
}

const namedTables = new Set(["request_ms_by_route", "upstream_ms_by_route", "reasons"]);

/**
 * Values under these names are words of ours, numbers or times, whatever the configuration says. Hashes and serial numbers
 * are not: logs of Certificate Transparency are searched by them, and say the names.
 */
const plainNames = new Set([
  "tool",
  "format_version",
  "version",
  "time",
  "result",
  "how",
  "state",
  "tier",
  "node",
  "openssl",
  "os",
  "kernel",
  "arch",
  "cpu_model",
  "balance",
  "circuit_breaker",
  "mode",
  "protocol",
  "load_balancing",
  "level",
  "format",
  "class",
  "key",
  "not_before",
  "not_after",
  "since",
  "cause",
]);

function isPlain(text: string, name: string): boolean {
  if (name === "serial") return false;
  return (
    plainNames.has(name) ||
    /^(?:|true|false|off|on|ok|none|default|\d+(?:\.\d+)?|\d{4}-\d\d-\d\dT[\d:.]+Z|<[^>]*>)$/.test(text)
  );
}

function hide(text: string, key: Uint8Array): string {
  return `word-${createHmac("sha256", key).update(text).digest("hex").slice(0, 10)}`;
}
