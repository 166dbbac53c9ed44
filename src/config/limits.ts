import { readHostName } from "./address.ts";
import type { LimitConfig, LimitKeyConfig, RouteConfig } from "./config.ts";
import { checkName, definitionsOf, reportUnused } from "./definition.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { LimitInput } from "./limit-schema.ts";
import { checkPlaces, checkUses } from "./limit-uses.ts";
import type { DocumentInput, ServerInput } from "./schema.ts";
import { requireKey, type SectionContext, take } from "./section.ts";

/** Name of the limit that `rate_limit_rps` stands for; no name in a file can begin with `_`. */
export const legacyLimit = "_server";

/** Checks `[limit.NAME]`, the keys `rate_limit_*` of `[server]`, and who uses a limit. */
export function readLimits(
  document: DocumentInput,
  routes: readonly RouteConfig[],
  context: SectionContext,
): readonly LimitConfig[] {
  const hasStore = document.valkey !== undefined || context.findings.isPoisoned(["valkey"]);
  const limits = Object.entries(document.limit).flatMap(([name, input]) =>
    readLimit(name, input, hasStore, context),
  );
  checkUses(document, context);
  checkPlaces(document, routes, limits, context);
  reportUnused(
    {
      kind: "limit",
      nobody: "nothing",
      defined: definitionsOf("limit", document.limit),
      uses: [
        { path: ["server", "limits"], names: document.server?.limits ?? [] },
        ...document.route.map(({ limits: names }, i) => ({ path: ["route", i, "limits"], names })),
      ],
      code: "Z2108",
      fix: "name it in the `limits` of [server] or of a route, or remove it",
    },
    context,
  );
  const legacy = document.server === undefined ? undefined : legacyOf(document.server, context);
  return legacy === undefined ? limits : [...limits, legacy];
}

/** Names of the limits that every request of a listener is counted by. */
export function serverLimits(input: ServerInput): readonly string[] {
  return input.rate_limit_rps > 0 ? [legacyLimit, ...input.limits] : input.limits;
}

function readLimit(
  name: string,
  input: LimitInput,
  hasStore: boolean,
  context: SectionContext,
): LimitConfig[] {
  const { findings } = context;
  const path: Path = ["limit", name];
  checkName(path, "a limit", name, context);
  if (input.burst !== undefined && input.algorithm === "fixed_window")
    findings.add({
      code: "Z1214",
      path: [...path, "burst"],
      message: `[limit.${printable(name)}] has a \`burst\`, and its algorithm has none`,
      fix: 'remove it, or write algorithm = "gcra"',
    });
  const keys = input.key.flatMap((text, i) => readKey([...path, "key", i], text, context));
  const hosts = input.hosts?.flatMap(
    (text, i) => take(readHostName(text, true), "Z1103", [...path, "hosts", i], text, context) ?? [],
  );
  checkStrict(path, input, context);
  checkStore(path, input, hasStore, context);
  if (!requireKey(path, "rate", input.rate, `[limit.${printable(name)}]`, context)) return [];
  return [
    {
      name,
      rate: input.rate!,
      windowMs: input.window_secs * 1000,
      burst: input.burst ?? input.rate!,
      algorithm: input.algorithm,
      keys,
      ipv6Prefix: input.ipv6_prefix,
      maxKeys: input.max_keys,
      hosts,
      countStatuses: input.count_statuses,
      cost: input.cost,
      strict: input.strict,
      store: input.store,
      onStoreError: input.on_store_error,
      shadow: input.shadow,
    },
  ];
}

/** What is strict is decided before a request is let in, once, and on this machine. */
function checkStrict(path: Path, input: LimitInput, { findings }: SectionContext): void {
  if (!input.strict) return;
  const name = printable(String(path[1]));
  const refuse = (key: string, problem: string) =>
    findings.add({
      code: "Z1214",
      path: [...path, key],
      message: `[limit.${name}] is \`strict\`, and ${problem}`,
      related: [{ path: [...path, "strict"], label: "strict" }],
    });
  if (input.cost === "waf_score") refuse("cost", "what a request costs is known at its end");
  if (input.store === "valkey") refuse("store", "the store is not asked for every request");
}

function checkStore(path: Path, input: LimitInput, hasStore: boolean, { findings }: SectionContext): void {
  const name = printable(String(path[1]));
  if (input.store === "valkey" && !hasStore)
    findings.add({
      code: "Z1210",
      path: [...path, "store"],
      message: `[limit.${name}] counts in a store, and there is no [valkey]`,
      effect: "every machine would count for itself.",
      fix: "add [valkey] with a `url`",
    });
  if (input.store === "local" && input.on_store_error !== "local")
    findings.add({
      code: "Z2108",
      path: [...path, "on_store_error"],
      message: `\`on_store_error\` in [limit.${name}] has no effect without store = "valkey"`,
    });
}

function readKey(path: Path, text: string, { findings }: SectionContext): LimitKeyConfig[] {
  if (text === "address" || text === "api_key" || text === "client_cert") return [{ kind: text, name: "" }];
  const [, kind, name] = /^(header|cookie|path|claim):(.{1,128})$/.exec(text) ?? [];
  // Field names and cookie names are tokens (RFC 9110 §5.6.2, RFC 6265 §4.1.1); path parameters are checked by use.
  const isFree = kind === "path" || kind === "claim";
  if (kind !== undefined && (isFree || /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name!)))
    return [
      {
        kind: kind as LimitKeyConfig["kind"],
        name: kind === "header" ? name!.toLowerCase() : name!,
      },
    ];
  findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, text)} is nothing that requests can be counted by`,
    fix: "write address, header:NAME, cookie:NAME, path:NAME, claim:NAME, api_key or client_cert",
  });
  return [];
}

/** The reference gateway's one limit: a fixed window for each address. */
function legacyOf(input: ServerInput, { findings }: SectionContext): LimitConfig | undefined {
  if (input.rate_limit_rps > 0)
    return {
      name: legacyLimit,
      rate: input.rate_limit_rps * input.rate_limit_window_secs,
      windowMs: input.rate_limit_window_secs * 1000,
      burst: input.rate_limit_rps,
      algorithm: "fixed_window",
      keys: [{ kind: "address", name: "" }],
      ipv6Prefix: 64,
      maxKeys: input.rate_limit_max_tracked_ips,
      hosts: undefined,
      countStatuses: undefined,
      cost: "request",
      strict: false,
      store: "local",
      onStoreError: "local",
      shadow: false,
    };
  if (input.rate_limit_window_secs !== 1 && !findings.isPoisoned(["server", "rate_limit_rps"]))
    findings.add({
      code: "Z2108",
      path: ["server", "rate_limit_window_secs"],
      message: "`rate_limit_window_secs` in [server] has no effect without `rate_limit_rps`",
    });
  return undefined;
}
