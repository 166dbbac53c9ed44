import { answersItself } from "./changes.ts";
import {
  CLOSED,
  cleanName,
  type Draft,
  freeName,
  type Keys,
  type RouteDraft,
  type TableKind,
} from "./draft.ts";
import { openTomlText, type TomlText } from "./toml-text.ts";

/** The new configuration as a commented zion.toml. `source` is the program that the old one was for. */
export function printConfig(draft: Draft, source: string): string {
  const toml = openTomlText();
  toml.comment(
    `Imported from ${source}. The report beside this file has a line for everything in the old one.`,
  );
  toml.comment(
    "A route with `closed` in its lists refuses everybody with 403: what it did is not translated, and nothing is open that was not open before.",
  );
  const closed = draft.routes.some(isClosed);
  const noUpstream = draft.routes.some(
    ({ upstream, keys }) => upstream === undefined && !answersItself(keys),
  );
  const nowhere = freeName("nowhere", (name) => draft.tables("upstream").some((one) => one.name === name));
  printTable(toml, ["server"], draft.server);
  if (Object.keys(draft.tls).length > 0) printTable(toml, ["tls"], draft.tls);
  for (const [serverName, files] of draft.sni) {
    toml.blank();
    toml.tableOfArray(["tls", "sni"]);
    printKeys(toml, { server_name: serverName, ...files });
  }
  toml.blank();
  toml.comment(
    "Answers keep the fields that upstreams give them. Without this table the gateway adds its own.",
  );
  toml.table(["header_profile", "default"]);
  printKeys(toml, unchangedAnswers);
  if (draft.compression.keys["codings"] !== undefined)
    printTable(toml, ["compression"], draft.compression.keys);
  printNamed(toml, draft, "upstream");
  if (noUpstream) {
    toml.blank();
    toml.comment("For routes that have nothing to send requests to. Port 9 discards.");
    toml.table(["upstream", nowhere]);
    printKeys(toml, { url: "http://127.0.0.1:9", health: { interval_ms: 0 } });
  }
  printNamed(toml, draft, "auth_profile");
  printNamed(toml, draft, "limit");
  if (closed) {
    toml.blank();
    toml.comment("Everybody. Take it out of `lists` when the route does what it should.");
    toml.table(["list", CLOSED]);
    printKeys(toml, { action: "deny", cidrs: ["0.0.0.0/0", "::/0"] });
  }
  printNamed(toml, draft, "list");
  if (Object.keys(draft.wafProfile).length > 0)
    printTable(toml, ["waf_profile", "default"], draft.wafProfile);
  printNamed(toml, draft, "waf_profile");
  const names = new Set<string>();
  for (const route of draft.routes) {
    const name = routeNameOf(route, names);
    names.add(name);
    printRoute(toml, draft, route, name, nowhere);
    for (const exclude of uniqueTables(route.excludes)) {
      toml.blank();
      toml.tableOfArray(["exclude"]);
      printKeys(toml, { route: name, ...exclude });
    }
  }
  return toml.toString();
}

/** No security headers, as before: pages that are framed by others must not go dark in a migration. */
const unchangedAnswers: Readonly<Keys> = {
  hsts: "off",
  content_type_options: "off",
  frame_options: "off",
  referrer_policy: "off",
  remove: [],
};

function uniqueTables(tables: readonly Keys[]): readonly Keys[] {
  return [...new Map(tables.map((keys) => [JSON.stringify(keys), keys])).values()];
}

function printNamed(toml: TomlText, draft: Draft, kind: TableKind): void {
  const used = usedNames(draft, kind);
  for (const { name, keys } of draft.tables(kind)) if (used.has(name)) printTable(toml, [kind, name], keys);
}

/** A table can lose its last user, when a route is left out. */
function usedNames(draft: Draft, kind: TableKind): ReadonlySet<unknown> {
  const { routes } = draft;
  switch (kind) {
    case "upstream":
      return new Set<unknown>([
        ...routes.map(({ upstream, keys }) => (answersItself(keys) ? undefined : upstream)),
        ...routes.flatMap(({ keys }) =>
          [keys["mirror"], keys["split"]].flat().map((to) => (to as Keys | undefined)?.["upstream"]),
        ),
        ...draft.tables("auth_profile").map(({ keys }) => keys["service_upstream"]),
      ]);
    case "list":
      return new Set([
        ...routes.flatMap((route) => listsOf(route, draft)),
        ...(Array.isArray(draft.server["lists"]) ? (draft.server["lists"] as readonly string[]) : []),
      ]);
    case "limit":
      return new Set(routes.flatMap(({ limits }) => limits));
    case "auth_profile":
    case "waf_profile":
      return new Set(routes.map(({ keys }) => keys[kind]));
  }
}

/** A closed route is closed for everybody: no list makes exceptions. */
function listsOf(route: RouteDraft, draft: Draft): readonly string[] {
  if (!isClosed(route)) return [...new Set(route.lists)];
  const exempt = draft.tables("list").filter(({ keys }) => keys["action"] === "exempt");
  return [CLOSED, ...new Set(route.lists.filter((list) => !exempt.some(({ name }) => name === list)))];
}

function printTable(toml: TomlText, path: readonly string[], keys: Readonly<Keys>): void {
  toml.blank();
  toml.table(path);
  printKeys(toml, keys);
}

function printKeys(toml: TomlText, keys: Readonly<Keys>): void {
  for (const [name, value] of Object.entries(keys)) toml.key(name, value);
}

export function isClosed({ closed, upstream, keys }: RouteDraft): boolean {
  return closed.length > 0 || (upstream === undefined && !answersItself(keys));
}

function printRoute(toml: TomlText, draft: Draft, route: RouteDraft, name: string, nowhere: string): void {
  toml.blank();
  if (route.comment !== "") toml.comment(route.comment);
  for (const reason of route.closed) toml.comment(`closed: ${reason}`);
  toml.tableOfArray(["route"]);
  toml.key("name", name);
  if (route.hosts !== undefined) toml.key("hosts", route.hosts);
  toml.key("path", route.path);
  if (route.methods !== undefined) toml.key("methods", route.methods);
  if (!answersItself(route.keys)) toml.key("upstream", route.upstream ?? nowhere);
  const lists = listsOf(route, draft);
  if (lists.length > 0) toml.key("lists", lists);
  if (route.limits.length > 0) toml.key("limits", route.limits);
  printKeys(toml, route.keys);
}

/** "shop.example.org-api": readable in logs and metrics. */
function routeNameOf({ hosts, path, methods }: RouteDraft, names: ReadonlySet<string>): string {
  const segments = path
    .replace(/\{\*\w+\}$/, "")
    .replaceAll(/[{}]/g, "")
    .split("/");
  const words = [hosts?.[0]?.replace(/^\*\./, "any."), ...segments, ...(methods ?? [])];
  const wish = words.filter((word) => word !== undefined && word !== "").join("-");
  return freeName(cleanName(wish === "" ? "everything" : wish), (candidate) => names.has(candidate));
}
