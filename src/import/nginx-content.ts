import { addChange, prefixChange } from "./changes.ts";
import type { Keys } from "./draft.ts";
import { translateFiles } from "./nginx-files.ts";
import type { Location } from "./nginx-location.ts";
import { decide, effective, type Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { templateOf } from "./nginx-template.ts";
import { buildUpstream, readProxyTarget, sendsGroupName } from "./nginx-upstream.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

const others: ReadonlySet<string> = new Set([
  "fastcgi_pass",
  "uwsgi_pass",
  "scgi_pass",
  "memcached_pass",
  "empty_gif",
  "stub_status",
  "mp4",
  "flv",
  "js_content",
  "perl",
]);

/** What answers in a location: its upstream, or undefined with a reason in `closed`. */
export function translateContent(
  location: Location,
  place: Place,
  locations: readonly Location[],
): string | undefined {
  const own = location.scope.directives;
  const find = (name: string): Directive | undefined => own.find((directive) => directive.name === name);
  for (const rewrite of own.filter(({ name }) => name === "rewrite")) translateRewrite(rewrite, place);
  const result = find("return");
  if (result !== undefined) return translateReturn(result, place);
  const pass = find("proxy_pass") ?? find("grpc_pass");
  if (pass !== undefined) return translatePass(pass, location, place);
  const other = own.find(({ name }) => others.has(name) || /_by_lua/.test(name));
  if (other !== undefined) {
    place.closed.push(`\`${other.name}\` answers there`);
    return undefined;
  }
  const files = find("try_files");
  const last = files?.args.at(-1) ?? "";
  const named = locations.find(({ kind, text }) => kind === "named" && text === last);
  if (files !== undefined && named !== undefined) return translateNamed(files, named, place);
  translateFiles(location, place, locations, files);
  return undefined;
}

function translatePass(pass: Directive, location: Location, place: Place): string | undefined {
  const target = readProxyTarget(pass.args[0] ?? "", place);
  const no = (why: string): undefined => {
    place.closed.push(why);
    decide(place.nginx, pass, needsYou(`${why}: the route is closed`));
  };
  if (target === undefined) return no("the upstream is chosen by variables");
  const shown = location.kind === "regex" ? undefined : location.text;
  if (target.uri !== undefined && target.uri !== shown && !replacesPath(location, target.uri, place))
    return no(`the path goes upstream with \`${target.uri}\` in place of \`${shown ?? location.text}\``);
  if (pass.name === "grpc_pass") {
    place.upstream["protocol"] = target.secure ? "h2" : "h2c";
  }
  if (!target.secure)
    for (const key of ["ca_path", "client_cert_path", "client_key_path", "server_name"])
      delete place.upstream[key];
  const upstream = buildUpstream(target, place);
  if ("problem" in upstream) return no(upstream.problem);
  const sentences: string[] = [];
  if (target.secure && !verifies(place))
    sentences.push("the upstream's certificate is verified: give `ca_path` where the authority is your own");
  if (sendsGroupName(target, place))
    sentences.push(`Host is each member's own authority, not \`${target.authority}\``);
  decide(
    place.nginx,
    pass,
    sentences.length === 0 ? translated(`upstream ${upstream.name}`) : differs(sentences.join("; ")),
  );
  return upstream.name;
}

function verifies(place: Place): boolean {
  for (let at: Place["scope"] | undefined = place.scope; at !== undefined; at = at.parent)
    if (at.directives.some(({ name, args }) => name === "proxy_ssl_verify" && args[0] === "on")) return true;
  return false;
}

/** `proxy_pass` with a path: it takes the place of the location's. */
function replacesPath({ kind, text }: Location, uri: string, { route }: Place): boolean {
  if (kind === "regex" || uri.includes("?")) return false;
  if (kind === "exact")
    return addChange(route, "rewrite", { regex: "^.*$", replacement: uri.replaceAll("$", "$$$$") });
  const change = prefixChange(text, uri);
  return change !== undefined && addChange(route, "rewrite", change);
}

/** `return CODE [text]`: an answer of the gateway's own, or a redirect. */
function translateReturn(directive: Directive, place: Place): undefined {
  const [first = "", second = ""] = directive.args;
  const isUrl = /^https?:|^\$scheme/.test(first);
  const [status, text] = isUrl ? ["302", first] : [first, second];
  const outcome = /^30[12378]$/.test(status)
    ? translateRedirect(text, Number(status), place)
    : translateAnswer(status, text, place);
  if (outcome === undefined) place.closed.push(`return ${directive.args.join(" ")}`);
  decide(
    place.nginx,
    directive,
    outcome ?? needsYou("what it answers cannot be said here: the route is closed"),
  );
  return undefined;
}

function translateRedirect(url: string, status: number, place: Place): Outcome | undefined {
  // To the same place: a path says that.
  const to = templateOf(url, place.scope)?.replace(/^\{scheme\}:\/\/\{host\}(?=[/{])/, "");
  if (to === undefined || !addChange(place.route, "redirect", { to, status })) return undefined;
  return url.includes("$http_host")
    ? differs("[route.redirect], to the host without its port")
    : translated("[route.redirect]");
}

function translateAnswer(status: string, text: string, place: Place): Outcome | undefined {
  const code = Number(status);
  // 444 ends the connection without a word.
  if (!/^[2-5]\d\d$/.test(status) || status === "444" || text.includes("$")) return undefined;
  const type = effective(place.scope, "default_type")[0]?.args[0] ?? "text/plain";
  const body: Keys = text === "" ? {} : { body: text, content_type: type };
  if (!addChange(place.route, "respond", { status: code, ...body })) return undefined;
  return text === "" && code >= 400
    ? differs("[route.respond], without a page")
    : translated("[route.respond]");
}

/** One that replaces the path on the way to the upstream; others choose locations anew, or redirect by parts of the path. */
function translateRewrite(rewrite: Directive, place: Place): void {
  const [regex = "", target = "", flag = ""] = rewrite.args;
  const isPath = flag === "break" && !/\$[a-z{]|\?/i.test(target);
  if (isPath && addChange(place.route, "rewrite", { regex, replacement: target })) {
    decide(place.nginx, rewrite, translated("[route.rewrite]"));
    return;
  }
  const isWhole = /^\^?(?:\/?\.\*)?\$?$/.test(regex) || regex === "^(.*)$";
  const status = flag === "permanent" ? 301 : flag === "redirect" || /^https?:/.test(target) ? 302 : 0;
  // The old query stands behind, but for a `?` at the end.
  const to = target.endsWith("?") ? templateOf(target.slice(0, -1), place.scope) : undefined;
  if (isWhole && status !== 0 && to !== undefined && addChange(place.route, "redirect", { to, status })) {
    decide(place.nginx, rewrite, translated("[route.redirect]"));
    return;
  }
  place.closed.push(`rewrite ${rewrite.args.join(" ")}`);
  decide(
    place.nginx,
    rewrite,
    needsYou("what it makes of the path cannot be said here: the route is closed"),
  );
}

/** Files first, the named location for everything else: that one stays. */
function translateNamed(files: Directive, named: Location, place: Place): string | undefined {
  const pass = named.scope.directives.find(({ name }) => name === "proxy_pass");
  if (pass === undefined) {
    place.closed.push("files are served there");
    decide(place.nginx, files, needsYou(`${named.text} is no upstream: the route is closed`));
    return undefined;
  }
  decide(
    place.nginx,
    files,
    needsYou(
      `all requests go to ${named.text}: give the paths of files routes of their own, with \`serve_dir\``,
    ),
  );
  return translatePass(pass, named, place);
}
