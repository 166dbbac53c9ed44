import { readHostName } from "../config/address.ts";
import { type Draft, type Keys, openDraft } from "./draft.ts";
import { finishImport, type Imported } from "./imported.ts";
import { type Item, type Ledger, openLedger } from "./ledger.ts";
import { patternOf } from "./path-pattern.ts";
import { openRoutePlace, type RoutePlace } from "./route-place.ts";
import { rowNamed } from "./row-named.ts";
import type { Problem, SourceFile } from "./source-file.ts";
import { type EntryPoints, readEntryPoints } from "./traefik-listeners.ts";
import { middlewareRows } from "./traefik-middlewares.ts";
import { decideOption, named, option, type TraefikImport } from "./traefik-options.ts";
import { optionRow } from "./traefik-rows.ts";
import { type RuleBranch, readTraefikRule } from "./traefik-rule.ts";
import { buildService } from "./traefik-services.ts";
import { readTraefikTls } from "./traefik-tls.ts";
import { flatText, listOf, readTrees, type Tree, tableOf, textOf } from "./tree.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** What Traefik does where nothing is said: it waits, and it passes the client's Host. */
const presets: Readonly<Keys> = {
  connect_timeout_ms: 30_000,
  request_timeout_ms: 3_600_000,
  idle_timeout_ms: 3_600_000,
  total_timeout_ms: 0,
  preserve_host: true,
  retry: { attempts: 0 },
};

/** Makes a zion.toml of Traefik's static and dynamic files. */
export function importTraefik(files: readonly SourceFile[]): Imported {
  const ledger = openLedger();
  const items = new Map<Tree, Item>();
  const roots: Tree[] = [];
  const problems: Problem[] = [];
  for (const source of files) {
    const reading = readTrees(source);
    problems.push(...reading.problems);
    for (const tree of reading.documents) {
      if (!(tree.value instanceof Map)) {
        problems.push({ file: source.file, line: tree.line, message: "a table is expected" });
        continue;
      }
      roots.push(tree);
      enterOptions(tree, [], source.file, ledger, items);
    }
  }
  if (problems.length > 0) return { kind: "unreadable", problems };
  const traefik: TraefikImport = { draft: openDraft(), ledger, roots, items };
  // Traefik has no limit of its own.
  traefik.draft.server["max_body_mb"] = 1_048_576;
  const routers = named(traefik, "http", "routers");
  const entryPoints = readEntryPoints(traefik, routers);
  readTraefikTls(traefik);
  for (const [name, router] of routers) addRouter(name, router, entryPoints, traefik);
  for (const item of items.values()) if (!ledger.isDecided(item)) ledger.decide(item, restOutcome(item));
  return finishImport("traefik", traefik.draft, ledger, notes);
}

const notes: readonly string[] = [
  "The most specific pattern decides, not the longest rule or a priority; a route for `/x` takes `/x/` too.",
  "WebSockets are served on every route, as Traefik did; pages of other hosts may not open one unless `websocket_origins` names them.",
  "Traefik has no limit for bodies: `max_body_mb` is set to the largest value. Lower it.",
  "Routes of other providers (Docker labels, Kubernetes, Consul) are not in these files, and not in the new one.",
];

/** Everything that has a value is an item: a scalar, or an array of scalars. */
function enterOptions(
  tree: Tree,
  keys: readonly string[],
  file: string,
  ledger: Ledger,
  items: Map<Tree, Item>,
): void {
  const inner = tableOf(tree);
  const list = listOf(tree);
  const hasTables = list.some(({ value }) => value instanceof Map);
  if (inner.size > 0)
    for (const [key, value] of inner) enterOptions(value, [...keys, key], file, ledger, items);
  else if (hasTables)
    for (const [i, value] of list.entries()) enterOptions(value, [...keys, String(i)], file, ledger, items);
  else {
    const name = keys.join(".");
    const item: Item = {
      file,
      line: tree.line,
      where: "",
      name,
      text: `${name}: ${flatText(tree)}`.slice(0, 300),
    };
    ledger.enter(item);
    items.set(tree, item);
  }
}

/** The first item in a tree: what a route was made of. */
function firstItem(tree: Tree, items: ReadonlyMap<Tree, Item>): Item | undefined {
  const own = items.get(tree);
  if (own !== undefined) return own;
  for (const inner of [...tableOf(tree).values(), ...listOf(tree)]) {
    const found = firstItem(inner, items);
    if (found !== undefined) return found;
  }
  return undefined;
}

function restOutcome({ name }: Item): Outcome {
  const row = optionRow(name.split("."));
  if (row === undefined) return needsYou("this importer does not know it");
  return { verdict: row.verdict, explanation: row.note };
}

function addRouter(name: string, router: Tree, entryPoints: EntryPoints, traefik: TraefikImport): void {
  const { draft, items } = traefik;
  const ruleTree = option(router, "rule");
  const origin = firstItem(router, items);
  if (origin === undefined) return;
  const asked = listOf(option(router, "entryPoints")).map(textOf);
  const use = entryPoints.judge(asked, option(router, "tls") !== undefined);
  decideOption(traefik, option(router, "entryPoints"), use.outcome);
  const place = openRoutePlace(draft, presets);
  // Every middleware has its say, also of routers that have no route in the end.
  for (const ref of [...use.middlewares, ...listOf(option(router, "middlewares"))])
    applyMiddleware(textOf(ref), place, traefik, 0);
  if (use.isRedirect || isRedirectOnly(router, traefik)) {
    decideOption(traefik, router, translated('`http_mode = "redirect"`'));
    return;
  }
  const rule = readTraefikRule(textOf(ruleTree));
  if ("problem" in rule) {
    decideOption(
      traefik,
      ruleTree,
      needsYou(`${rule.problem}: it has no route, and its requests go to others`),
    );
    return;
  }
  if (use.isElsewhere) {
    decideOption(traefik, ruleTree, needsYou("it has no route: its entry point is not a listener here"));
    return;
  }
  if (isGuarded(router, traefik))
    place.closed.push("put the authority on disk, and write `client_ca_path` and `client_auth`");
  const service = buildService(textOf(option(router, "service")), place, traefik);
  const upstream = "name" in service ? service.name : undefined;
  if ("problem" in service) {
    place.closed.push(service.problem);
    decideOption(traefik, option(router, "service"), needsYou(`${service.problem}: the route is closed`));
  } else decideOption(traefik, option(router, "service"), translated("`upstream`"));
  if (place.upstream["protocol"] === undefined)
    Object.assign(place.route, { mode: "websocket", websocket_idle_secs: 3600 });
  const problems = rule.branches.flatMap((branch) => addBranch(name, branch, place, upstream, origin, draft));
  const sentences = [...rule.sentences, ...use.sentences];
  decideOption(
    traefik,
    ruleTree,
    problems.length > 0
      ? needsYou(problems.join("; "))
      : place.closed.length > 0 || rule.branches.some(({ addresses }) => addresses !== undefined)
        ? needsYou("the route is closed until you have decided")
        : sentences.length === 0
          ? translated("[[route]]")
          : differs(sentences.join("; ")),
  );
}

/** Returns why it has no route, if it has none. */
function addBranch(
  name: string,
  branch: RuleBranch,
  place: RoutePlace,
  upstream: string | undefined,
  origin: Item,
  draft: Draft,
): readonly string[] {
  const hosts = branch.hosts
    ?.filter((host) => "value" in readHostName(host, true))
    .map((host) => host.toLowerCase());
  if (hosts !== undefined && hosts.length === 0) return ["no host that can be said here: it has no route"];
  const patterns = (branch.paths ?? [{ text: "/", isPrefix: true }]).map(({ text, isPrefix }) =>
    patternOf(text === "" ? "/" : text, isPrefix),
  );
  const methods = branch.methods?.filter((method) =>
    /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(method),
  );
  if (patterns.includes(undefined)) return ["this cannot be a path here: it has no route"];
  if (methods !== undefined && methods.length === 0)
    return ["no method that this gateway serves: it has no route"];
  const lists = [...place.lists];
  const closed = [...new Set(place.closed)];
  if (branch.addresses !== undefined) closed.push("ClientIP chooses a router there");
  for (const path of patterns)
    draft.routes.push({
      path: path!,
      hosts: hosts === undefined ? undefined : [...new Set(hosts)],
      methods,
      upstream,
      keys: place.route,
      lists,
      limits: place.limits,
      excludes: place.excludes,
      closed,
      comment: `router ${name}`,
      origin,
    });
  return [];
}

const DEPTH_MAX = 8;

/** A middleware and, for a chain, those in it; `name@file` names the provider. */
function applyMiddleware(ref: string, place: RoutePlace, traefik: TraefikImport, depth: number): void {
  const name = ref.replace(/@file$/, "");
  const middleware = named(traefik, "http", "middlewares").get(name);
  if (middleware === undefined || depth > DEPTH_MAX) {
    // It may have been the one that kept somebody out.
    place.closed.push(`the middleware ${name} is not in these files`);
    return;
  }
  for (const [type, options] of tableOf(middleware)) {
    if (type.toLowerCase() === "chain") {
      decideOption(traefik, options, translated("each of them in turn"));
      for (const inner of listOf(option(options, "middlewares")))
        applyMiddleware(textOf(inner), place, traefik, depth + 1);
      continue;
    }
    const row = rowNamed(middlewareRows, type.toLowerCase());
    if (row === undefined) {
      place.closed.push(`a middleware \`${type}\``);
      decideOption(traefik, options, needsYou("this importer does not know it: the route is closed"));
      continue;
    }
    const outcome = row.apply?.(options, place, name) ?? { verdict: row.verdict, explanation: row.note };
    decideOption(traefik, options, outcome);
  }
}

/** Its only work is to send clients to https. */
function isRedirectOnly(router: Tree, traefik: TraefikImport): boolean {
  if (option(router, "tls") !== undefined) return false;
  return listOf(option(router, "middlewares")).some((ref) => {
    const middleware = named(traefik, "http", "middlewares").get(textOf(ref).replace(/@file$/, ""));
    return textOf(option(middleware, "redirectScheme", "scheme")) === "https";
  });
}

/** Its TLS options ask clients for certificates. */
function isGuarded(router: Tree, traefik: TraefikImport): boolean {
  const name = textOf(option(router, "tls", "options")).replace(/@file$/, "") || "default";
  return option(named(traefik, "tls", "options").get(name), "clientAuth") !== undefined;
}
