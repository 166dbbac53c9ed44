import { randomInt } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { BodyInspection } from "../../src/gate/waf-body.ts";
import { HeadInspection } from "../../src/gate/waf-head.ts";
import { buildRouteWaf, type RouteWaf, type WafSettings } from "../../src/gate/waf-settings.ts";
import { inspectorGate, topRule } from "../../src/gate/waf-verdict.ts";
import { HEAD_MORE, HEAD_REFUSED, readHead } from "../../src/http/head.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { buildRuleSet, kindsOfDetectors, type RuleSet } from "../../src/waf/compile.ts";
import { detectors } from "../../src/waf/detectors.ts";
import { Inspector } from "../../src/waf/inspector.ts";
import { parseRules } from "../../src/waf/parse-rules.ts";
import { Scratch } from "../../src/waf/scratch.ts";
import { defaultLimits } from "../support/head-reading.ts";
import type { CorpusCase } from "../support/shared.ts";

const directory = path.resolve(import.meta.dirname, "../../rules");

/** The rules that are shipped. */
export function shippedRuleSet(): RuleSet {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith(".toml"))
    .sort()
    .map((name) => ({ file: `rules/${name}`, text: readFileSync(path.join(directory, name), "utf8") }));
  const { rules, problems } = parseRules(files, new Set(kindsOfDetectors(detectors).keys()));
  if (problems.length > 0) throw new Error(`the shipped rules are broken: ${problems[0]!.message}`);
  return buildRuleSet(rules, detectors);
}

/** What became of one request, and where: `framing` is the head parser's. */
export interface Outcome {
  readonly refused: boolean;
  readonly gate: string;
  readonly detail: string;
  /** Findings as `rule place decoders excerpt`, for whoever looks into one. */
  readonly findings: readonly string[];
}

export interface RequestParts {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  /** Lengths of the chunks that the body comes in; the rest comes as one. */
  readonly chunks?: readonly number[];
}

/** The WAF of one route, in process: head parser, head and body inspection, as a request goes through them. */
export class WafBench {
  readonly ruleSet: RuleSet;
  readonly inspector: Inspector;
  readonly #head: HeadInspection = new HeadInspection(randomInt(2 ** 32));
  readonly #body: BodyInspection = new BodyInspection(randomInt(2 ** 32));
  readonly #request: CanonicalRequest = new CanonicalRequest();
  readonly #waf: RouteWaf;

  constructor(
    ruleSet: RuleSet,
    settings: Partial<WafSettings> = {},
    change: (waf: RouteWaf) => RouteWaf = (waf) => waf,
  ) {
    this.ruleSet = ruleSet;
    this.#waf = change(buildRouteWaf(settings, ruleSet));
    this.inspector = new Inspector(new Scratch(ruleSet));
  }

  /** Bodies with a content coding are decided later: `give` throws for them, `giveLater` does not. */
  give(parts: RequestParts): Outcome {
    let outcome: Outcome | undefined;
    this.#run(parts, (result) => {
      outcome = result;
    });
    if (outcome === undefined) throw new Error("the verdict comes later");
    return outcome;
  }

  giveLater(parts: RequestParts): Promise<Outcome> {
    return new Promise((resolve) => this.#run(parts, resolve));
  }

  #run(parts: RequestParts, then: (outcome: Outcome) => void): void {
    const { method = "GET", target = "/", headers = [], body = new Uint8Array(0), chunks = [] } = parts;
    const request = this.#request;
    const own = headers.filter(([name]) => !/^(?:content-length|transfer-encoding|expect)$/i.test(name));
    const lines = [...own, ...(body.length > 0 ? [["Content-Length", String(body.length)] as const] : [])];
    if (!own.some(([name]) => /^host$/i.test(name))) lines.unshift(["Host", "localhost"]);
    const head = Buffer.from(
      `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
      "latin1",
    );
    const end = readHead(head, 0, head.length, request, defaultLimits);
    if (end === HEAD_MORE || end === HEAD_REFUSED) {
      const detail = end === HEAD_MORE ? "head_more" : request.refusal!.code;
      then({ refused: true, gate: "framing", detail, findings: [] });
      return;
    }
    const { inspector } = this;
    inspector.begin(this.#waf.profile, "test", 0);
    const reason = this.#head.inspect(request, this.#waf, inspector);
    if (reason !== undefined || inspector.refused) {
      const gate = reason ?? inspectorGate(inspector, this.#waf.profile.threshold);
      then({ refused: true, gate, detail: reason ?? topRule(inspector), findings: this.#findings() });
      return;
    }
    const inspection = this.#body;
    let at = 0;
    let next = 0;
    const finish = (): void =>
      inspection.end(({ refused, gate, detail }) =>
        then({ refused, gate: refused ? gate : "", detail, findings: this.#findings() }),
      );
    const pump = (): void => {
      while (at < body.length) {
        const to = Math.min(body.length, at + (chunks[next++] ?? body.length));
        const from = at;
        at = to;
        if (inspection.write(body, from, to)) continue;
        if (inspection.verdict.refused) break;
        return;
      }
      finish();
    };
    inspection.begin(request, this.#waf, inspector, { drained: pump, refused: finish });
    pump();
  }

  #findings(): string[] {
    return this.inspector.findings.map(
      ({ rule, place, decoders, excerpt }) => `${rule.id} ${place} [${decoders.join(" ")}] ${excerpt}`,
    );
  }
}

export interface CategoryRow {
  readonly category: string;
  blocked: number;
  total: number;
}

export interface CorpusTable {
  readonly rows: readonly CategoryRow[];
  readonly blocked: number;
  readonly total: number;
  /** Percent, over rows. */
  readonly mean: number;
  /** Cases whose outcome is not the expected one. */
  readonly surprises: readonly { readonly id: string; readonly outcome: Outcome }[];
}

/** Gives every case to the bench, and counts by category. */
export async function runCorpus(
  bench: WafBench,
  cases: Iterable<CorpusCase>,
  categoryOf: (corpusCase: CorpusCase) => string = ({ category }) => category,
): Promise<CorpusTable> {
  const rows = new Map<string, CategoryRow>();
  const surprises: { id: string; outcome: Outcome }[] = [];
  for (const corpusCase of cases) {
    const outcome = await bench.giveLater({
      ...corpusCase,
      body: Buffer.from(corpusCase.body_b64, "base64"),
    });
    const category = categoryOf(corpusCase);
    const row = rows.get(category) ?? { category, blocked: 0, total: 0 };
    rows.set(category, row);
    row.total++;
    if (outcome.refused) row.blocked++;
    if (outcome.refused !== (corpusCase.expect === "block")) surprises.push({ id: corpusCase.id, outcome });
  }
  const list = [...rows.values()].sort((a, b) => (a.category < b.category ? -1 : 1));
  return {
    rows: list,
    blocked: list.reduce((sum, { blocked }) => sum + blocked, 0),
    total: list.reduce((sum, { total }) => sum + total, 0),
    mean:
      list.reduce((sum, { blocked, total }) => sum + (100 * blocked) / total, 0) / Math.max(1, list.length),
    surprises,
  };
}

/** The table as lines. */
export function renderTable({ rows, blocked, total, mean }: CorpusTable): string {
  const line = (name: string, a: number, b: number): string =>
    `${name.padEnd(44)} ${String(a).padStart(5)} / ${String(b).padEnd(5)} ${((100 * a) / b).toFixed(1)} %`;
  return [
    ...rows.map((row) => line(row.category, row.blocked, row.total)),
    `${line("all", blocked, total)}   mean ${mean.toFixed(1)} %`,
  ].join("\n");
}
