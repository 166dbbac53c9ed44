import { translateFileServer, translateRedir, translateRespond } from "./caddy-answers.ts";
import { buildLevel, covers, hostsOf, isTerminal, type Level, type Point, pointsOf } from "./caddy-level.ts";
import { type CaddyPlace, type CaddyRow, type CaddyStep, decideSegment } from "./caddy-place.ts";
import { buildProxy } from "./caddy-proxy.ts";
import { caddyRows, globalRows } from "./caddy-rows.ts";
import { globalPort, readSiteAddress, type SiteAddress } from "./caddy-sites.ts";
import { readCaddyfile, readCaddySegments, type Segment, type SiteBlock } from "./caddyfile-syntax.ts";
import { cleanName, type Draft, type Keys, openDraft, type RouteDraft } from "./draft.ts";
import { certificatePaths, finishImport, type Imported } from "./imported.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { patternOf } from "./path-pattern.ts";
import { openRoutePlace } from "./route-place.ts";
import { rowNamed } from "./row-named.ts";
import type { IncludeFiles, Problem, SourceFile } from "./source-file.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

interface CaddyImport {
  readonly draft: Draft;
  readonly ledger: Ledger;
  readonly snippets: ReadonlyMap<string, SiteBlock>;
  readonly include: IncludeFiles;
  readonly problems: Problem[];
}

/** What Caddy does where nothing is said: it waits, and it passes the client's Host. */
const presets: Readonly<Keys> = {
  request_timeout_ms: 3_600_000,
  idle_timeout_ms: 3_600_000,
  total_timeout_ms: 0,
  preserve_host: true,
  retry: { attempts: 0 },
};

/** Makes a zion.toml of a Caddyfile. */
export function importCaddy(source: SourceFile, include: IncludeFiles): Imported {
  const { sites: written, problems } = readCaddyfile(source);
  const ledger = openLedger();
  const snippets = new Map(written.filter(isSnippet).map((site) => [site.addresses[0]!.slice(1, -1), site]));
  const caddy: CaddyImport = { draft: openDraft(), ledger, snippets, include, problems: [...problems] };
  for (const site of written) enterSite(site, ledger);
  // Files with whole sites, imported between the others.
  const sites = written.flatMap((site) =>
    site.addresses[0] === "import" ? importSites(site, caddy) : [site],
  );
  const real = sites
    .filter((site) => site.addresses.length > 0 && !isSnippet(site))
    .map((site) => ({ ...site, segments: expand(site.segments, [], caddy, 0) }));
  if (caddy.problems.length > 0) return { kind: "unreadable", problems: caddy.problems };
  // Caddy has no limit of its own.
  caddy.draft.server["max_body_mb"] = 1_048_576;
  addSites(real, sites, caddy);
  for (const site of sites) decideRest(site, ledger);
  return finishImport("caddy", caddy.draft, ledger, notes);
}

const notes: readonly string[] = [
  "WebSockets are served on every route, as Caddy did; pages of other hosts may not open one unless `websocket_origins` names them.",
  "Caddy has no limit for bodies: `max_body_mb` is set to the largest value. Lower it.",
  "Where no directive of a site answers, Caddy says 200 with nothing; here the route is closed. A host of no site gets 404 here.",
  "Upstreams get the client's Host in lower case.",
];

function isSnippet({ addresses }: SiteBlock): boolean {
  return /^&?\(.*\)$/.test(addresses[0] ?? "");
}

function enterSite(site: SiteBlock, ledger: Ledger): void {
  const walk = (segment: Segment): void => {
    ledger.enter(segment.item);
    segment.block?.forEach(walk);
  };
  ledger.enter(site.item);
  site.segments.forEach(walk);
}

/** `import sites/*` outside of any site. */
function importSites(site: SiteBlock, caddy: CaddyImport): readonly SiteBlock[] {
  const files = caddy.include(site.addresses[1] ?? "");
  if (typeof files === "string") {
    caddy.ledger.decide(site.item, needsYou(files));
    return [];
  }
  caddy.ledger.decide(site.item, translated("its sites follow"));
  return files.flatMap((file) => {
    const reading = readCaddyfile(file);
    caddy.problems.push(...reading.problems);
    for (const one of reading.sites) enterSite(one, caddy.ledger);
    return reading.sites;
  });
}

const DEPTH_MAX = 16;

/** Puts snippets and files where they are imported, with their arguments in `{args[0]}`. */
function expand(
  segments: readonly Segment[],
  args: readonly string[],
  caddy: CaddyImport,
  depth: number,
): readonly Segment[] {
  return segments.flatMap((segment): readonly Segment[] => {
    const filled: Segment = {
      ...segment,
      args: segment.args.map((arg) => fill(arg, args)),
      block: segment.block === undefined ? undefined : expand(segment.block, args, caddy, depth),
    };
    if (segment.name !== "import") return [filled];
    const [name = "", ...given] = filled.args;
    const snippet = caddy.snippets.get(name);
    if (depth >= DEPTH_MAX) {
      caddy.problems.push({
        file: segment.item.file,
        line: segment.item.line,
        message: "imports stand too deep",
      });
      return [];
    }
    if (snippet !== undefined) {
      caddy.ledger.decide(segment.item, translated("its directives follow"));
      return expand(snippet.segments, given, caddy, depth + 1);
    }
    const files = caddy.include(name);
    if (typeof files === "string") {
      caddy.ledger.decide(segment.item, needsYou(files));
      // What is not here may have kept somebody out.
      return [{ ...filled, name: "import", args: [files] }];
    }
    caddy.ledger.decide(segment.item, translated("its directives follow"));
    return files.flatMap((file) => {
      const { segments: inner, problems } = readCaddySegments(file);
      caddy.problems.push(...problems);
      for (const one of inner) enterSegment(one, caddy.ledger);
      return expand(inner, given, caddy, depth + 1);
    });
  });
}

function enterSegment(segment: Segment, ledger: Ledger): void {
  ledger.enter(segment.item);
  for (const inner of segment.block ?? []) enterSegment(inner, ledger);
}

function fill(text: string, args: readonly string[]): string {
  return text.replace(
    /\{args(?:\[(\d)\]|\.(\d))\}/g,
    (whole, bracket?: string, dot?: string) => args[Number(bracket ?? dot)] ?? whole,
  );
}

function addSites(real: readonly SiteBlock[], all: readonly SiteBlock[], caddy: CaddyImport): void {
  const { draft, ledger } = caddy;
  const httpPort = globalPort(all, "http_port", 80);
  const httpsPort = globalPort(all, "https_port", 443);
  const read = real.map((site) => ({
    site,
    addresses: site.addresses.map((text) => readSiteAddress(text, httpPort, httpsPort)),
  }));
  const good = read.flatMap(({ addresses }) => addresses.filter(({ problem }) => problem === undefined));
  const secure = mainPort(
    good.filter(({ isSecure }) => isSecure),
    httpsPort,
  );
  const plain = mainPort(
    good.filter(({ isSecure }) => !isSecure),
    httpPort,
  );
  if (secure !== undefined) {
    draft.server["listen_https"] = `0.0.0.0:${secure}`;
    draft.tls["min_version"] = "1.2";
  }
  // With certificates Caddy redirects plain requests by itself.
  if (plain !== undefined || secure !== undefined)
    draft.server["listen_http"] = `0.0.0.0:${plain ?? httpPort}`;
  else draft.server["listen_http"] = `0.0.0.0:${httpPort}`;
  if (secure !== undefined) draft.server["http_mode"] = "redirect";
  for (const { site, addresses } of read) {
    const here = addresses.filter(
      ({ problem, port, isSecure }) => problem === undefined && port === (isSecure ? secure : plain),
    );
    if (here.length === 0) {
      const why =
        addresses.find(({ problem }) => problem !== undefined)?.problem ??
        "this gateway has one plain and one TLS listener, on other ports";
      ledger.decide(site.item, needsYou(`left out: ${why}`));
      for (const segment of site.segments) decideSegment(ledger, segment, needsYou("its site is left out"));
      continue;
    }
    addSite(site, here, addresses, secure !== undefined, caddy);
  }
}

function mainPort(addresses: readonly SiteAddress[], usual: number): number | undefined {
  return addresses.find(({ port }) => port === usual)?.port ?? addresses[0]?.port;
}

function addSite(
  site: SiteBlock,
  here: readonly SiteAddress[],
  addresses: readonly SiteAddress[],
  hasTls: boolean,
  caddy: CaddyImport,
): void {
  const { ledger } = caddy;
  const isPlain = here.every(({ isSecure }) => !isSecure);
  const names = here.map(({ host }) => host);
  const hosts = names.includes(undefined)
    ? undefined
    : [...new Set(names.filter((host) => host !== undefined))];
  if (!isPlain) addCertificate(site, hosts ?? [], caddy);
  else
    for (const segment of site.segments)
      if (segment.name === "tls") decideSegment(ledger, segment, needsYou("the site is plain"));
  if (isPlain && hasTls && isOnlyRedirect(site)) {
    ledger.decide(site.item, translated('`http_mode = "redirect"`'));
    for (const segment of site.segments)
      decideSegment(ledger, segment, translated('`http_mode = "redirect"`'));
    return;
  }
  const level = buildLevel(site.segments, new Map(), false);
  decideMatchers(level, ledger);
  for (const group of [hosts, ...hostsOf(level)]) addRoutes(site, level, group, caddy);
  const sentences = [
    here.length < addresses.length ? "some of its addresses are not listened on here" : "",
    isPlain && hasTls ? "it was served without TLS: here plain requests are redirected to https" : "",
    here.some(({ host }) => host?.startsWith("*.") === true)
      ? "any name below `*.` is taken, at any depth"
      : "",
  ].filter((text) => text !== "");
  ledger.decide(site.item, sentences.length === 0 ? translated("`hosts`") : differs(sentences.join("; ")));
}

function isOnlyRedirect({ segments }: SiteBlock): boolean {
  return (
    segments.length > 0 &&
    segments.every(
      ({ name, args }) =>
        name === "redir" &&
        /^https:\/\/\{(?:host|http\.request\.host)\}\{(?:uri|http\.request\.uri)\}$/.test(
          args.find((arg) => arg.startsWith("https:")) ?? "",
        ),
    )
  );
}

function addCertificate(site: SiteBlock, hosts: readonly string[], { draft, ledger }: CaddyImport): void {
  const tls = site.segments.find(({ name }) => name === "tls");
  const [cert = "", key = ""] = tls?.args ?? [];
  const isFiles = cert !== "" && key !== "" && !/[{}]/.test(cert + key);
  const paths = isFiles
    ? { cert_path: cert, key_path: key }
    : certificatePaths(cleanName(hosts[0]?.replace(/^\*\./, "any.") ?? "tls"));
  if (draft.tls["cert_path"] === undefined) Object.assign(draft.tls, paths);
  for (const host of hosts) if (!draft.sni.has(host)) draft.sni.set(host, paths);
  const order = needsYou(
    `Caddy orders its certificate: put one at ${paths.cert_path}, or order it with [tls.acme], whose terms you agree to yourself`,
  );
  if (!isFiles) ledger.decide(site.item, order);
  if (tls === undefined) return;
  ledger.decide(tls.item, isFiles ? translated("`cert_path` and `key_path`") : order);
  for (const inner of tls.block ?? [])
    decideSegment(
      ledger,
      inner,
      inner.name === "protocols"
        ? differs("`tls.min_version` is for all names")
        : needsYou("[tls] is for all names"),
    );
}

function decideMatchers(level: Level, ledger: Ledger): void {
  for (const [segment, problem] of level.lost) decideSegment(ledger, segment, needsYou(problem));
  for (const step of level.steps)
    if (
      step.matcher === undefined &&
      !isRefusal(step) &&
      (isTerminal(step) || rowNamed(caddyRows, step.segment.name)?.isGuard !== true)
    )
      decideSegment(
        ledger,
        step.segment,
        needsYou("its matcher cannot be said here: its requests go where others go"),
      );
  for (const inner of level.inner.values()) decideMatchers(inner, ledger);
}

const allMethods: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

function addRoutes(
  site: SiteBlock,
  level: Level,
  hosts: readonly string[] | undefined,
  caddy: CaddyImport,
): void {
  const { draft } = caddy;
  for (const point of pointsOf(level)) {
    const path = patternOf(point.text, point.isPrefix);
    if (path === undefined) continue;
    let rest = allMethods;
    for (const way of resolve(level, point, hosts, {
      steps: [],
      methods: allMethods,
      isByAddress: false,
      isRest: false,
    })) {
      const methods = rest.filter((method) => way.methods.includes(method));
      if (methods.length === 0) continue;
      rest = rest.filter((method) => !way.methods.includes(method));
      const all = methods.length === allMethods.length;
      draft.routes.push({
        path,
        hosts,
        methods: all ? undefined : methods,
        ...makeRoute(site, point, way, caddy),
      });
    }
    // Nobody answers: the requests must not reach a site for any host.
    if (rest.length > 0 && (point.text === "/" || rest.length < allMethods.length))
      draft.routes.push({
        path,
        hosts,
        methods: rest.length === allMethods.length ? undefined : rest,
        upstream: undefined,
        keys: { waf_shadow: true },
        lists: [],
        limits: [],
        excludes: [],
        closed: ["no directive answers there"],
        comment: site.item.text,
        origin: site.item,
      });
  }
}

/** One way that a request at a point can go: what acts on it, what answers, and for which requests. */
interface Way {
  readonly steps: readonly CaddyStep[];
  readonly answer: CaddyStep;
  readonly methods: readonly string[];
  /** Only requests from some addresses. */
  readonly isByAddress: boolean;
  /** Something before it answers some of them, and which cannot be said. */
  readonly isRest: boolean;
}

function resolve(
  level: Level,
  point: Point,
  hosts: readonly string[] | undefined,
  around: Omit<Way, "answer">,
): readonly Way[] {
  const acting = level.steps.filter((step) => !isTerminal(step) && acts(step, point, hosts));
  const ways: Way[] = [];
  const refusals: CaddyStep[] = [];
  let { isRest } = around;
  for (const step of level.steps) {
    if (!isTerminal(step)) continue;
    const { matcher } = step;
    if (
      isRefusal(step) &&
      (matcher === undefined || (matcher.paths === undefined && matcher.addresses !== undefined))
    ) {
      // For some clients only: a list, or a closed route.
      if (matcher === undefined || covers(matcher, point, hosts)) refusals.push(step);
      continue;
    }
    if (matcher === undefined) isRest = true;
    if (matcher === undefined || !covers(matcher, point, hosts)) continue;
    const way: Omit<Way, "answer"> = {
      steps: [...around.steps, ...acting, ...refusals],
      methods: around.methods.filter((method) => matcher.methods?.includes(method) ?? true),
      isRest,
      isByAddress: around.isByAddress || (matcher.addresses !== undefined && !isRefusal(step)),
    };
    const inner = level.inner.get(step);
    const strips = step.segment.name === "handle_path";
    // Paths in it are those without the prefix: not the ones that points are.
    if (inner === undefined || (strips && pointsOf(inner).length > 1)) ways.push({ ...way, answer: step });
    else ways.push(...resolve(inner, point, hosts, strips ? { ...way, steps: [...way.steps, step] } : way));
    // It takes everything that is left, whether something in it answers or not.
    if (matcher.methods === undefined) break;
  }
  return ways;
}

/** A guard whose matcher cannot be said acts everywhere: it closes. */
function acts(step: CaddyStep, point: Point, hosts: readonly string[] | undefined): boolean {
  if (step.matcher === undefined) return rowNamed(caddyRows, step.segment.name)?.isGuard === true;
  return covers(step.matcher, point, hosts);
}

function isRefusal({ segment, args }: CaddyStep): boolean {
  if (segment.name === "abort") return true;
  return (segment.name === "respond" || segment.name === "error") && args.some((arg) => /^4\d\d$/.test(arg));
}

function makeRoute(
  site: SiteBlock,
  point: Point,
  { steps, answer, isByAddress, isRest }: Way,
  { draft, ledger }: CaddyImport,
): Omit<RouteDraft, "path" | "hosts" | "methods"> {
  const place: CaddyPlace = { ...openRoutePlace(draft, presets), ledger };
  for (const step of steps) applyStep(step, place);
  // `reverse_proxy @php` in front: what is run there would be shown here.
  if (isRest) delete place.route["serve_dir"];
  const upstream = answerWith(answer, place);
  if (isByAddress) {
    place.closed.push("addresses choose what answers there");
    ledger.decide(answer.segment.item, needsYou("addresses choose what answers there: the route is closed"));
  }
  if (place.route["mode"] !== "static") delete place.route["serve_dir"];
  if (place.upstream["protocol"] === undefined && upstream !== undefined)
    Object.assign(place.route, { mode: "websocket", websocket_idle_secs: 3600 });
  const sentences = answer.matcher?.sentences ?? [];
  if (sentences.length > 0 && point.text !== "/")
    ledger.decide(answer.segment.item, differs(sentences.join("; ")));
  return {
    upstream,
    keys: place.route,
    lists: place.lists,
    limits: place.limits,
    excludes: place.excludes,
    closed: [...new Set(place.closed)],
    comment: `${site.item.text}: ${answer.segment.item.text}`,
    origin: answer.segment.item,
  };
}

function applyStep(step: CaddyStep, place: CaddyPlace): void {
  const { segment, matcher } = step;
  const row = rowNamed(caddyRows, segment.name);
  if (isRefusal(step)) {
    place.ledger.decide(segment.item, refuseSome(step, place));
    return;
  }
  if (segment.name === "import") place.closed.push("what is imported there is not here");
  if (row?.apply === undefined) return;
  const isForSome = matcher === undefined || matcher.methods !== undefined || matcher.addresses !== undefined;
  if (isForSome) {
    if (row.isGuard === true) place.closed.push(`\`${segment.name}\` for some requests`);
    const end = row.isGuard === true ? ": the route is closed" : "";
    place.ledger.decide(segment.item, needsYou(`which requests it is for cannot be said here${end}`));
    return;
  }
  const outcome = row.apply(step, place);
  place.ledger.decide(segment.item, outcome);
  decideRestOf(segment, outcome, place.ledger);
}

/** What is in the block and has no verdict of its own. */
function decideRestOf({ block }: Segment, outcome: Outcome, ledger: Ledger): void {
  for (const inner of block ?? []) {
    if (!ledger.isDecided(inner.item)) ledger.decide(inner.item, outcome);
    decideRestOf(inner, outcome, ledger);
  }
}

/** `@outside not remote_ip ...` with `respond @outside 403`: a list of addresses. */
function refuseSome({ matcher, args }: CaddyStep, place: CaddyPlace): Outcome {
  const addresses = matcher?.addresses;
  if (matcher === undefined || addresses === undefined || matcher.methods !== undefined) {
    place.closed.push("some requests are refused there");
    return needsYou("which requests it refuses cannot be said here: the route is closed");
  }
  const action = addresses.isNot ? "allow" : "deny";
  place.lists.push(
    place.draft.name("list", action === "allow" ? "allowed" : "denied", { action, cidrs: addresses.cidrs }),
  );
  return args.includes("403")
    ? translated("a list of addresses")
    : differs("a list of addresses; the answer is 403");
}

/** The upstream that answers; undefined, with a reason in `closed`, when none does. */
function answerWith(answer: CaddyStep, place: CaddyPlace): string | undefined {
  const { segment } = answer;
  const { ledger } = place;
  if (segment.name === "reverse_proxy") {
    const made = buildProxy(answer, place);
    if ("name" in made) {
      ledger.decide(segment.item, translated(`upstream ${made.name}`));
      return made.name;
    }
    place.closed.push(made.problem);
    ledger.decide(segment.item, needsYou(`${made.problem}: the route is closed`));
    return undefined;
  }
  const own =
    segment.name === "redir"
      ? translateRedir(answer, place)
      : segment.name === "respond"
        ? translateRespond(answer, place)
        : segment.name === "file_server"
          ? translateFileServer(answer, place)
          : undefined;
  if (own !== undefined) {
    ledger.decide(segment.item, own);
    return undefined;
  }
  place.closed.push(segment.item.text);
  const outcome = closedOutcome(answer);
  if (segment.name === "handle_path") decideSegment(ledger, segment, outcome);
  else ledger.decide(segment.item, outcome);
  return undefined;
}

function closedOutcome(answer: CaddyStep): Outcome {
  if (isRefusal(answer))
    return answer.args.includes("403") ? translated("a closed route: 403") : differs("a closed route: 403");
  const row = rowNamed(caddyRows, answer.segment.name);
  const note = row?.note ?? "this importer does not know it";
  return needsYou(note.endsWith("closed") ? note : `${note}: the route is closed`);
}

/** Rows that are always the same, and directives that nobody knows. */
function decideRest(site: SiteBlock, ledger: Ledger): void {
  if (!ledger.isDecided(site.item))
    ledger.decide(site.item, translated(isSnippet(site) ? "where it is imported" : "each has a row"));
  const rows = site.addresses.length === 0 ? globalRows : caddyRows;
  const walk = (segment: Segment): void => {
    const outcome = restOutcome(segment, rowNamed(rows, segment.name));
    if (!ledger.isDecided(segment.item)) ledger.decide(segment.item, outcome);
    // What is in a block that holds no directives has the verdict of the block.
    if (/^(?:handle|handle_path|route)$/.test(segment.name)) segment.block?.forEach(walk);
    else decideRestOf(segment, outcome, ledger);
  };
  site.segments.forEach(walk);
}

function restOutcome({ name }: Segment, row: CaddyRow | undefined): Outcome {
  if (name.startsWith("@")) return translated("the paths, hosts, methods and addresses of its routes");
  if (row === undefined) return needsYou("this importer does not know it");
  if (row.apply !== undefined || name === "reverse_proxy")
    return translated("nothing that was translated uses it");
  return { verdict: row.verdict, explanation: row.note };
}
