import { readCidr, readListenAddress } from "../config/address.ts";
import type { Keys } from "./draft.ts";
import { clamp, readMs } from "./measure.ts";
import { decideOption, named, option, type TraefikImport } from "./traefik-options.ts";
import { listOf, type Tree, textOf } from "./tree.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** What a router's entry points mean here. */
export interface EntryPointUse {
  readonly outcome: Outcome;
  /** All of them redirect to https. */
  readonly isRedirect: boolean;
  /** None of them is a listener here. */
  readonly isElsewhere: boolean;
  readonly sentences: readonly string[];
  /** Names of middlewares that the entry points put before those of the router. */
  readonly middlewares: readonly Tree[];
}

export interface EntryPoints {
  judge(asked: readonly string[], hasTls: boolean): EntryPointUse;
}

/** Chooses one plain and one TLS entry point, and what the plain one does. */
export function readEntryPoints(traefik: TraefikImport, routers: ReadonlyMap<string, Tree>): EntryPoints {
  const { server } = traefik.draft;
  const points = new Map([...named(traefik, "entryPoints")].filter(([name]) => name !== "traefik"));
  const usedWithTls = new Set<string>();
  let anyTls = false;
  let anyPlain = false;
  for (const router of routers.values()) {
    const hasTls = option(router, "tls") !== undefined;
    anyTls ||= hasTls;
    anyPlain ||= !hasTls;
    if (hasTls) for (const name of listOf(option(router, "entryPoints"))) usedWithTls.add(textOf(name));
  }
  const isSecure = ([name, point]: readonly [string, Tree]): boolean =>
    option(point, "http", "tls") !== undefined ||
    usedWithTls.has(name) ||
    /:(?:443|8443)(?:\/tcp)?$/.test(textOf(option(point, "address")));
  const redirects = (point: Tree | undefined): boolean =>
    option(point, "http", "redirections", "entryPoint") !== undefined;
  const tcp = [...points].filter(([, point]) => !textOf(option(point, "address")).endsWith("/udp"));
  const secure = tcp.find(isSecure);
  const plain =
    tcp.find(
      (entry) =>
        !isSecure(entry) &&
        (redirects(entry[1]) || /:80(?:\/tcp)?$/.test(textOf(option(entry[1], "address")))),
    ) ?? tcp.find((entry) => !isSecure(entry));
  if (secure !== undefined) server["listen_https"] = listenAddress(secure[1]) ?? "0.0.0.0:443";
  else if (anyTls) server["listen_https"] = "0.0.0.0:443";
  if (plain !== undefined) server["listen_http"] = listenAddress(plain[1]) ?? "0.0.0.0:80";
  else if (points.size === 0 && (anyPlain || !anyTls)) server["listen_http"] = "0.0.0.0:80";
  if (server["listen_http"] === undefined && server["listen_https"] === undefined)
    server["listen_http"] = "0.0.0.0:80";
  const bothListen = server["listen_http"] !== undefined && server["listen_https"] !== undefined;
  // A router with TLS was never served without: serving its route plainly would be new.
  if (bothListen) server["http_mode"] = "redirect";
  for (const [name, point] of points) {
    const isListener = name === secure?.[0] || name === plain?.[0];
    decideOption(
      traefik,
      option(point, "address"),
      isListener
        ? translated(name === secure?.[0] ? "`listen_https`" : "`listen_http`")
        : needsYou("this gateway has one plain and one TLS listener: this is not one of them"),
    );
    if (isListener) applySettings(point, traefik);
  }
  return {
    judge(asked, hasTls) {
      const names = asked.length === 0 ? [...points.keys()] : asked;
      const here = names.filter((name) => name === secure?.[0] || name === plain?.[0] || !points.has(name));
      const isElsewhere = names.length > 0 && here.length === 0;
      const isPlainOnly = !hasTls && bothListen && !here.includes(secure?.[0] ?? "");
      const redirected = isPlainOnly && here.length > 0 && here.every((name) => redirects(points.get(name)));
      return {
        isElsewhere,
        isRedirect: redirected,
        middlewares: here.flatMap((name) => listOf(option(points.get(name), "http", "middlewares"))),
        sentences:
          isPlainOnly && !redirected
            ? ["it was served without TLS: here plain requests are redirected to https"]
            : [],
        outcome: isElsewhere
          ? needsYou("this gateway has one plain and one TLS listener: none of these is one of them")
          : here.length < names.length
            ? differs("one plain and one TLS listener: others are not here")
            : translated("one plain and one TLS listener"),
      };
    },
  };
}

function listenAddress(point: Tree): string | undefined {
  const text = textOf(option(point, "address")).replace(/\/tcp$/, "");
  const reading = readListenAddress(text.startsWith(":") ? `0.0.0.0${text}` : text);
  if (!("value" in reading)) return undefined;
  const { host, port } = reading.value;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Who is believed, time-outs: once for both listeners. */
function applySettings(point: Tree, traefik: TraefikImport): void {
  const { server } = traefik.draft;
  decideOption(traefik, option(point, "http", "middlewares"), translated("for each of its routes"));
  const redirection = option(point, "http", "redirections");
  if (redirection !== undefined)
    decideOption(
      traefik,
      redirection,
      textOf(option(redirection, "entryPoint", "permanent")) === "false"
        ? differs('`http_mode = "redirect"`: 301 or 308, not 302')
        : translated('`http_mode = "redirect"`'),
    );
  addBlocks(option(point, "forwardedHeaders", "trustedIPs"), "trusted_proxies", server, traefik);
  addBlocks(option(point, "proxyProtocol", "trustedIPs"), "proxy_protocol", server, traefik);
  const times: readonly (readonly [readonly string[], string, number, number])[] = [
    [["transport", "respondingTimeouts", "idleTimeout"], "keepalive_timeout_ms", 100, 3_600_000],
    [["transport", "lifeCycle", "requestAcceptGraceTimeout"], "shutdown_delay_ms", 0, 300_000],
    [["transport", "lifeCycle", "graceTimeOut"], "shutdown_grace_ms", 0, 3_600_000],
  ];
  for (const [keys, name, min, max] of times) {
    const tree = option(point, ...keys);
    const ms = tree === undefined ? undefined : readMs(textOf(tree));
    if (tree === undefined) continue;
    if (ms === undefined) {
      decideOption(traefik, tree, needsYou("this is not a time"));
      continue;
    }
    server[name] = clamp(ms, min, max);
    decideOption(traefik, tree, translated(`\`server.${name}\``));
  }
}

function addBlocks(tree: Tree | undefined, key: string, server: Keys, traefik: TraefikImport): void {
  if (tree === undefined) return;
  const readings = listOf(tree).map((block) => readCidr(textOf(block)));
  const blocks = readings.flatMap((reading) =>
    "value" in reading ? [reading.value] : (reading.suggestion ?? []),
  );
  if (
    blocks.length === 0 ||
    blocks.length < readings.length ||
    blocks.some((block) => block.endsWith("/0"))
  ) {
    decideOption(traefik, tree, needsYou(`name the balancers in \`${key}\`: nobody is believed until then`));
    return;
  }
  const before = server[key];
  server[key] = [...new Set([...(Array.isArray(before) ? (before as readonly string[]) : []), ...blocks])];
  decideOption(traefik, tree, translated(`\`${key}\``));
}
