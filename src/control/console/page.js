import { auditFacts } from "./audit.js";
import { element, ZionTable } from "./element.js";
import { Gateway } from "./gateway.js";
import { ZionGenerations } from "./generations.js";
import { ZionLatency } from "./latency.js";
import { ZionRefusals } from "./refusals.js";
import { ZionTraffic } from "./traffic.js";

customElements.define("zion-table", ZionTable);
customElements.define("zion-traffic", ZionTraffic);
customElements.define("zion-latency", ZionLatency);
customElements.define("zion-refusals", ZionRefusals);
customElements.define("zion-generations", ZionGenerations);

const POLL_MS = 2000;
/** Polls between two looks at what the stream tells: it leaves out what is too much at once. */
const SELDOM = 5;
/** Refusals that the tables count: as many as the gateway answers at once, and those that came since. */
const COUNTED = 2000;

const gateway = new Gateway();
const byId = (id) => document.getElementById(id);
const [traffic] = document.getElementsByTagName("zion-traffic");
const [latency] = document.getElementsByTagName("zion-latency");
const [refusals] = document.getElementsByTagName("zion-refusals");
const [generations] = document.getElementsByTagName("zion-generations");
const decisions = [];
/** Their ids. */
const known = new Set();
let polls = 0;
/** Only the newest round of readings goes on: each new token begins one. */
let round = 0;

byId("access").addEventListener("submit", (event) => {
  event.preventDefault();
  gateway.useToken(byId("token").value);
  byId("token").value = "";
  poll();
});
refusals.onExplain = explain;
refusals.onExclude = exclude;
generations.onRollBack = rollBack;
generations.onCompare = compare;

poll();
follow();

/** What stands: figures, health, tables. The next reading is asked for when this one is there. */
async function poll() {
  const own = ++round;
  try {
    show(await gateway.get("/snapshot"));
    if (polls++ % SELDOM === 0) await Promise.all([showGenerations(), catchUp()]);
    say("link", "", "");
  } catch (error) {
    say("link", `no figures: ${error.message}`, "bad");
  }
  setTimeout(() => {
    if (own === round) poll();
  }, POLL_MS);
}

/**
 * What happens. A stream that ends is asked for again. What was missed until it tells comes from the ring: asked for before, it would
 * not have what happens in between.
 */
async function follow() {
  try {
    await gateway.listen((name, data) => {
      if (name === "hello") catchUp().catch(() => {});
      else if (name === "decision") note(data);
      else if (name === "generation") showGenerations().catch(() => {});
    });
  } catch (error) {
    say("link", `not live: ${error.message}`, "bad");
  }
  setTimeout(follow, POLL_MS);
}

async function catchUp() {
  const told = await gateway.get("/v1/decisions?limit=1000");
  for (const decision of told.decisions.toReversed()) note(decision);
}

function note(decision) {
  if (decision.decision === "allow") return;
  if (known.has(decision.requestId)) return;
  known.add(decision.requestId);
  decisions.unshift(decision);
  if (decisions.length > COUNTED) known.delete(decisions.pop().requestId);
  refusals.add(decision);
  countSoon();
}

let isCounting = false;
/** A flood of refusals is counted once for many. */
function countSoon() {
  if (isCounting) return;
  isCounting = true;
  setTimeout(() => {
    isCounting = false;
    countRefusals();
  }, 200);
}

function countRefusals() {
  const reasons = group(decisions, ({ gate, reason }) => [gate, reason]);
  byId("reasons").show(reasons.map(({ key, all }) => [...key, all.length]));
  const clients = group(decisions, ({ client }) => [client]);
  byId("clients").show(clients.map(({ key, all }) => [...key, all.length, all[0].time.slice(11, 19)]));
  const findings = decisions.flatMap((decision) =>
    decision.findings.map(({ rule, place }) => ({ rule, place, client: decision.client })),
  );
  const rules = group(findings, ({ rule, place }) => [rule, place]);
  byId("rules").show(
    rules.map(({ key, all }) => [...key, all.length, new Set(all.map(({ client }) => client)).size]),
  );
}

/** The ten largest groups. */
function group(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const name = JSON.stringify(key);
    if (!groups.has(name)) groups.set(name, { key, all: [] });
    groups.get(name).all.push(item);
  }
  return [...groups.values()].sort((a, b) => b.all.length - a.all.length).slice(0, 10);
}

function show(snapshot) {
  const { version, generation, readiness, totals, workers, platform } = snapshot;
  byId("about").textContent =
    `${version}, generation ${generation}, ${platform.node}, up ${duration(snapshot.uptime_secs)}`;
  const reasons = Object.values(readiness.reasons).flat().join("; ");
  const tone = { ready: "good", degraded: "warn" }[readiness.state] ?? "bad";
  say("readiness", reasons === "" ? readiness.state : `${readiness.state}: ${reasons}`, tone);
  byId("totals").replaceChildren(
    ...Object.entries({
      requests: totals.requests,
      refused: totals.decisions.deny,
      "by the WAF": totals.waf_denied,
      "in shadow": totals.decisions.shadow,
      "rate limited": totals.rate_limited,
      errors: totals.decisions.error,
      "connections open": totals.connections_open,
    }).map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value.toLocaleString("en"))),
    ),
  );
  traffic.add(Date.parse(snapshot.time) / 1000, totals.decisions);
  latency.add(snapshot.latency.request_buckets, snapshot.latency.request_ms);
  byId("routes").show(snapshot.routes.map((route) => routeRow(route, snapshot.latency.request_ms_by_route)));
  byId("upstreams").show(snapshot.upstreams.flatMap(upstreamRows));
  byId("certificates").show(snapshot.certificates.map(certificateRow));
  byId("workers").show(workers.processes.map(workerRow));
  byId("audit").replaceChildren(...auditFacts(snapshot.audit));
}

function routeRow({ name, path, waf }, latencies) {
  const tones = { enforce: "good", shadow: "warn", none: "bad" };
  const seen = latencies[name];
  const words = waf.profile === undefined ? waf.mode : `${waf.mode} (${waf.profile})`;
  return [
    name,
    path,
    element("span", { class: tones[waf.mode] }, words),
    seen?.count ?? 0,
    seen?.p50 ?? "",
    seen?.p99 ?? "",
  ];
}

function upstreamRows({ name, endpoints }) {
  return endpoints.map(({ url, usable, reasons }) => [
    name,
    url,
    element("span", { class: usable ? "good" : "bad" }, usable ? "in use" : "not used"),
    reasons.join("; "),
  ]);
}

function certificateRow({ names, key, days_left: days, ocsp }) {
  const tone = days < 3 ? "bad" : days < 14 ? "warn" : "good";
  const said = typeof ocsp === "string" ? ocsp : (ocsp.status ?? JSON.stringify(ocsp));
  return [names.join(", ") || "default", key, element("span", { class: tone }, days), said];
}

function workerRow({ slot, state, pid, resident_bytes: bytes, event_loop_utilization: loop, restarts }) {
  const tone = state === "serving" ? "good" : "warn";
  const memory = bytes === undefined ? "" : Math.round(bytes / 1048576);
  const busy = loop === undefined ? "" : Math.round(loop * 100);
  return [slot, element("span", { class: tone }, state), pid, memory, busy, restarts];
}

async function showGenerations() {
  const { generations: all } = await gateway.get("/v1/generations");
  const current = all.find(({ result }) => result === "loaded")?.generation;
  generations.show(all.slice(0, 20), current);
}

/** What was decided, in words, and what the configuration of today says of the rule. */
function explain(decision) {
  const facts = [
    ["Request", decision.head ?? `${decision.method} ${decision.host}${decision.path}`],
    [
      "Client",
      decision.client === decision.peer ? decision.client : `${decision.client} through ${decision.peer}`,
    ],
    ["Route", decision.route || "none"],
    ["Decision", `${decision.decision}, ${decision.status}: ${decision.gate} ${decision.reason}`],
    ["Detail", decision.detail || "none"],
    ["Points", String(decision.score)],
    ["Configuration", `generation ${decision.generation}`],
    ["Took", `${decision.totalMs} ms`],
  ];
  const findings = decision.findings.map(({ rule, place, start, end, decoders, shadow }) => {
    const after = decoders.length === 0 ? "" : ` after ${decoders.join(", ")}`;
    return `${rule} in ${place}, bytes ${start} to ${end}${after}${shadow ? " (adds no points)" : ""}`;
  });
  open(
    "Why",
    element(
      "table",
      {},
      ...facts.map(([name, value]) =>
        element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)),
      ),
    ),
    ...(findings.length === 0 ? [] : [element("pre", {}, findings.join("\n"))]),
    element("p", { class: "soft" }, "All steps of it, on the command line:"),
    element("pre", {}, `zion why ${decision.requestId}`),
  );
}

/** The narrowest exclusion as a patch, and what would pass with it. */
async function exclude(decision) {
  const [{ rule, place }] = decision.findings;
  const bracket = place.indexOf("[");
  const field = bracket < 0 ? place : `${place.slice(0, bracket)}*`;
  open("Exclude", element("p", {}, "Trying known attacks in this field …"));
  try {
    const query = new URLSearchParams({ route: decision.route, rule, field });
    const { patch, proof } = await gateway.get(`/v1/exclusion?${query}`);
    const lost = proof.refusedBefore - proof.refusedAfter;
    const passes = proof.passes.map(({ from, form, value }) => `${from}  ${value}  (${form})`).join("\n");
    open(
      `Exclude ${rule} in ${field}`,
      element(
        "p",
        {},
        `${proof.tried} forms of known attacks were put into ${proof.place} of route ${decision.route}: ${proof.refusedBefore} are refused today, ${lost} of them would pass.`,
      ),
      element("pre", { id: "patch" }, patch),
      element("button", { onclick: () => navigator.clipboard.writeText(patch) }, "Copy the patch"),
      ...(lost === 0 ? [] : [element("h3", {}, "Would pass"), element("pre", {}, passes)]),
    );
  } catch (error) {
    open("Exclude", element("p", { class: "bad" }, error.message));
  }
}

async function rollBack(generation) {
  try {
    await gateway.post(`/v1/rollback/${generation}`);
    await showGenerations();
  } catch (error) {
    open("Roll back", element("p", { class: "bad" }, error.message));
  }
}

/** What is other today than it was in that generation. */
async function compare(generation) {
  try {
    const { to, differences } = await gateway.get(`/v1/diff/${generation}`);
    const said = (value) => (value === undefined ? "" : JSON.stringify(value));
    const table = element("zion-table", {
      "data-columns": `Setting|Generation ${generation}|Generation ${to}`,
    });
    open(
      `Generation ${generation} and ${to}`,
      differences.length === 0 ? element("p", {}, "Nothing differs.") : table,
      element("p", { class: "soft" }, "Secrets are not compared."),
    );
    if (differences.length > 0)
      table.show(differences.map(({ path, before, after }) => [path, said(before), said(after)]));
  } catch (error) {
    open("Compare", element("p", { class: "bad" }, error.message));
  }
}

function open(title, ...children) {
  byId("details-title").textContent = title;
  byId("details-body").replaceChildren(...children);
  if (!byId("details").open) byId("details").showModal();
}

function say(id, text, tone) {
  byId(id).textContent = text;
  byId(id).className = tone;
}

function duration(secs) {
  if (secs < 120) return `${secs} s`;
  if (secs < 7200) return `${Math.floor(secs / 60)} min`;
  return secs < 172800 ? `${Math.floor(secs / 3600)} h` : `${Math.floor(secs / 86400)} days`;
}
