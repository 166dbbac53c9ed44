import { wafReasons } from "../gate/waf-verdict.ts";
import { allReasons, type Reason } from "../reason.ts";
import type { Decision } from "../record/decision-log.ts";
import { decisionNames, decisionOf } from "../record/route-counts.ts";
import { at, listAt, numberAt, textAt } from "./json-value.ts";

/** What is remembered of a request that was decided: positions and names, no field and no body. */
export interface PastRequest {
  readonly requestId: string;
  /** RFC 3339. */
  readonly time: string;
  readonly generation: number;
  readonly client: string;
  /** "" for a head that could not be read, as host and target. */
  readonly method: string;
  /** What could be made out of such a head; "" = nothing. */
  readonly head: string;
  readonly host: string;
  /** The path, from the audit log with a query whose values may be hidden. */
  readonly target: string;
  /** "" = none. */
  readonly route: string;
  /** `allow`, `deny`, `error`, `shadow`. */
  readonly decision: string;
  readonly status: number;
  /** Row of reason.ts; "" = none. */
  readonly reason: string;
  readonly detail: string;
  readonly wafGate: string;
  readonly wafDetail: string;
  readonly score: number;
  readonly findings: readonly PastFinding[];
}

export interface PastFinding {
  readonly rule: string;
  readonly place: string;
  readonly start: number;
  readonly end: number;
  readonly decoders: readonly string[];
  readonly shadow: boolean;
}

/** One of `GET /v1/decisions`. */
export type ShownDecision = Omit<Decision, "timeMs"> & { readonly time: string };

export function pastOfDecision(one: ShownDecision): PastRequest {
  const { requestId, time, generation, client, host, path, route, decision, status, score } = one;
  const method = path === "" ? "" : one.method;
  // The WAF's own words stand in place of the reason there.
  const wafRow = Object.hasOwn(wafReasons, one.gate)
    ? wafReasons[one.gate as keyof typeof wafReasons]
    : undefined;
  const isRefused = decision === "deny" || decision === "error";
  return {
    ...{ requestId, time, generation, client, method, host, target: path, route, decision, status, score },
    head: one.head ?? "",
    reason: wafRow === undefined ? one.reason : isRefused ? wafRow.code : "",
    detail: one.detail,
    wafGate: wafRow === undefined ? "" : one.gate,
    wafDetail: wafRow === undefined ? "" : one.reason,
    findings: one.findings,
  };
}

/** A line of an audit log about a request; undefined = it is about something else, or no record at all. */
export function pastOfRecord(line: string): PastRequest | undefined {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    return undefined;
  }
  const kind = textAt(record, "kind");
  const requestId = textAt(record, "rid");
  if (requestId === "" || !kinds.has(kind)) return undefined;
  const out = at(record, "out");
  const req = at(record, "req");
  const wafGate = textAt(out, "gate");
  const reason = textAt(out, "reason");
  return {
    requestId,
    time: textAt(record, "ts"),
    generation: numberAt(record, "cfg"),
    client: textAt(at(record, "src"), "ip"),
    method: textAt(req, "m"),
    head: textAt(req, "head"),
    host: textAt(req, "host"),
    target: textAt(req, "path"),
    route: textAt(req, "route"),
    decision:
      decisionNames[decisionOf({ reason: rowOf(reason), wafShadow: wafGate !== "" && reason === "" })]!,
    status: numberAt(out, "status"),
    reason,
    detail: "",
    wafGate,
    wafDetail: wafGate === "" ? "" : textAt(out, "rule"),
    score: numberAt(out, "score"),
    findings: listAt(out, "findings").map(findingOf),
  };
}

function rowOf(code: string): Reason | undefined {
  return allReasons.find((row) => row.code === code);
}

/** Of audit/record.ts: those about one request. */
const kinds: ReadonlySet<string> = new Set([
  "request_blocked",
  "request_refused",
  "request_completed",
  "rate_limited",
  "auth_failure",
]);

function findingOf(finding: unknown): PastFinding {
  return {
    rule: textAt(finding, "rule"),
    place: textAt(finding, "place"),
    start: numberAt(finding, "start"),
    end: numberAt(finding, "end"),
    decoders: listAt(finding, "decoders").map(String),
    shadow: false,
  };
}
