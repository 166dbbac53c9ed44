import { preflightMethod } from "../gate/cors.ts";
import type { GateName } from "../gate/watch.ts";
import { F } from "../http/field.ts";
import { type CanonicalRequest, methodNames } from "../http/request.ts";
import type { PeerFacts } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import type { ExchangeRecord } from "../record/record.ts";
import { decisionNames, decisionOf } from "../record/route-counts.ts";
import type { Route } from "../snapshot.ts";
import type { ExplainedFinding, Explanation, RequestFacts, Step, StepVerdict } from "./explanation.ts";
import { describeGate } from "./gate-words.ts";
import type { Heard } from "./observation.ts";
import type { Plane } from "./plane.ts";
import type { Question } from "./question.ts";
import { rivalsOf } from "./rivals.ts";

/** What an exchange met, read off its record and what its gates were heard to say. */
export function explainEnding(
  plane: Plane,
  question: Question,
  peer: PeerFacts,
  record: ExchangeRecord,
  request: CanonicalRequest,
): Explanation {
  const { snapshot } = plane.state;
  const route = record.route as Route | undefined;
  const view: View = { plane, record, request, route, config: snapshot.config };
  const { reason } = record;
  const decided = decisionNames[decisionOf(record)] as Explanation["decision"]["decision"];
  const isOwnAnswer = reason === undefined && record.upstream === undefined;
  return {
    request: request.refusal === undefined ? factsOf(question, record, request) : undefined,
    steps: question.brief === true ? [] : stepsOf(view, question, peer),
    findings: findingsOf(view),
    decision: {
      decision: isOwnAnswer ? "answer" : decided,
      status: reason === undefined && !isOwnAnswer ? 0 : record.status,
      route: route?.name ?? "",
      stage: reason?.stage ?? "",
      reason: reason?.code ?? "",
      doc: reason?.doc ?? "",
      detail: record.faultDetail,
      wafGate: record.wafGate,
      wafDetail: record.wafDetail,
      score: record.wafScore,
      threshold: route?.waf?.profile.threshold ?? 0,
    },
    undecided: [...plane.unknown, ...assumptions(view)],
    generation: snapshot.generation,
  };
}

/** The bytes end before there is anything to decide. */
export function explainNothing(plane: Plane, question: Question): Explanation {
  const says = "the bytes end before a whole request head: a client would get 408 after header_timeout_ms";
  return {
    request: undefined,
    steps: [listenerStep(plane, question), { name: "head", verdict: "unknown", says, costUs: 0 }],
    findings: [],
    decision: {
      decision: "incomplete",
      status: 0,
      route: "",
      stage: "",
      reason: "",
      doc: "",
      detail: "",
      wafGate: "",
      wafDetail: "",
      score: 0,
      threshold: 0,
    },
    undecided: [NO_END],
    generation: plane.state.snapshot.generation,
  };
}

/** What the steps are read off. */
export interface View {
  readonly plane: Plane;
  readonly record: ExchangeRecord;
  readonly request: CanonicalRequest;
  readonly route: Route | undefined;
  readonly config: Plane["state"]["snapshot"]["config"];
}

function stepsOf(view: View, question: Question, peer: PeerFacts): Step[] {
  const { plane } = view;
  const costUs = plane.observation.lap();
  const steps = [listenerStep(plane, question), headStep(view)];
  if (view.request.refusal !== undefined) return steps;
  steps.push(clientStep(view, peer), ...gateSteps(view, false), ...placeSteps(view));
  steps.push(...gateSteps(view, true), ...lateSteps(view, costUs));
  return steps;
}

function factsOf(question: Question, record: ExchangeRecord, request: CanonicalRequest): RequestFacts {
  return {
    method: methodNames[request.method]!,
    scheme: question.secure ? "https" : "http",
    host: request.hostText(),
    path: request.routePathText(),
    client: request.clientAddress,
    fields: request.fieldCount,
    bodyBytes: record.requestBytes,
  };
}

function step(name: string, verdict: StepVerdict, says: string, costUs = 0): Step {
  return { name, verdict, says, costUs };
}

function listenerStep({ state, store }: Plane, { secure, serverName }: Question): Step {
  const { server } = state.snapshot.config;
  const address = secure ? server.listenHttps : server.listenHttp;
  const where = address === undefined ? "no such listener" : `${address.host}:${address.port}`;
  if (!secure || store === undefined) {
    const scheme = secure ? "https" : "http";
    return step("listener", address === undefined ? "unknown" : "ok", `${scheme} ${where}`);
  }
  const { certPath, notAfterMs } = store.find(serverName);
  const days = Math.floor((notAfterMs - state.clock.wallMs()) / 86_400_000);
  const left = days < 0 ? "expired" : `${days} days left`;
  const asked = serverName === "" ? "no sni" : `sni ${serverName}`;
  const isNamed = store.match(serverName) !== undefined;
  return step(
    "listener",
    "ok",
    `https ${where}, ${asked} → ${isNamed ? "" : "the default, "}${certPath} (${left})`,
  );
}

function headStep({ record, request }: View): Step {
  if (request.refusal !== undefined)
    return step("head", "refused", refusalText(record.reason, record.faultDetail));
  const dropped = request.droppedNames > 0 ? `, ${request.droppedNames} with odd names dropped` : "";
  const target = `${request.text(request.pathStart, request.pathEnd)}${request.text(request.queryStart, request.queryEnd)}`;
  return step(
    "head",
    "ok",
    `${methodNames[request.method]} ${shorten(target)}, ${request.fieldCount} field${request.fieldCount === 1 ? "" : "s"}${dropped}`,
  );
}

function clientStep({ request }: View, peer: PeerFacts): Step {
  const hasChain = request.firstField[F.xForwardedFor]! >= 0;
  if (request.clientMalformed)
    return step("client", "ok", `${peer.text}: the proxy's own, its X-Forwarded-For cannot be read`);
  if (request.clientAddress !== peer.text)
    return step(
      "client",
      "ok",
      `${request.clientAddress} (X-Forwarded-For of the trusted proxy ${peer.text})`,
    );
  if (!hasChain) return step("client", "ok", `${peer.text} (the peer itself)`);
  const why = peer.trusted
    ? "every hop is a trusted proxy"
    : "X-Forwarded-For is not believed: the peer is not in trusted_proxies";
  return step("client", "ok", `${peer.text} (${why})`);
}

/** Of the gates that were asked before, or after, the route was looked up. */
function gateSteps(view: View, isRouted: boolean): Step[] {
  const { gates } = view.plane.observation;
  return gates
    .filter(({ gate }) => earlyGates.has(gate) !== isRouted && gate !== "body_limit")
    .map((heard) => gateStep(view, heard));
}

function gateStep(view: View, heard: Heard): Step {
  const { record, plane } = view;
  const { gate, reason, waited, costUs } = heard;
  const isLast = plane.observation.gates.at(-1) === heard;
  const refusal = reason ?? (waited && isLast && record.reason?.stage !== "waf" ? record.reason : undefined);
  if (refusal === undefined) return step(gate, "ok", describeGate(gate, view), costUs);
  const said = refusalText(refusal, record.faultDetail);
  const isMeasured = refusal === reasons.rateLimited || refusal === reasons.meshScore;
  return step(gate, "refused", isMeasured ? `${said} ${describeGate(gate, view)}` : said, costUs);
}

/** What came of looking for the route, or of answering without one. */
function placeSteps(view: View): Step[] {
  const { record, request, route, plane } = view;
  if (route !== undefined) {
    const also = rivalsOf(view);
    const rest = also.length === 0 ? "" : `; also fits: ${also.join(", ")}`;
    return [step("route", "ok", `${route.name}${rest}`)];
  }
  const isEarly = plane.observation.gates.some(({ reason }) => reason !== undefined);
  if (isEarly) return [];
  if (record.reason === undefined) {
    const what =
      record.status === 200 ? "a page of the gateway's own" : `the gateway answers ${record.status}`;
    return [step("answer", "answered", what)];
  }
  if (record.reason !== reasons.routeNotFound && record.reason !== reasons.methodRoute)
    return [step("gateway", "refused", refusalText(record.reason, record.faultDetail))];
  const near = rivalsOf(view);
  const hint = near.length === 0 ? "" : ` Near: ${near.join(", ")}.`;
  const host = request.hostText();
  return [step("route", "refused", `no route for host ${host}. ${record.reason.doc}${hint}`)];
}

/** Behind the route's gates: WAF, body, upstream. */
function lateSteps(view: View, costUs: number): Step[] {
  const { record, request, route, plane } = view;
  const { gates } = plane.observation;
  const last = gates.at(-1);
  if (route === undefined || last === undefined) return [];
  const passed = gates.find(({ gate }) => gate === "body_limit");
  const isInspected = passed !== undefined || record.wafGate !== "";
  if (!isInspected) {
    if (last.reason !== undefined || last.waited) return [];
    const { reason } = record;
    if (reason !== undefined) return [step(reason.stage, "refused", refusalText(reason, record.faultDetail))];
    if (preflightMethod(request) >= 0 && route.cors !== undefined)
      return [step("answer", "answered", `preflight: ${record.status}`)];
    // A route that answers itself: its body is nobody's.
    return [wafStep(view, route, costUs), upstreamStep(view, route)];
  }
  const limit = passed === undefined ? [] : [gateStep(view, passed)];
  const waf = wafStep(view, route, costUs);
  const steps = passed?.reason === undefined ? [...limit, waf] : [waf, ...limit];
  if (record.reason === undefined || record.upstream !== undefined || record.reason.stage === "upstream")
    steps.push(upstreamStep(view, route));
  const { reason } = record;
  if (reason !== undefined && reason.stage !== "waf" && passed?.reason === undefined)
    steps.push(step(reason.stage, "refused", refusalText(reason, record.faultDetail)));
  return steps;
}

function wafStep({ record, config }: View, route: Route, costUs: number): Step {
  const { waf } = route;
  if (waf === undefined) return step("waf", "ok", "off for this route (waf = false)", costUs);
  const profile = config.routes.find(({ name }) => name === route.name)?.waf?.profile ?? "";
  const points = `${record.wafScore} of ${waf.profile.threshold} points`;
  const said = record.wafGate === "" ? points : `${record.wafGate} ${record.wafDetail}, ${points}`;
  const refused = waf.shadow ? "shadow" : "refused";
  return step("waf", record.wafGate === "" ? "ok" : refused, `profile ${profile}: ${said}`, costUs);
}

function upstreamStep({ record, config }: View, route: Route): Step {
  const { upstream, transform, site } = route;
  if (site !== undefined)
    return step(
      "file",
      "ok",
      `answers with a file below ${site.directory}, if there is one (not looked for)`,
    );
  const { reply } = transform;
  if (reply !== undefined)
    return step(
      "reply",
      "ok",
      reply.location === undefined ? `answers ${reply.status} itself` : `redirects with ${reply.status}`,
    );
  if (upstream === undefined) throw new Error(`route ${route.name} goes nowhere`);
  const { balance } = config.upstreams.find(({ name }) => name === upstream.name)!;
  const urls = upstream.endpoints.map(({ url }) => url);
  const one = balance === "consistent_hash" || urls.length === 1 ? record.upstream?.url : undefined;
  const chosen = one ?? `one of ${urls.slice(0, 8).join(", ")}${urls.length > 8 ? ", …" : ""}`;
  return step("upstream", "ok", `${upstream.name} (${balance}): ${chosen}`);
}

function findingsOf({ record, plane }: View): ExplainedFinding[] {
  return record.findings.map((finding) => {
    const seen = plane.observation.sightings.find((one) => one.finding === finding);
    const { rule, place, start, end, decoders, excerpt, shadow } = finding;
    return {
      rule: rule.id,
      class: rule.class,
      why: rule.why,
      score: rule.score,
      shadow,
      place,
      start,
      end,
      decoders,
      text: seen?.text ?? excerpt,
      from: seen?.from ?? 0,
      to: seen?.to ?? excerpt.length,
    };
  });
}

/** What was taken as good because only a gateway that runs could ask. */
function assumptions({ record, route, plane }: View): string[] {
  const { gates } = plane.observation;
  const found: string[] = [];
  if (record.reason === reasons.bodyCut) found.push(NO_END);
  const asked = gates.find(({ gate }) => gate === "auth");
  if (route?.auth?.service !== undefined && asked?.waited === true)
    found.push("a service decides who may come in, and was not asked: taken as a yes");
  if (gates.some(({ gate, reason }) => isAboutCertificate(gate) && reason !== undefined))
    found.push("which certificate the client shows: taken as none");
  return found;
}

/** The row, and which list, limit or word. */
function refusalText(reason: Reason | undefined, detail: string): string {
  if (reason === undefined) return "refused";
  return `${reason.code}${detail === "" ? "" : ` (${detail})`}: ${reason.doc}`;
}

function shorten(text: string): string {
  return text.length <= TARGET_SHOWN_MAX ? text : `${text.slice(0, TARGET_SHOWN_MAX)}…`;
}

const NO_END = "the request has no end: a client would be waited for";

const TARGET_SHOWN_MAX = 120;

function isAboutCertificate(gate: GateName): boolean {
  return gate === "client_certificate" || gate === "route_certificate";
}

/** Asked before there is a route; whoever adds one here adds it in gate/order.ts. */
const earlyGates: ReadonlySet<GateName> = new Set([
  "client_certificate",
  "identity_fields",
  "loop",
  "lists",
  "origin_class",
  "ban",
  "mesh_score",
  "limits",
  "in_flight_address",
]);
