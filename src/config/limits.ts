import { isPatternProblem, parsePattern } from "../route/pattern.ts";
import { readHostName } from "./address.ts";
import type { LimitConfig, LimitKeyConfig, RouteConfig } from "./config.ts";
import { checkDefined, checkName, definitionsOf, reportUnused } from "./definition.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { LimitInput } from "./limit-schema.ts";
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
  checkStrict(path, input, keys, context);
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

/** What is strict is decided before a request is let in, once, and before anybody knows who sent it. */
function checkStrict(
  path: Path,
  input: LimitInput,
  keys: readonly LimitKeyConfig[],
  { findings }: SectionContext,
): void {
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
  if (keys.some(isIdentityKey)) refuse("key", "who sent a request is known after it was let in");
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

/** Known after authentication only. */
export function isIdentityKey({ kind }: LimitKeyConfig): boolean {
  return kind === "claim" || kind === "api_key";
}

function readKey(path: Path, text: string, { findings }: SectionContext): LimitKeyConfig[] {
  if (text === "address" || text === "api_key") return [{ kind: text, name: "" }];
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
    fix: "write address, header:NAME, cookie:NAME, path:NAME, claim:NAME or api_key",
  });
  return [];
}

function checkUses(document: DocumentInput, context: SectionContext): void {
  const { findings } = context;
  if (findings.isPoisoned(["limit"])) return;
  const defined = definitionsOf("limit", document.limit);
  const check = (path: Path, what: string, names: readonly string[]) => {
    for (const [i, name] of names.entries()) {
      if (findings.isPoisoned(["limit", name])) continue;
      checkDefined(
        {
          path: [...path, i],
          what,
          kind: "limit",
          name,
          defined,
          definition: `[limit.${printable(name)}] with a \`rate\``,
          effect: "a limit that was meant would not be there, so the whole file is refused.",
        },
        context,
      );
    }
  };
  const ofServer = usesOf(["server", "limits"], document.server?.limits ?? []);
  check(["server", "limits"], "[server]", document.server?.limits ?? []);
  checkOnce(ofServer, context);
  for (const [i, route] of document.route.entries()) {
    const path: Path = ["route", i, "limits"];
    check(path, `the route "${printable(route.path ?? "")}"`, route.limits);
    checkOnce([...ofServer, ...usesOf(path, route.limits)], context);
  }
}

interface LimitUse {
  readonly name: string;
  readonly path: Path;
}

function usesOf(path: Path, names: readonly string[]): readonly LimitUse[] {
  return names.map((name, i) => ({ name, path: [...path, i] }));
}

/** A request would be counted as often as its limit is named on the way, and half the rate would be let through. */
function checkOnce(uses: readonly LimitUse[], { findings }: SectionContext): void {
  const first = new Map<string, Path>();
  for (const { name, path } of uses) {
    const before = first.get(name);
    if (before === undefined) first.set(name, path);
    else if (!findings.isPoisoned(path)) {
      findings.poison(path);
      findings.add({
        code: "Z1214",
        path,
        message: `requests are counted twice by the limit \`${printable(name)}\``,
        effect: "it would let half of its rate through.",
        fix: "name it once: in [server] for every request, or in routes",
        related: [{ path: before, label: "counted here already" }],
      });
    }
  }
}

/** A limit by a path parameter needs a path with that parameter, one by who somebody is a route that asks for it. */
function checkPlaces(
  document: DocumentInput,
  routes: readonly RouteConfig[],
  limits: readonly LimitConfig[],
  { findings }: SectionContext,
): void {
  const find = (name: string) => limits.find((limit) => limit.name === name);
  const misplaced = (path: Path, message: string, fix: string, effect?: string) =>
    findings.add({ code: "Z1106", path, message, fix, ...(effect === undefined ? {} : { effect }) });
  for (const [i, name] of (document.server?.limits ?? []).entries()) {
    const limit = find(name);
    const problem = limit === undefined ? undefined : needOfRoute(limit);
    if (problem === undefined) continue;
    misplaced(
      ["server", "limits", i],
      `[server] uses the limit \`${printable(name)}\`, which ${problem}`,
      "name it in the `limits` of routes",
      "there is no route yet where these limits apply.",
    );
  }
  for (const [i, input] of document.route.entries()) {
    const route = routes.find(({ path, limits: used }) => path === input.path && used === input.limits);
    if (route === undefined) continue;
    const pattern = parsePattern(route.path);
    for (const [at, name] of input.limits.entries()) {
      const path: Path = ["route", i, "limits", at];
      for (const key of find(name)?.keys ?? []) {
        if (key.kind === "path" && !isPatternProblem(pattern) && !pattern.names.includes(key.name))
          misplaced(
            path,
            `the path "${printable(route.path)}" has no {${printable(key.name)}}, by which the limit \`${printable(name)}\` counts`,
            "use a limit with another key, or the parameter's name",
          );
        if (isIdentityKey(key) && route.auth === undefined)
          misplaced(
            path,
            `the route asks for no credentials, and the limit \`${printable(name)}\` counts by who sent them`,
            "use a limit with another key, or give the route an `auth_profile`",
          );
      }
      if (find(name)?.cost === "waf_score" && route.waf === undefined)
        misplaced(
          path,
          `the WAF looks at nothing on this route, and the limit \`${printable(name)}\` counts its points`,
          "use another limit, or remove `waf = false`",
        );
    }
  }
}

/** Why a limit cannot count before there is a route. */
function needOfRoute({ keys, strict }: LimitConfig): string | undefined {
  const parameter = keys.find(({ kind }) => kind === "path");
  if (parameter !== undefined) return `counts by the path parameter \`${printable(parameter.name)}\``;
  if (keys.some(isIdentityKey)) return "counts by who sent a request";
  return strict ? "is `strict`" : undefined;
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
