import { readEndpoint } from "../config/endpoint.ts";
import { translateFields } from "./caddy-answers.ts";
import { always, type CaddyPlace, type CaddyRow, type CaddyStep } from "./caddy-place.ts";
import { addChange } from "./changes.ts";
import { addCodings, compressionKey, guarded } from "./compression.ts";
import type { Keys } from "./draft.ts";
import { readBytes, wholeMib } from "./measure.ts";
import { readModSecurity } from "./modsecurity.ts";
import { differs, needsYou, type Outcome, refused, translated } from "./verdict.ts";

function closes(note: string): CaddyRow {
  return {
    verdict: "needs_you",
    becomes: "",
    note: `${note}: the route is closed`,
    isGuard: true,
    apply(_, { closed }) {
      closed.push(note);
      return needsYou(`${note}: the route is closed`);
    },
  };
}

const path = closes("what becomes of the path cannot be said here");
const passwords = closes(
  "passwords of Caddy cannot be used: make lines with `zion password NAME`, and an [auth_profile] of kind basic",
);
const terminal = (verdict: "translated" | "differs" | "needs_you", note: string, becomes = ""): CaddyRow =>
  always(verdict, note, becomes);

/** The line itself, or those of its block. */
function fieldLines(
  { segment, args }: CaddyStep,
  whose: "request_headers" | "response_headers",
  place: CaddyPlace,
): Outcome {
  const own = args.length === 0 ? [] : [{ words: args, decide: () => {} }];
  const inner = (segment.block ?? []).map(({ name, args: rest, item }) => ({
    words: [name, ...rest],
    decide: (outcome: Outcome) => place.ledger.decide(item, outcome),
  }));
  return translateFields([...own, ...inner], whose, place.route);
}

function encode({ segment, args }: CaddyStep, place: CaddyPlace): Outcome {
  const inner = segment.block ?? [];
  const named = [...args, ...inner.map(({ name }) => name)].filter((name) => /^(?:br|zstd|gzip)$/.test(name));
  place.route["compress"] = true;
  addCodings(place.draft, named.length === 0 ? ["zstd", "gzip"] : named);
  for (const { name, args: rest, item } of inner)
    place.ledger.decide(
      item,
      name === "minimum_length"
        ? compressionKey(place.draft, "min_bytes", Math.max(1, Number(rest[0] ?? 512) || 512))
        : named.includes(name)
          ? translated("`codings` of [compression]")
          : needsYou("`types` of [compression]"),
    );
  return differs(guarded);
}

function requestBody({ segment }: CaddyStep, place: CaddyPlace): Outcome {
  let outcome = needsYou("only `max_size` is known here");
  for (const { name, args, item } of segment.block ?? []) {
    const bytes = name === "max_size" ? readBytes(args[0] ?? "") : undefined;
    if (bytes === undefined) {
      place.ledger.decide(item, needsYou("only `max_size` is known here"));
      continue;
    }
    const mib = wholeMib(bytes);
    place.route["max_body_mb"] = mib;
    outcome =
      mib * 2 ** 20 === bytes
        ? translated("`max_body_mb`")
        : differs(`${args[0]} is ${mib} MiB here: whole MiB, rounded up`);
    place.ledger.decide(item, outcome);
  }
  return outcome;
}

function forwardAuth(step: CaddyStep, place: CaddyPlace): Outcome {
  const close = (why: string): Outcome => {
    place.closed.push("forward_auth");
    return needsYou(`${why}: the route is closed`);
  };
  const dial = step.args[0] ?? "";
  const url = /^https?:\/\//.test(dial)
    ? dial.replace(/\/$/, "")
    : `http://${dial.replace(/^:/, "127.0.0.1:")}`;
  const block = step.segment.block ?? [];
  const uri = block.find(({ name }) => name === "uri")?.args[0] ?? "/";
  if (step.args.length !== 1 || !("value" in readEndpoint(url)))
    return close(`\`${dial}\` cannot be an upstream here`);
  if (!/^\/[!-"$-z|~]*$/.test(uri)) return close(`${uri} is no fixed path`);
  const copied = block
    .filter(({ name }) => name === "copy_headers")
    .flatMap(({ args, block: inner }) => [...args, ...(inner ?? []).map(({ name }) => name)]);
  const good = copied.filter((name) =>
    /^(?:x-auth-(?:subject|email)|x-(?!forwarded|real|request)[a-z0-9-]{1,60}|remote-[a-z]{1,20})$/i.test(
      name,
    ),
  );
  for (const { name, item, block: inner } of block) {
    const outcome =
      name === "uri"
        ? translated("`service_path`")
        : name === "copy_headers"
          ? good.length === copied.length
            ? translated("`answer_fields`")
            : needsYou("some of these fields the gateway writes itself")
          : needsYou("the service is asked with GET, and sent what `request_fields` says");
    place.ledger.decide(item, outcome);
    for (const one of inner ?? []) place.ledger.decide(one.item, outcome);
  }
  const name = dial.replace(/^\w+:\/\//, "").replace(/^(?:localhost|127\.0\.0\.1)?(?=:)/, "local");
  const service = place.draft.name("upstream", name, { url, health: { interval_ms: 0 } });
  const keys: Keys = { kind: "forward", service_upstream: service, service_path: uri };
  if (good.length > 0) keys["answer_fields"] = [...new Set(good)].slice(0, 16);
  place.route["auth_profile"] = place.draft.name("auth_profile", service, keys);
  return differs(
    "the service is sent Authorization and Cookie (`request_fields` names more), X-Forwarded-Method and X-Forwarded-Uri; where it answers with a redirect, clients get 503",
  );
}

function corazaWaf({ segment }: CaddyStep, place: CaddyPlace): Outcome {
  const found = (segment.block ?? []).flatMap(({ name, args, item }) => {
    if (name !== "directives") {
      place.ledger.decide(
        item,
        name === "load_owasp_crs"
          ? translated("the rules that come with this gateway")
          : needsYou("files of rules: write yours for `[waf].rules`"),
      );
      return [];
    }
    const rules = readModSecurity(args.join("\n"));
    for (const { outcome, name: rule } of rules)
      place.ledger.decide(item, { ...outcome, explanation: `${rule}: ${outcome.explanation}` });
    if (rules.length === 0) place.ledger.decide(item, translated("empty"));
    return rules;
  });
  for (const { excludes } of found) place.excludes.push(...excludes);
  if (found.findLast(({ engine }) => engine !== undefined)?.engine !== "on")
    return translated("`waf_shadow = true`");
  delete place.route["waf_shadow"];
  return translated("the WAF refuses");
}

/** Directives of a site. Those that answer (`reverse_proxy`, `handle`, …) have their work in caddy-level.ts. */
export const caddyRows: Readonly<Record<string, CaddyRow>> = {
  reverse_proxy: terminal("translated", "`upstream`; its options have rows of their own", "route.upstream"),
  handle: terminal("translated", "its directives, for its paths"),
  handle_path: {
    verdict: "translated",
    becomes: "rewrite.strip_prefix",
    note: "one prefix; with paths of its own inside it closes the route",
    isGuard: true,
    apply({ matcher }, { route, closed }) {
      const [first, ...others] = matcher?.paths ?? [];
      if (
        first?.isPrefix === true &&
        others.length === 0 &&
        addChange(route, "rewrite", { strip_prefix: first.text.replace(/\/$/, "") })
      )
        return translated("`rewrite.strip_prefix`");
      closed.push("handle_path");
      return needsYou("what becomes of the path cannot be said here: the route is closed");
    },
  },
  route: terminal("translated", "its directives, in their order"),
  respond: terminal("translated", "an answer of its own; placeholders close the route", "respond"),
  abort: terminal("differs", "a closed route: 403"),
  error: terminal("needs_you", "a refusal is a closed route"),
  redir: terminal(
    "translated",
    "a redirect, that to https by `http_mode`; other placeholders close the route",
    "redirect, server.http_mode",
  ),
  file_server: terminal(
    "differs",
    "without options, hidden files are not served; with `browse` and others the route is closed",
    "route.mode, serve_dir",
  ),
  php_fastcgi: terminal("needs_you", "FastCGI is not spoken here: the route is closed"),
  acme_server: terminal("needs_you", "no authority of its own: the route is closed"),
  metrics: terminal("needs_you", "the telemetry listener has metrics: the route is closed"),
  basic_auth: passwords,
  basicauth: passwords,
  forward_auth: {
    verdict: "differs",
    becomes: "auth_profile",
    note: "an [auth_profile] of kind forward",
    isGuard: true,
    apply: forwardAuth,
  },
  request_body: {
    verdict: "translated",
    becomes: "max_body_mb",
    note: "whole MiB, rounded up",
    apply: requestBody,
  },
  coraza_waf: {
    verdict: "differs",
    becomes: "waf_shadow, [[exclude]]",
    note: "the WAF of this gateway, with rules of its own",
    apply: corazaWaf,
  },
  rewrite: path,
  uri: {
    verdict: "needs_you",
    becomes: "rewrite.strip_prefix",
    note: "`strip_prefix`; anything else closes the route",
    isGuard: true,
    apply({ args: [what = "", prefix = ""] }, { route, closed }) {
      if (what === "strip_prefix" && addChange(route, "rewrite", { strip_prefix: prefix.replace(/\/$/, "") }))
        return translated("`rewrite.strip_prefix`");
      closed.push(`uri ${what}`);
      return needsYou("what becomes of the path cannot be said here: the route is closed");
    },
  },
  try_files: path,
  method: closes("the method that the client used is sent"),
  invoke: closes("named routes are not known here"),
  templates: closes("answers are not changed here"),
  intercept: always("needs_you", "`intercept` of the route gives clients pages in place of errors"),
  handle_errors: always("needs_you", "pages are [error_page.STATUS], and `intercept` of the route"),
  header: {
    verdict: "translated",
    becomes: "response_headers",
    note: "set, add, default and remove; replacing parts of a value needs you",
    apply: (step, place) => fieldLines(step, "response_headers", place),
  },
  request_header: {
    verdict: "translated",
    becomes: "request_headers",
    note: "set, add, default and remove; replacing parts of a value needs you",
    apply: (step, place) => fieldLines(step, "request_headers", place),
  },
  push: always("translated", "no push, as in browsers"),
  encode: {
    verdict: "differs",
    becomes: "compression",
    note: guarded,
    apply: encode,
  },
  root: {
    verdict: "translated",
    becomes: "serve_dir",
    note: "one directory, where `file_server` answers",
    apply({ args }, { route }) {
      const [directory = "", ...more] = args;
      if (more.length > 0 || !/^\/[^{}]*$/.test(directory))
        return needsYou("this is not one fixed directory");
      route["serve_dir"] = directory.replace(/(?<=.)\/+$/, "");
      return translated("`serve_dir`, where files are served");
    },
  },
  fs: always("needs_you", "only the file system is served"),
  vars: always("needs_you", "there are no variables"),
  map: always("needs_you", "there are no variables"),
  log: always(
    "differs",
    "one access log for all routes: JSON lines on standard output, or `access_log.path`",
  ),
  log_skip: always("differs", "one access log for all routes"),
  skip_log: always("differs", "one access log for all routes"),
  log_append: always("differs", "lines have fixed fields: docs/operating/logs.md"),
  log_name: always("differs", "one access log for all routes"),
  tracing: always("differs", "[tracing] is for all routes", "tracing"),
  tls: always("translated", "`cert_path` and `key_path`, or [tls.acme]", "tls"),
  bind: always("needs_you", "`listen_http` and `listen_https` have one address each"),
  import: always("translated", "its directives follow"),
  rate_limit: always("needs_you", "write a [limit.NAME]"),
  layer4: always("needs_you", "other protocols than HTTP are not proxied here"),
  exec: {
    verdict: "refused",
    becomes: "",
    note: "code in a configuration is never run",
    isGuard: true,
    apply: (_, { closed }) => {
      closed.push("code decides there");
      return refused("code in a configuration is never run: the route is closed");
    },
  },
};

/** Global options. */
export const globalRows: Readonly<Record<string, CaddyRow>> = {
  email: always("needs_you", "`email` of [tls.acme]", "tls.acme"),
  acme_ca: always("needs_you", "`directory_url` of [tls.acme]", "tls.acme"),
  acme_ca_root: always("needs_you", "`ca_path` of [tls.acme]", "tls.acme"),
  acme_dns: always("needs_you", "certificates are ordered by http-01 or tls-alpn-01"),
  acme_eab: always("needs_you", "`eab_key_id` of [tls.acme]", "tls.acme"),
  cert_issuer: always("needs_you", "[tls.acme]", "tls.acme"),
  on_demand_tls: always("needs_you", "names of certificates stand in the file"),
  local_certs: always("needs_you", "no authority of its own"),
  skip_install_trust: always("translated", "no authority of its own"),
  auto_https: always("differs", "certificates are those that the file names"),
  http_port: always("translated", "`listen_http`", "server.listen_http"),
  https_port: always("translated", "`listen_https`", "server.listen_https"),
  default_bind: always("needs_you", "`listen_http` and `listen_https` have one address each"),
  default_sni: always("differs", "the certificate of [tls] is the default one"),
  fallback_sni: always("differs", "the certificate of [tls] is the default one"),
  order: always("needs_you", "directives keep Caddy's own order"),
  storage: always("translated", "`server.state_dir`"),
  storage_clean_interval: always("translated", "`server.state_dir`"),
  admin: always("translated", "the admin listener", "admin.listen"),
  persist_config: always("translated", "one file, which is watched"),
  grace_period: always("differs", "`shutdown_grace_ms`: 30 s", "server.shutdown_grace_ms"),
  shutdown_delay: always("differs", "`shutdown_delay_ms`: 5 s", "server.shutdown_delay_ms"),
  debug: always("differs", "the gateway's own log is JSON on standard error"),
  log: always("differs", "the gateway's own log is JSON on standard error"),
  metrics: always("translated", "the telemetry listener", "telemetry.listen"),
  ocsp_stapling: always("differs", "stapled wherever the certificate names a responder"),
  preferred_chains: always("differs", "the chain that the CA gives"),
  key_type: always("needs_you", "`key_type` of [tls.acme]", "tls.acme"),
  renew_interval: always("translated", "the gateway's own"),
  servers: always("needs_you", "time-outs and `trusted_proxies` of [server]", "server.trusted_proxies"),
  pki: always("needs_you", "no authority of its own"),
  events: always("needs_you", "events are in the log"),
  filesystem: always("needs_you", "only the file system is served"),
  frankenphp: always("refused", "code in a configuration is never run"),
};
