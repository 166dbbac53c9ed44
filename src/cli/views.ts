import type { AdminClient, AdminOptions } from "./admin-client.ts";
import { findAdmin, unavailable } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";
import { printTable } from "./table.ts";
import type { ViewName } from "./view-commands.ts";

export interface ViewOptions extends AdminOptions {
  readonly format: "human" | "json";
}

/** `zion status`, `routes`, `upstreams`, `bans`: what the gateway that runs says of itself. Resolves with the exit code. */
export async function viewCommand(
  name: ViewName,
  options: ViewOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const admin = findAdmin(options, environment, output);
  if (typeof admin === "number") return admin;
  try {
    const seen = await ask(admin, name === "bans" ? "/v1/bans" : "/snapshot");
    if (typeof seen === "string") return unavailable(seen, output);
    output.out.write(options.format === "json" ? json(name, seen) : views[name](seen as Snapshot & Bans));
    // "Is it well?" is a question that scripts ask.
    return name === "status" && (seen as Snapshot).readiness.state === "down" ? exitCodes.no : exitCodes.ok;
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
}

/** The body, or what is wrong. */
async function ask(admin: AdminClient, path: string): Promise<object | string> {
  const { status, body } = await admin.get(path);
  return status === 200 ? (JSON.parse(body) as object) : `the gateway says ${status}: ${body.trim()}`;
}

/** The parts of `GET /snapshot` that are shown. */
export interface Snapshot {
  readonly version: string;
  readonly generation: number;
  readonly sha256: string;
  readonly uptime_secs: number;
  readonly time: string;
  readonly readiness: { readonly state: string; readonly reasons: Readonly<Record<string, unknown>> };
  readonly workers: {
    readonly serving: number;
    readonly wanted: number;
    readonly processes: readonly {
      readonly slot: number;
      readonly state: string;
      readonly pid: number;
      readonly restarts: number;
      readonly resident_bytes?: number;
      readonly event_loop_utilization?: number;
    }[];
  };
  readonly upstreams: readonly {
    readonly name: string;
    readonly balance: string;
    readonly in_flight: number;
    readonly endpoints: readonly {
      readonly url: string;
      readonly usable: boolean;
      readonly reasons: readonly string[];
      readonly latency_ms?: number;
    }[];
  }[];
  readonly routes: readonly {
    readonly name: string;
    readonly path: string;
    readonly upstream?: string;
    readonly serve_dir?: string;
    readonly waf: { readonly mode: string; readonly profile?: string };
  }[];
  readonly certificates: readonly { readonly names: readonly string[]; readonly days_left: number }[];
  readonly mesh: {
    readonly state: string;
    readonly claims?: number;
    readonly peers?: readonly { readonly state: string }[];
  };
  readonly totals: Readonly<Record<string, number>> & {
    readonly decisions: Readonly<Record<string, number>>;
  };
  readonly latency: {
    readonly request_ms: Percentiles;
    readonly request_ms_by_route: Readonly<Record<string, Percentiles>>;
  };
}

export interface Percentiles {
  readonly count: number;
  readonly p50?: number;
  readonly p99?: number;
}

interface Bans {
  readonly bans: readonly Readonly<Record<string, unknown>>[];
}

const views: Readonly<Record<ViewName, (seen: Snapshot & Bans) => string>> = {
  status: printStatus,
  routes: ({ routes, latency }) =>
    printTable(
      ["ROUTE", "PATH", "TO", "WAF", "REQUESTS", "P50 MS", "P99 MS"],
      routes.map(({ name, path, upstream, serve_dir, waf }) => {
        const seen = latency.request_ms_by_route[name];
        const mode = waf.profile === undefined ? waf.mode : `${waf.mode} (${waf.profile})`;
        return [
          name,
          path,
          upstream ?? serve_dir ?? "itself",
          mode,
          seen?.count ?? 0,
          seen?.p50 ?? "-",
          seen?.p99 ?? "-",
        ];
      }),
    ),
  upstreams: ({ upstreams }) =>
    printTable(
      ["UPSTREAM", "ENDPOINT", "STATE", "LATENCY MS", "WHY"],
      upstreams.flatMap(({ name, endpoints }) =>
        endpoints.map(({ url, usable, reasons, latency_ms: latency }) => [
          name,
          url,
          usable ? "used" : "not used",
          latency ?? "-",
          reasons.join("; "),
        ]),
      ),
    ),
  bans: ({ bans }) => {
    if (bans.length === 0) return "nobody is banned\n";
    const titles = [...new Set(bans.flatMap((ban) => Object.keys(ban)))];
    return printTable(
      titles.map((title) => title.toUpperCase().replaceAll("_", " ")),
      bans.map((ban) => titles.map((title) => shown(ban[title]))),
    );
  },
};

function printStatus(seen: Snapshot): string {
  const { version, generation, sha256, uptime_secs: uptime, readiness, workers, totals, latency } = seen;
  const reasons = Object.values(readiness.reasons).flat().map(String);
  const { request_ms: times } = latency;
  const soonest = Math.min(...seen.certificates.map(({ days_left: days }) => days));
  const down = seen.upstreams.flatMap(({ endpoints }) => endpoints.filter(({ usable }) => !usable));
  const lines = [
    `zion ${version}  ${readiness.state}${reasons.length === 0 ? "" : `: ${reasons.join("; ")}`}  up ${duration(uptime)}`,
    `config     generation ${generation}  sha256 ${sha256.slice(0, 12)}  ${seen.routes.length} routes, ${seen.upstreams.length} upstreams`,
    `workers    ${workers.serving} of ${workers.wanted} serve`,
    `requests   ${totals["requests"]}  refused ${totals.decisions["deny"]}  in shadow ${totals.decisions["shadow"]}  errors ${totals.decisions["error"]}`,
    `latency    p50 ${times.p50 ?? "-"} ms, p99 ${times.p99 ?? "-"} ms`,
    `upstreams  ${down.length === 0 ? "all endpoints are used" : `not used: ${down.map(({ url }) => url).join(", ")}`}`,
  ];
  if (seen.mesh.state !== "off")
    lines.push(
      `mesh       ${seen.mesh.state}, ${seen.mesh.peers?.filter(({ state }) => state === "seen").length ?? 0} of ${seen.mesh.peers?.length ?? 0} edges seen, ${seen.mesh.claims ?? 0} claims`,
    );
  if (Number.isFinite(soonest)) lines.push(`tls        the next certificate ends in ${soonest} days`);
  return `${lines.join("\n")}\n`;
}

function json(name: ViewName, seen: object): string {
  const part = name === "status" || name === "bans" ? seen : { [name]: (seen as Snapshot)[name] };
  return `${JSON.stringify({ format_version: "1.0", ...part }, null, 2)}\n`;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function duration(secs: number): string {
  if (secs < 120) return `${secs} s`;
  if (secs < 7200) return `${Math.floor(secs / 60)} min`;
  return secs < 172_800 ? `${Math.floor(secs / 3600)} h` : `${Math.floor(secs / 86_400)} days`;
}
