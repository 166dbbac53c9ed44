import type { Location } from "./nginx-location.ts";
import { httpsRedirect } from "./nginx-redirect.ts";
import { decide, type Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
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
  if (files !== undefined) return translateTryFiles(files, place, locations);
  place.closed.push("files are served there");
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
  if (target.uri !== undefined && target.uri !== shown)
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

/** `return CODE [text]`. */
export function translateReturn(directive: Directive, place: Place): undefined {
  const [status = "", text = ""] = directive.args;
  place.closed.push(`return ${directive.args.join(" ")}`);
  decide(place.nginx, directive, returnOutcome(directive, status, text));
  return undefined;
}

function returnOutcome(directive: Directive, status: string, text: string): Outcome {
  const https = httpsRedirect(directive);
  if (https !== undefined)
    return needsYou("this gateway redirects plain requests, and nothing else yet: the route is closed");
  if (/^(?:30[12378]|https?:)/.test(status))
    return needsYou("redirects are not known here yet: the route is closed");
  if (status === "403" && text === "") return translated("a closed route: 403");
  if (/^[45]\d\d$/.test(status)) return differs(`a closed route: 403, not ${status}`);
  return needsYou("answers of its own are not known here yet: the route is closed");
}

function translateRewrite(rewrite: Directive, place: Place): void {
  const why = "paths are not changed here yet";
  place.closed.push(`rewrite ${rewrite.args.join(" ")}`);
  decide(place.nginx, rewrite, needsYou(`${why}: the route is closed`));
}

/** Files first, the named location for everything else: that one stays. */
function translateTryFiles(
  files: Directive,
  place: Place,
  locations: readonly Location[],
): string | undefined {
  const last = files.args.at(-1) ?? "";
  const named = locations.find(({ kind, text }) => kind === "named" && text === last);
  const pass = named?.scope.directives.find(({ name }) => name === "proxy_pass");
  if (named === undefined || pass === undefined) {
    place.closed.push("files are served there");
    decide(place.nginx, files, needsYou("files are not served here yet: the route is closed"));
    return undefined;
  }
  decide(place.nginx, files, needsYou(`files are not served here yet: all requests go to ${last}`));
  return translatePass(pass, named, place);
}
