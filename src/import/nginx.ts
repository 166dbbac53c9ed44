import { openDraft } from "./draft.ts";
import { finishImport, type Imported } from "./imported.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { zoneName } from "./nginx-limits.ts";
import { commonAddress, type Listen, mainPort, readListen } from "./nginx-listen.ts";
import { readServerNames } from "./nginx-names.ts";
import { httpsRedirect, redirectOf } from "./nginx-redirect.ts";
import { nginxRouteRows } from "./nginx-route-rows.ts";
import { buildRoutes, type NginxServer } from "./nginx-routes.ts";
import type { NginxRows } from "./nginx-row.ts";
import { decide, decideAll, type NginxImport, type Scope } from "./nginx-scope.ts";
import { nginxServerRows } from "./nginx-server-rows.ts";
import { type Directive, dataBlocks, readNginx } from "./nginx-syntax.ts";
import { translateServerTls } from "./nginx-tls.ts";
import { enterSecRules } from "./nginx-waf.ts";
import { rowNamed } from "./row-named.ts";
import type { IncludeFiles, SourceFile } from "./source-file.ts";
import { differs, needsYou, type Outcome, refused, translated } from "./verdict.ts";

/** Every directive that is known, for the report and the documents. */
export const nginxRows: NginxRows = { ...nginxServerRows, ...nginxRouteRows };

/** Makes a zion.toml of an nginx.conf, or of a file of `server` blocks alone. */
export function importNginx(source: SourceFile, include: IncludeFiles): Imported {
  const { directives, problems } = readNginx(source, include);
  if (problems.length > 0) return { kind: "unreadable", problems };
  const ledger = openLedger();
  enterAll(directives, ledger);
  const http = directives.find(({ name }) => name === "http");
  const main: Scope = { directives, parent: undefined };
  const scope: Scope = http?.block === undefined ? main : { directives: http.block, parent: main };
  const nginx: NginxImport = {
    draft: openDraft(),
    ledger,
    upstreams: blocksByName(scope, "upstream"),
    zones: new Map(
      scope.directives
        .filter(({ name }) => name === "limit_req_zone" || name === "limit_conn_zone")
        .map((directive) => [zoneName(directive), directive]),
    ),
    secRules: new Map(),
    include,
  };
  // nginx's own limit, where the configuration has none.
  nginx.draft.server["max_body_mb"] = 1;
  applyOnce(directives, nginx);
  const servers = readServers(scope, nginx);
  chooseListeners(servers, nginx);
  decideRest(directives, nginx);
  return finishImport("nginx", nginx.draft, ledger, notes);
}

const notes: readonly string[] = [
  "Paths with `.` or `..` segments, encoded or not, are refused; nginx resolves them. What goes upstream is the path in one spelling: characters that need no encoding are decoded.",
  "A path that is longer than 8 KiB, a head with more than 64 fields and similar are refused: [server] has the limits.",
  "There is one access log, of JSON lines.",
];

function enterAll(directives: readonly Directive[], ledger: Ledger): void {
  for (const directive of directives) {
    ledger.enter(directive.item);
    if (directive.block !== undefined && !dataBlocks.has(directive.name)) enterAll(directive.block, ledger);
  }
}

function blocksByName({ directives }: Scope, name: string): ReadonlyMap<string, Directive> {
  return new Map(
    directives
      .filter((directive) => directive.name === name && directive.args.length === 1)
      .map((directive) => [directive.args[0]!, directive]),
  );
}

/** What stands once, wherever it is: [server], [tls], files of rules. */
function applyOnce(directives: readonly Directive[], nginx: NginxImport): void {
  for (const directive of directives) {
    if (directive.name === "upstream") continue;
    const once = rowNamed(nginxRows, directive.name)?.once;
    if (once !== undefined) decide(nginx, directive, once(directive, nginx));
    if (directive.name === "modsecurity_rules" || directive.name === "modsecurity_rules_file")
      enterSecRules(directive, nginx);
    if (directive.block !== undefined && !dataBlocks.has(directive.name)) applyOnce(directive.block, nginx);
  }
}

interface ServerBlock {
  readonly directive: Directive;
  readonly scope: Scope;
  readonly listens: readonly Listen[];
  readonly hosts: readonly string[];
}

function readServers(scope: Scope, nginx: NginxImport): readonly ServerBlock[] {
  const blocks = scope.directives.filter(({ name, block }) => name === "server" && block !== undefined);
  return blocks.map((directive) => {
    const own: Scope = { directives: directive.block!, parent: scope };
    const listens: Listen[] = [];
    const hosts: string[] = [];
    for (const inner of own.directives) {
      if (inner.name === "listen") {
        const listen = readListen(inner);
        if (listen === undefined)
          decide(nginx, inner, needsYou("this gateway listens on addresses with ports"));
        else listens.push(listen);
      }
      if (inner.name === "server_name") {
        const names = readServerNames(inner);
        hosts.push(...names.hosts);
        decide(nginx, inner, names.outcome);
      }
    }
    if (!own.directives.some(({ name }) => name === "listen"))
      listens.push({ ...readListen({ ...directive, args: ["80"] })!, directive });
    return { directive, scope: own, listens, hosts };
  });
}

/** One plain and one TLS listener, and the servers behind them. */
function chooseListeners(servers: readonly ServerBlock[], nginx: NginxImport): void {
  const { draft } = nginx;
  const all = servers.flatMap(({ listens }) => listens);
  const plain = all.filter(({ secure }) => !secure);
  const secure = all.filter((listen) => listen.secure);
  const plainPort = mainPort(plain, 80);
  const securePort = mainPort(secure, 443);
  const on = (server: ServerBlock, port: number | undefined): boolean =>
    server.listens.some((listen) => listen.port === port);
  const onPlain = plain.filter(({ port }) => port === plainPort);
  const onSecure = secure.filter(({ port }) => port === securePort);
  if (onPlain.length > 0) draft.server["listen_http"] = commonAddress(onPlain);
  if (onSecure.length > 0) draft.server["listen_https"] = commonAddress(onSecure);
  for (const listen of all)
    if (listen.directive.name === "listen")
      decide(nginx, listen.directive, listenOutcome(listen, plainPort, securePort, draft.server));

  const redirecting = servers.filter(
    (server) =>
      on(server, plainPort) &&
      !on(server, securePort) &&
      securePort !== undefined &&
      redirectOf(server.scope) !== undefined,
  );
  for (const server of redirecting) decideRedirect(server, nginx);
  const serving = servers.filter(
    (server) => !redirecting.includes(server) && (on(server, plainPort) || on(server, securePort)),
  );
  chooseMode(
    serving,
    redirecting,
    nginx,
    (server) => on(server, plainPort),
    (server) => on(server, securePort),
  );
  for (const server of servers)
    if (!on(server, plainPort) && !on(server, securePort)) leaveOut(server, nginx);
  const port = securePort ?? plainPort;
  const first = serving.filter((server) => on(server, port));
  const standard =
    first.find(({ listens }) => listens.some((listen) => listen.port === port && listen.isDefault)) ??
    first[0];
  for (const server of serving) addServer(server, server === standard, serving, nginx);
}

function listenOutcome(
  listen: Listen,
  plainPort: number | undefined,
  securePort: number | undefined,
  server: Readonly<Record<string, unknown>>,
): Outcome {
  if (listen.quic) return needsYou("there is no HTTP/3 yet");
  if (listen.port !== (listen.secure ? securePort : plainPort))
    return needsYou(
      `this gateway has one plain and one TLS listener: port ${listen.port} is not one of them`,
    );
  if (listen.proxyProtocol) return needsYou("name the balancers in `server.proxy_protocol`");
  const chosen = String(server[listen.secure ? "listen_https" : "listen_http"]);
  const own = commonAddress([listen]);
  return chosen === own ? translated("a listener") : differs(`${chosen} takes what ${own} took, and more`);
}

/** Servers that only send plain requests to https are `http_mode`. */
function decideRedirect({ scope, directive }: ServerBlock, nginx: NginxImport): void {
  const found = redirectOf(scope)!;
  decide(nginx, directive, translated('`http_mode = "redirect"`'));
  const walk = (directives: readonly Directive[]): void => {
    for (const inner of directives) {
      const outcome =
        httpsRedirect(inner) ??
        (inner.name === "location" && inner.block?.includes(found) !== true
          ? needsYou("the plain listener redirects everything")
          : inner.name === "if" || inner.name === "location"
            ? translated('`http_mode = "redirect"`')
            : inner.name === "return"
              ? differs("the plain listener redirects everything")
              : undefined);
      if (outcome !== undefined) decide(nginx, inner, outcome);
      walk(inner.block ?? []);
    }
  };
  walk(scope.directives);
}

function chooseMode(
  serving: readonly ServerBlock[],
  redirecting: readonly ServerBlock[],
  nginx: NginxImport,
  isPlain: (server: ServerBlock) => boolean,
  isSecure: (server: ServerBlock) => boolean,
): void {
  const { server } = nginx.draft;
  if (server["listen_https"] === undefined || server["listen_http"] === undefined) return;
  const plain = serving.filter(isPlain);
  server["http_mode"] = redirecting.length > 0 ? "redirect" : "serve";
  // One listener does one thing: the safer one where servers disagree.
  if (redirecting.length > 0)
    for (const { directive } of plain)
      decide(
        nginx,
        directive,
        differs("it was served without TLS too: here plain requests are redirected to https"),
      );
  if (redirecting.length === 0)
    for (const one of serving)
      if (isSecure(one) && !isPlain(one))
        decide(
          nginx,
          one.directive,
          differs("its routes are on the plain listener too, which serves other names"),
        );
}

function leaveOut({ directive, listens }: ServerBlock, nginx: NginxImport): void {
  const ports = [...new Set(listens.map(({ port }) => port))].join(", ");
  const outcome = needsYou(
    `left out: it listens on port ${ports} only, and this gateway has one plain and one TLS listener`,
  );
  decideAll(nginx, directive, outcome);
}

function addServer(
  server: ServerBlock,
  isDefault: boolean,
  serving: readonly ServerBlock[],
  nginx: NginxImport,
): void {
  const { directive, scope, hosts } = server;
  const label = hosts[0] ?? (isDefault ? "default" : "without a name");
  translateServerTls(server.scope, hosts, isDefault, server.listens, nginx);
  const refusal = scope.directives.find(
    ({ name, args }) => name === "return" && /^4\d\d$/.test(args[0] ?? ""),
  );
  if (isDefault && hosts.length === 0 && refusal !== undefined) {
    // Without routes a name that nobody serves is 404.
    const status = refusal.args[0];
    const here = "names that no route has are answered 404";
    decide(nginx, refusal, status === "404" ? translated(here) : differs(`${here}, not ${status}`));
    decide(nginx, directive, translated("names that no route has"));
    return;
  }
  if (!isDefault && hosts.length === 0) {
    decideAll(nginx, directive, needsYou("left out: the server has no name that can be said here"));
    return;
  }
  const others = serving.filter((other) => other !== server).flatMap((other) => other.hosts);
  const named = hosts.filter((host) => !others.includes(host));
  const isUnderWildcard = isDefault && others.some((other) => other.startsWith("*."));
  const kinds: NginxServer["hosts"][] = isDefault
    ? isUnderWildcard && named.length > 0
      ? [named, undefined]
      : [undefined]
    : [hosts];
  for (const kind of kinds) {
    const made: NginxServer = { scope, item: directive.item, label, hosts: kind };
    nginx.draft.routes.push(...buildRoutes(made, nginx));
  }
  decide(
    nginx,
    directive,
    isDefault && hosts.length > 0 && serving.length > 1
      ? differs("the default server: its routes have no `hosts`, and take names that nobody else has")
      : translated("its locations became routes"),
  );
}

/** Rows that are always the same, and directives that nobody knows. */
function decideRest(directives: readonly Directive[], nginx: NginxImport): void {
  for (const directive of directives) {
    const { name, item, block } = directive;
    if (!nginx.ledger.isDecided(item)) decide(nginx, directive, restOutcome(directive));
    if (block !== undefined && !dataBlocks.has(name)) decideRest(block, nginx);
  }
}

function restOutcome({ name, args, block }: Directive): Outcome {
  if (/_by_lua/.test(name) || /^lua_/.test(name)) return refused("code in a configuration is never run");
  if (name === "include" && args.length > 1) return needsYou(args[1]!);
  if (name === "map" && args[0] === "$http_upgrade") return translated("for WebSockets: `mode`");
  const row = rowNamed(nginxRows, name);
  if (row === undefined) return needsYou("this importer does not know it");
  if (row.each !== undefined || row.all !== undefined)
    return translated("nothing that was translated uses it");
  if (name === "upstream" && block !== undefined) return translated("no route uses it");
  return { verdict: row.verdict, explanation: row.note };
}
