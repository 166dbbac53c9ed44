import { readHostName } from "../config/address.ts";
import { readEndpoint } from "../config/endpoint.ts";
import { addChange, answersItself } from "./changes.ts";
import { cleanName, type Draft, type Keys, openDraft } from "./draft.ts";
import { certificatePaths, finishImport, type Imported } from "./imported.ts";
import { annotationRows, wafRefuses } from "./ingress-annotations.ts";
import { addSplit, canarySplit } from "./ingress-canary.ts";
import { configMapRows, sharedSettings } from "./ingress-configmap.ts";
import { translateCors } from "./ingress-cors.ts";
import { readIngressPath, rewriteOf } from "./ingress-path.ts";
import type { IngressPlace } from "./ingress-row.ts";
import { type KubernetesObject, readObjects, serviceAddress } from "./kubernetes.ts";
import { type Item, type Ledger, openLedger } from "./ledger.ts";
import { openRoutePlace } from "./route-place.ts";
import { rowNamed } from "./row-named.ts";
import type { SourceFile } from "./source-file.ts";
import { at, flatText, listOf, type Tree, tableOf, textOf } from "./tree.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

const prefix = "nginx.ingress.kubernetes.io/";

/** What the controller does where nobody says anything. */
const presets: Readonly<Keys> = {
  connect_timeout_ms: 5000,
  request_timeout_ms: 60_000,
  idle_timeout_ms: 60_000,
  preserve_host: true,
  retry: { attempts: 2 },
};

/** Makes a zion.toml of Ingress objects, with the Services and the controller's ConfigMap if they are there. */
export function importIngress(files: readonly SourceFile[]): Imported {
  const { objects, problems } = readObjects(files);
  if (problems.length > 0) return { kind: "unreadable", problems };
  const ledger = openLedger();
  const draft = openDraft();
  draft.server["listen_http"] = "0.0.0.0:80";
  // The controller's own limit, where the objects have none.
  draft.server["max_body_mb"] = 1;
  const shared = readSettings(objects, draft, ledger);
  const ingresses = objects
    .filter(({ kind }) => kind === "Ingress")
    .map((object) => readIngress(object, shared, ledger));
  readCertificates(ingresses, draft, ledger);
  chooseMode(ingresses, draft);
  // A canary needs the route that it is one of.
  for (const ingress of ingresses) if (!isCanary(ingress)) addIngress(ingress, objects, draft, ledger);
  for (const ingress of ingresses) if (isCanary(ingress)) addCanary(ingress, objects, draft, ledger);
  return finishImport("ingress-nginx", draft, ledger, notes);
}

const notes: readonly string[] = [
  "A Service is one member: Kubernetes spreads its requests. The controller knew the pods.",
  "Plain requests are redirected with 301 (308 for methods other than GET and HEAD), and no Strict-Transport-Security is added.",
  "WebSockets are served on every route, as the controller did; pages of other hosts may not open one unless `websocket_origins` names them.",
  "A host `*.example.org` is any name below it, at any depth; there it was one label.",
  "The first Ingress for a host and path counts, in the order of the files.",
];

interface Annotation {
  readonly key: string;
  readonly value: string;
  readonly item: Item;
}

interface Ingress {
  readonly object: KubernetesObject;
  readonly label: string;
  readonly annotations: readonly Annotation[];
  /** Without prefix, over those of the controller. */
  readonly settings: ReadonlyMap<string, string>;
  readonly tls: readonly {
    readonly hosts: readonly string[];
    readonly secret: string;
    readonly item: Item;
  }[];
  readonly paths: readonly IngressRule[];
}

interface IngressRule {
  /** "" = any. */
  readonly host: string;
  readonly path: string;
  readonly type: string;
  readonly backend: Tree | undefined;
  readonly item: Item;
}

/** ConfigMaps of the controller; what other objects are for is said in a line each. */
function readSettings(
  objects: readonly KubernetesObject[],
  draft: Draft,
  ledger: Ledger,
): ReadonlyMap<string, string> {
  const shared = new Map<string, string>();
  for (const object of objects) {
    if (object.kind === "Ingress") continue;
    const label = `${object.kind} ${object.namespace}/${object.name}`;
    const isController = object.kind === "ConfigMap" && /ingress|nginx/.test(object.name);
    const whole: Item = {
      file: object.file,
      line: object.tree.line,
      where: "",
      name: object.kind,
      text: label,
    };
    ledger.enter(whole);
    ledger.decide(whole, isController ? translated("its keys follow") : objectOutcome(object.kind));
    if (!isController) continue;
    const data = tableOf(at(object.tree, "data"));
    const values = new Map([...data].map(([key, tree]) => [key, textOf(tree)]));
    for (const [key, tree] of data) {
      const value = textOf(tree);
      const item: Item = {
        file: object.file,
        line: tree.line,
        where: label,
        name: key,
        text: `${key}: ${value}`.slice(0, 300),
      };
      ledger.enter(item);
      if (sharedSettings.has(key)) shared.set(key, value);
      const row = rowNamed(configMapRows, key);
      ledger.decide(
        item,
        row === undefined
          ? needsYou("this importer does not know it")
          : (row.apply?.(value, draft, values) ?? { verdict: row.verdict, explanation: row.note }),
      );
    }
  }
  return shared;
}

function objectOutcome(kind: string): Outcome {
  if (kind === "Service") return translated("its ports are looked up");
  if (kind === "Secret") return needsYou("put its files on disk: this file names paths");
  return kind === "IngressClass"
    ? translated("one gateway is one class")
    : needsYou("this importer does not know it");
}

function readIngress(object: KubernetesObject, shared: ReadonlyMap<string, string>, ledger: Ledger): Ingress {
  const { file, tree } = object;
  const label = `Ingress ${object.namespace}/${object.name}`;
  const enter = (name: string, text: string, line: number): Item => {
    const item: Item = { file, line, where: label, name, text: text.slice(0, 300) };
    ledger.enter(item);
    return item;
  };
  const settings = new Map(shared);
  const annotations: Annotation[] = [];
  for (const [key, value] of tableOf(at(tree, "metadata", "annotations"))) {
    const text = textOf(value);
    const item = enter(key.replace(prefix, ""), `${key}: ${text}`, value.line);
    annotations.push({ key, value: text, item });
    if (key.startsWith(prefix)) settings.set(key.slice(prefix.length), text);
    else ledger.decide(item, foreignAnnotation(key));
  }
  const spec = at(tree, "spec");
  const className = at(spec, "ingressClassName");
  if (className !== undefined)
    ledger.decide(
      enter("ingressClassName", `ingressClassName: ${textOf(className)}`, className.line),
      translated("one gateway is one class"),
    );
  const tls = listOf(at(spec, "tls")).map((entry) => ({
    hosts: listOf(at(entry, "hosts")).map(textOf),
    secret: textOf(at(entry, "secretName")),
    item: enter("tls", `tls: ${flatText(entry)}`, entry.line),
  }));
  const paths: IngressRule[] = [];
  const backend = at(spec, "defaultBackend") ?? at(spec, "backend");
  if (backend !== undefined)
    paths.push({
      host: "",
      path: "/",
      type: "Prefix",
      backend,
      item: enter("defaultBackend", `defaultBackend: ${flatText(backend)}`, backend.line),
    });
  for (const rule of listOf(at(spec, "rules"))) {
    const host = textOf(at(rule, "host"));
    const entries = listOf(at(rule, "http", "paths"));
    if (entries.length === 0)
      ledger.decide(
        enter("rules", `host: ${host}`, rule.line),
        needsYou("a rule without paths: its host has no route"),
      );
    for (const entry of entries) {
      const path = textOf(at(entry, "path"));
      paths.push({
        host,
        path: path === "" ? "/" : path,
        type: textOf(at(entry, "pathType")),
        backend: at(entry, "backend"),
        item: enter("rules", `${host === "" ? "any host" : host}: ${flatText(entry)}`, entry.line),
      });
    }
  }
  return { object, label, annotations, settings, tls, paths };
}

function foreignAnnotation(key: string): Outcome {
  if (/^(?:kubectl|meta\.helm|field|objectset|argocd|fluxcd|helm)\b|\.(?:fluxcd|argoproj)\.io\//.test(key))
    return translated("no setting: who wrote the object");
  if (key === "kubernetes.io/ingress.class") return translated("one gateway is one class");
  if (/^(?:cert-manager\.io|acme\.cert-manager\.io|kubernetes\.io\/tls-acme)/.test(key))
    return needsYou(
      "cert-manager goes on writing the Secret: put its files where `cert_path` and `key_path` are",
    );
  if (key.startsWith("external-dns."))
    return needsYou("external-dns needs an object that it knows, or a record made by hand");
  return needsYou("another program's annotation: ask who reads it");
}

function readCertificates(ingresses: readonly Ingress[], draft: Draft, ledger: Ledger): void {
  for (const { object, tls } of ingresses) {
    for (const { hosts, secret, item } of tls) {
      draft.server["listen_https"] = "0.0.0.0:443";
      const paths = certificatePaths(cleanName(secret === "" ? "tls" : `${object.namespace}-${secret}`));
      if (draft.tls["cert_path"] === undefined) Object.assign(draft.tls, paths);
      for (const host of hosts)
        if ("value" in readHostName(host, true) && !draft.sni.has(host.toLowerCase()))
          draft.sni.set(host.toLowerCase(), paths);
      ledger.decide(
        item,
        secret === ""
          ? needsYou(`the controller's own certificate: put one at ${paths.cert_path}`)
          : needsYou(
              `put tls.crt and tls.key of Secret ${object.namespace}/${secret} at ${paths.cert_path} and ${paths.key_path}`,
            ),
      );
    }
  }
}

function wantsRedirect({ settings, tls }: Ingress): boolean {
  return (
    settings.get("force-ssl-redirect") === "true" ||
    (tls.length > 0 && settings.get("ssl-redirect") !== "false")
  );
}

/** The plain listener does one thing: it redirects where one Ingress wants that. */
function chooseMode(ingresses: readonly Ingress[], draft: Draft): void {
  if (draft.server["listen_https"] === undefined) {
    if (!ingresses.some(wantsRedirect)) return;
    draft.server["listen_https"] = "0.0.0.0:443";
  }
  draft.server["http_mode"] = ingresses.some(wantsRedirect) ? "redirect" : "serve";
}

function addIngress(
  ingress: Ingress,
  objects: readonly KubernetesObject[],
  draft: Draft,
  ledger: Ledger,
): void {
  const own = ingress.annotations.filter(({ key }) => key.startsWith(prefix));
  for (const rule of ingress.paths) addPath(rule, ingress, objects, draft, ledger);
  for (const { item } of own) if (!ledger.isDecided(item)) ledger.decide(item, restOutcome(item.name));
}

function isCanary({ settings }: Ingress): boolean {
  return settings.get("canary") === "true";
}

/** Some requests of another Ingress's paths go to this one's Services. */
function addCanary(
  ingress: Ingress,
  objects: readonly KubernetesObject[],
  draft: Draft,
  ledger: Ledger,
): void {
  const { settings, object } = ingress;
  let outcome = needsYou("a canary without paths");
  for (const rule of ingress.paths) {
    const place: IngressPlace = {
      ...openRoutePlace(draft, presets),
      namespace: object.namespace,
      settings,
      cors: {},
    };
    applyAnnotations(ingress, place, ledger);
    const isRegex = settings.get("use-regex") === "true" || settings.has("rewrite-target");
    const path = readIngressPath(rule.path, rule.type, isRegex, settings.get("rewrite-target"));
    const hosts = hostsOf(rule, ingress);
    const upstream = upstreamOf(rule, place, objects);
    if (path === undefined || hosts === undefined || typeof upstream !== "string") {
      ledger.decide(rule.item, needsYou("this canary cannot be said here: nobody is sent there"));
      continue;
    }
    const split = canarySplit(settings, upstream);
    const added = path.patterns.filter((pattern) => addSplit(draft.routes, pattern, hosts, split.entries));
    outcome =
      added.length === path.patterns.length
        ? split.outcome
        : needsYou("no Ingress has a route for the same host and path: nobody is sent there");
    ledger.decide(rule.item, outcome);
  }
  for (const { key, item } of ingress.annotations)
    if (key.startsWith(`${prefix}canary`)) ledger.decide(item, outcome);
    else if (key.startsWith(prefix) && !ledger.isDecided(item)) ledger.decide(item, restOutcome(item.name));
}

function restOutcome(name: string): Outcome {
  const row = rowNamed(annotationRows, name);
  if (row === undefined) return needsYou("this importer does not know it");
  return { verdict: row.verdict, explanation: row.note };
}

function addPath(
  rule: IngressRule,
  ingress: Ingress,
  objects: readonly KubernetesObject[],
  draft: Draft,
  ledger: Ledger,
): void {
  const { settings, object } = ingress;
  const place: IngressPlace = {
    ...openRoutePlace(draft, presets),
    namespace: object.namespace,
    settings,
    cors: {},
  };
  applyAnnotations(ingress, place, ledger);
  const sentences = redirectSentences(rule, ingress, draft);
  if (wafRefuses(place)) delete place.route["waf_shadow"];
  const hosts = hostsOf(rule, ingress);
  const isRegex = settings.get("use-regex") === "true" || settings.has("rewrite-target");
  const path = readIngressPath(rule.path, rule.type, isRegex, settings.get("rewrite-target"));
  if (path === undefined || hosts === undefined) {
    ledger.decide(
      rule.item,
      needsYou(
        path === undefined
          ? "an expression that is no list of paths: it has no route"
          : `${rule.host} is no host here: it has no route`,
      ),
    );
    return;
  }
  const rewrite = ingress.annotations.find(({ key }) => key === `${prefix}rewrite-target`);
  if (rewrite !== undefined) ledger.decide(rewrite.item, applyRewrite(path.rewrites, rule.path, place));
  const upstream = upstreamOf(rule, place, objects);
  const isOwn = answersItself(place.route);
  // gRPC has no WebSockets, and its upstream speaks HTTP/2 only.
  if (place.upstream["protocol"] === undefined && !isOwn) {
    place.route["mode"] = "websocket";
    place.route["websocket_idle_secs"] = Math.max(
      1,
      Math.round(Number(place.upstream["idle_timeout_ms"]) / 1000),
    );
  }
  if (typeof upstream !== "string" && !isOwn) place.closed.push(upstream.problem);
  for (const pattern of path.patterns)
    draft.routes.push({
      path: pattern,
      hosts: hosts.length === 0 ? undefined : hosts,
      upstream: typeof upstream === "string" ? upstream : undefined,
      keys: place.route,
      lists: place.lists,
      limits: place.limits,
      excludes: place.excludes,
      closed: [...new Set(place.closed)],
      comment: `${ingress.label}: ${rule.host}${rule.path}`,
      origin: rule.item,
    });
  const all = [...path.sentences, ...sentences];
  ledger.decide(
    rule.item,
    typeof upstream !== "string" && !isOwn
      ? needsYou(`${upstream.problem}: the route is closed`)
      : place.closed.length > 0
        ? needsYou("the route is closed until you have decided")
        : all.length === 0
          ? translated("[[route]]")
          : differs(all.join("; ")),
  );
}

function applyRewrite(target: string | undefined, path: string, place: IngressPlace): Outcome {
  if (target === undefined) return translated("the path stays as it is");
  const keys = rewriteOf(path, target);
  if (keys !== undefined && addChange(place.route, "rewrite", keys)) return translated("[route.rewrite]");
  place.closed.push(`rewrite-target ${target}`);
  return needsYou("what becomes of the path cannot be said here: the route is closed");
}

/** Settings of the controller act too, without a row of their own. */
function applyAnnotations(ingress: Ingress, place: IngressPlace, ledger: Ledger): void {
  const items = new Map(ingress.annotations.map(({ key, item }) => [key, item]));
  for (const [name, value] of ingress.settings) {
    const row = rowNamed(annotationRows, name);
    const item = items.get(prefix + name);
    const outcome = row?.apply?.(value, place);
    if (item !== undefined && outcome !== undefined) ledger.decide(item, outcome);
  }
  const cors = translateCors(place);
  const asked = items.get(`${prefix}enable-cors`);
  if (cors !== undefined && asked !== undefined) ledger.decide(asked, cors);
}

function redirectSentences(rule: IngressRule, ingress: Ingress, draft: Draft): readonly string[] {
  const mode = draft.server["http_mode"];
  if (mode === undefined) return [];
  if (mode === "redirect" && !wantsRedirect(ingress))
    return [
      ingress.tls.length === 0
        ? `plain requests for ${rule.host === "" ? "it" : rule.host} are redirected to https, and there is no certificate for it`
        : "plain requests are redirected to https",
    ];
  return [];
}

/** Empty: any host. Undefined: what is written is no name here. */
function hostsOf(rule: IngressRule, { settings }: Ingress): readonly string[] | undefined {
  if (rule.host === "") return [];
  const aliases = (settings.get("server-alias") ?? "").split(",").map((alias) => alias.trim());
  const all = [rule.host, ...aliases].filter((host) => host !== "" && "value" in readHostName(host, true));
  return all.length === 0 ? undefined : [...new Set(all.map((host) => host.toLowerCase()))];
}

function upstreamOf(
  rule: IngressRule,
  place: IngressPlace,
  objects: readonly KubernetesObject[],
): string | { readonly problem: string } {
  const address = serviceAddress(objects, place.namespace, rule.backend);
  if ("problem" in address) return address;
  const protocol = (place.settings.get("backend-protocol") ?? "HTTP").toUpperCase();
  const url = `${protocol === "HTTPS" || protocol === "GRPCS" ? "https" : "http"}://${address.authority}`;
  if (!("value" in readEndpoint(url)))
    return { problem: `${address.authority} cannot be a member of an upstream here` };
  const service = textOf(at(rule.backend, "service", "name")) || textOf(at(rule.backend, "serviceName"));
  return place.draft.name("upstream", `${place.namespace}-${service}`, {
    url,
    ...place.upstream,
    health: { interval_ms: 0 },
  });
}
