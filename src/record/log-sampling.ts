import type { CanonicalRequest } from "../http/request.ts";
import { isChosen } from "../http/trace.ts";
import { latin1 } from "../std/byte-print.ts";
import type { ExchangeRecord } from "./record.ts";
import { decisionNames, decisionOf } from "./route-counts.ts";

/** One `[[access_log.sample]]`: the first one that an exchange fits decides how many of its kind get a line. */
export interface SampleRule {
  /** Names of routes; undefined = all, and none. */
  readonly routes: readonly string[] | undefined;
  readonly decisions: readonly string[];
  /** Hundreds of statuses; 0 = no answer. */
  readonly statusClasses: readonly number[];
  /** Part that gets a line, 0 to 1. */
  readonly rate: number;
}

/** Which exchanges get a line in the access log. */
export interface LogSampling {
  /**
   * The bytes that say in the line how many it stands for, none where all get one; undefined: no line. By the trace id, so
   * that the lines of a trace, and of gateways with the same rate, are all there or all missing.
   */
  choose(record: ExchangeRecord, request: CanonicalRequest): Uint8Array | undefined;
}

/** Undefined = every exchange gets a line. */
export function buildLogSampling(rules: readonly SampleRule[]): LogSampling | undefined {
  if (rules.length === 0) return undefined;
  const outcomes = rules.map(({ rate }) => ({
    below: rate * 2 ** 32,
    piece: rate === 1 ? NOTHING : latin1(`,"zion.sample_rate":${rate}`),
  }));
  // Index of the rule + 1 by decision and status class; 0 = none.
  const table = (route: string): Uint8Array => {
    const cells = new Uint8Array(decisionNames.length * STATUS_CLASSES);
    for (const [i, rule] of rules.entries()) {
      if (rule.routes !== undefined && !rule.routes.includes(route)) continue;
      for (const name of rule.decisions)
        for (const statusClass of rule.statusClasses)
          cells[decisionNames.indexOf(name) * STATUS_CLASSES + statusClass] ||= i + 1;
    }
    return cells;
  };
  const others = table("");
  const named = new Map(rules.flatMap(({ routes }) => (routes ?? []).map((name) => [name, table(name)])));
  return {
    choose(record, request) {
      const cells = record.route === undefined ? others : (named.get(record.route.name) ?? others);
      const statusClass = Math.min(STATUS_CLASSES - 1, Math.floor(record.status / 100));
      const rule = cells[decisionOf(record) * STATUS_CLASSES + statusClass]!;
      if (rule === 0) return NOTHING;
      const { below, piece } = outcomes[rule - 1]!;
      return isChosen(request.arena, request.traceStart, below) ? piece : undefined;
    },
  };
}

const STATUS_CLASSES = 6;
const NOTHING = new Uint8Array(0);
