import { type Outcome, outcomes } from "../cache/counts.ts";
import type { RefusedHead } from "../http/refused-head.ts";
import { methodNames } from "../http/request.ts";
import { allReasons } from "../reason.ts";
import { latin1 } from "../std/byte-print.ts";
import { decisionNames } from "./route-counts.ts";

/** How fields are called: by OpenTelemetry's conventions, or by the Elastic Common Schema. */
export type LogFormat = "otel" | "ecs";

/** Every field of a line but headers, and what ECS calls it where it has a name for it. Ours begin with `zion.`. */
export const lineFields = {
  time: "@timestamp",
  level: "log.level",
  msg: "message",
  "zion.request_id": "http.request.id",
  trace_id: "trace.id",
  "client.address": "client.ip",
  "network.peer.address": "source.ip",
  "url.scheme": "",
  "tls.protocol.version": "tls.version",
  "tls.cipher": "",
  "tls.client.hash.sha256": "",
  "http.request.method": "",
  "http.response.status_code": "",
  "server.address": "url.domain",
  "url.path": "",
  "url.query": "",
  "http.request.method_original": "",
  "url.original": "",
  "http.request.header.host": "",
  "user_agent.original": "",
  "http.route": "labels.route",
  "http.request.body.size": "http.request.body.bytes",
  "http.response.body.size": "http.response.body.bytes",
  "network.protocol.version": "http.version",
  "zion.duration.total_us": "",
  "zion.duration.gates_us": "",
  "zion.duration.connect_us": "",
  "zion.duration.ttfb_us": "",
  "zion.duration.transfer_us": "",
  "zion.decision": "",
  "zion.generation": "",
  "zion.sample_rate": "",
  "zion.upstream": "",
  "zion.upstream_addr": "",
  "zion.retries": "",
  "zion.cache": "",
  "zion.gate": "",
  "zion.reason": "event.reason",
  "zion.ended_by": "",
  "zion.detail": "",
  "zion.origin_class": "",
  "zion.waf.gate": "",
  "zion.waf.mode": "",
  "zion.waf.detail": "",
  "zion.waf.content_type": "",
  "security_rule.name": "rule.name",
  "security_rule.ruleset.name": "rule.ruleset",
  "zion.waf.score": "",
  "zion.waf.findings": "",
  "zion.waf.findings_left_out": "",
} as const;
type LineField = keyof typeof lineFields;

/** Fields of ECS that say what others say already, in its own words; `event.duration` in nanoseconds. */
export const ecsFields = [
  "ecs.version",
  "tls.version_protocol",
  "event.kind",
  "event.category",
  "event.type",
  "event.duration",
] as const;

/** What ECS calls a decision (its allowed values of `event.type`), in the order of `decisionNames`. */
const EVENT_TYPES: readonly string[] = ["allowed", "denied", "error", "allowed"];

/**
 * The parts of a line between its values, as bytes, in the order of the line: made once per format, so that a line costs
 * the same in either.
 */
export interface LineNames {
  readonly isEcs: boolean;
  /** Before the time. */
  readonly time: string;
  readonly id: Uint8Array;
  readonly trace: Uint8Array;
  readonly client: Uint8Array;
  /** By method, and for a head that could not be read. */
  readonly methods: readonly Uint8Array[];
  readonly otherMethod: Uint8Array;
  readonly host: Uint8Array;
  readonly path: Uint8Array;
  readonly query: Uint8Array;
  readonly agent: Uint8Array;
  /** What could be made out of a head that was refused. */
  refusedHead(head: RefusedHead): string;
  readonly route: Uint8Array;
  readonly requestBytes: Uint8Array;
  readonly responseBytes: Uint8Array;
  /** 1.0, 1.1, 2. */
  readonly version10: Uint8Array;
  readonly version11: Uint8Array;
  readonly version2: Uint8Array;
  readonly gates: Uint8Array;
  readonly connect: Uint8Array;
  readonly ttfb: Uint8Array;
  readonly transfer: Uint8Array;
  /** ECS only. */
  readonly duration: Uint8Array;
  /** By what the cache did. */
  readonly caches: ReadonlyMap<Outcome, Uint8Array>;
  /** By decision, by reason. */
  readonly decisions: readonly Uint8Array[];
  readonly reasons: readonly Uint8Array[];
  readonly rule: string;
  readonly ruleset: string;
  /** The part that only the connection decides. `certificate`: what the log tells of the client's; "" = nothing. */
  connection(facts: ConnectionFacts, peer: string, certificate: string): Uint8Array;
}

export interface ConnectionFacts {
  readonly secure: boolean;
  readonly tls: { readonly protocol: string; readonly cipher: string } | undefined;
}

/** `hidesAddresses`: what stands for an address is none, and ECS has other fields for that. */
export function buildLineNames(format: LogFormat, hidesAddresses: boolean): LineNames {
  const isEcs = format === "ecs";
  const n = (field: LineField): string => {
    if (!isEcs) return field;
    if (hidesAddresses && field === "client.address") return "client.address";
    if (hidesAddresses && field === "network.peer.address") return "source.address";
    return lineFields[field] || field;
  };
  const version = (text: string) =>
    latin1(`,"${n("network.protocol.version")}":"${text}","${n("zion.duration.total_us")}":`);
  const eventOf = (type: string) =>
    isEcs ? `,"event.kind":"event","event.category":["web"],"event.type":["access","${type}"]` : "";
  const tlsOf = ({ protocol, cipher }: { readonly protocol: string; readonly cipher: string }) =>
    isEcs
      ? `,"tls.version":"${protocol.replace("TLSv", "")}","tls.version_protocol":"tls","tls.cipher":"${cipher}"`
      : `,"tls.protocol.version":"${protocol}","tls.cipher":"${cipher}"`;
  return {
    isEcs,
    time: `{"${n("time")}":"`,
    id: latin1(
      `","${n("level")}":"info","${n("msg")}":"access",${isEcs ? '"ecs.version":"8.17.0",' : ""}"${n("zion.request_id")}":"`,
    ),
    trace: latin1(`","${n("trace_id")}":"`),
    client: latin1(`","${n("client.address")}":"`),
    methods: methodNames.map((name) => latin1(`${name}","${n("http.response.status_code")}":`)),
    otherMethod: latin1(`_OTHER","${n("http.response.status_code")}":`),
    host: latin1(`,"${n("server.address")}":"`),
    path: latin1(`","${n("url.path")}":"`),
    query: latin1(`,"${n("url.query")}":"`),
    agent: latin1(`,"${n("user_agent.original")}":"`),
    refusedHead: ({ method, target, host }) =>
      textPart(n("http.request.method_original"), method) +
      textPart(n("url.original"), target) +
      textPart(n("http.request.header.host"), host),
    route: latin1(`,"${n("http.route")}":`),
    requestBytes: latin1(`,"${n("http.request.body.size")}":`),
    responseBytes: latin1(`,"${n("http.response.body.size")}":`),
    version10: version("1.0"),
    version11: version("1.1"),
    version2: version("2"),
    gates: latin1(`,"${n("zion.duration.gates_us")}":`),
    connect: latin1(`,"${n("zion.duration.connect_us")}":`),
    ttfb: latin1(`,"${n("zion.duration.ttfb_us")}":`),
    transfer: latin1(`,"${n("zion.duration.transfer_us")}":`),
    duration: latin1(',"event.duration":'),
    decisions: decisionNames.map((name, i) =>
      latin1(`${eventOf(EVENT_TYPES[i]!)},"${n("zion.decision")}":"${name}","${n("zion.generation")}":`),
    ),
    caches: new Map(outcomes.map((outcome) => [outcome, latin1(`,"${n("zion.cache")}":"${outcome}"`)])),
    reasons: allReasons.map(({ stage, code, blame }) =>
      latin1(
        `,"${n("zion.gate")}":"${stage}","${n("zion.reason")}":"${code}","${n("zion.ended_by")}":"${blame}"`,
      ),
    ),
    rule: n("security_rule.name"),
    ruleset: n("security_rule.ruleset.name"),
    connection: ({ secure, tls }, peer, certificate) =>
      latin1(
        `","${n("network.peer.address")}":"${peer}","${n("url.scheme")}":"${secure ? "https" : "http"}"${
          tls === undefined ? "" : tlsOf(tls)
        }${certificate === "" ? "" : `,"${n("tls.client.hash.sha256")}":"${certificate}"`},"${n("http.request.method")}":"`,
      ),
  };
}

/** Of printable ASCII; "" is left out. */
function textPart(name: string, text: string): string {
  return text === "" ? "" : `,"${name}":${JSON.stringify(text)}`;
}
