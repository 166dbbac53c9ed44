import { createHash, randomBytes } from "node:crypto";
import { type AddressSet, addressGroup } from "../identity/address.ts";
import { buildScoreTable, type ClientScores, type Scored, scoreKey } from "../identity/score-table.ts";
import { claimKey } from "../mesh/claim.ts";
import type { MeshNode } from "../mesh/node.ts";
import { addressOf, type Subject } from "../mesh/subject.ts";
import { judge } from "../mesh/verdict.ts";
import type { MeshDecision, MeshSettings } from "./mesh-order.ts";

/** What follows from all claims now. */
export interface Tally {
  readonly scores: ClientScores;
  readonly decisions: readonly MeshDecision[];
}

export interface TallyOptions {
  readonly settings: MeshSettings;
  readonly spared: Pick<AddressSet, "has">;
  /** For hashes of addresses. */
  readonly addressKey: Uint8Array;
  /** A client that this edge met, by the hash under which others name it. */
  readonly clientOf: (subject: Subject) => string | undefined;
  /** Whether this machine's own probes find the endpoint healthy. */
  readonly isHealthy: (url: string) => boolean;
}

/** How long an ejection by word lasts (outlier.ts); the decision is made anew after it. */
const EJECTION_MS = 10_000;

/** Puts claims together, and remembers what was decided so that it is told once. */
export class MeshTally {
  /** Until when a decision holds, by kind and subject. */
  readonly #decided = new Map<string, number>();

  tell(node: MeshNode, options: TallyOptions, nowMs: number): Tally {
    const decisions: MeshDecision[] = [];
    for (const [key, untilMs] of this.#decided) if (untilMs <= nowMs) this.#decided.delete(key);
    const scores = this.#clients(node, options, nowMs, decisions);
    if (options.settings.mesh.ejectsUpstreams) this.#endpoints(node, options, nowMs, decisions);
    return { scores, decisions };
  }

  #clients(
    node: MeshNode,
    { settings, spared, addressKey, clientOf }: TallyOptions,
    nowMs: number,
    decisions: MeshDecision[],
  ): ClientScores {
    const { mesh } = settings;
    const plain: Scored[] = [];
    const hashed: Scored[] = [];
    const operators = new Map<string, string | undefined>();
    const operatorOf = (signer: string) => {
      if (!operators.has(signer)) operators.set(signer, node.operatorOf(signer));
      return operators.get(signer);
    };
    const { rule } = node;
    const denyRule = { ...rule, score: Math.max(rule.score, mesh.denyAbove) };
    for (const [key, entries] of node.store.of("ip_reputation")) {
      const { score, voices, isQuorum } = judge(entries, rule, operatorOf, nowMs);
      if (score === 0) continue;
      const subject = key.slice(key.indexOf(":") + 1);
      const address = addressOf(subject);
      if (address !== undefined && spared.has(address)) continue;
      const client = address === undefined ? clientOf(subject) : addressGroup(address);
      const isDenied = mesh.denyAbove > 0 && isQuorum && judge(entries, denyRule, operatorOf, nowMs).isQuorum;
      const decide = (decision: "deny" | "ban", untilMs: number) =>
        this.#decide(
          { decision, subject: client ?? subject, voices, quorum: rule.quorum },
          untilMs,
          decisions,
        );
      if (isDenied) decide("deny", nowMs + mesh.claimTtlSecs * 1000);
      if (mesh.bans && isQuorum && client !== undefined) decide("ban", nowMs + mesh.banSecs * 1000);
      if (address !== undefined) {
        const [high, low] = scoreKey(address);
        plain.push({ high, low, score, isDenied });
      } else
        hashed.push({
          high: Number.parseInt(subject.slice(1, 9), 16),
          low: Number.parseInt(subject.slice(9, 17), 16),
          score,
          isDenied,
        });
    }
    const seed = randomBytes(4).readUInt32LE();
    return {
      plain: buildScoreTable(plain, seed),
      hashed: hashed.length === 0 ? undefined : { table: buildScoreTable(hashed, seed), key: addressKey },
    };
  }

  #endpoints(
    node: MeshNode,
    { settings, isHealthy }: TallyOptions,
    nowMs: number,
    decisions: MeshDecision[],
  ): void {
    for (const url of settings.endpoints) {
      if (isHealthy(url)) continue;
      const claim = { kind: "upstream_unhealthy", endpoint: endpointId(url), atMs: 0, ttlSecs: 0 } as const;
      const { voices, isQuorum } = node.judge(claim.kind, claimKey(claim));
      if (!isQuorum) continue;
      const decision = { decision: "eject", subject: url, voices, quorum: node.rule.quorum } as const;
      this.#decide(decision, nowMs + EJECTION_MS, decisions);
    }
  }

  #decide(decision: MeshDecision, untilMs: number, decisions: MeshDecision[]): void {
    const key = `${decision.decision} ${decision.subject}`;
    if (this.#decided.has(key)) return;
    this.#decided.set(key, untilMs);
    decisions.push(decision);
  }
}

/** The same at every edge that has the endpoint. */
export function endpointId(url: string): string {
  return createHash("sha256").update(url).digest("hex").slice(0, 32);
}
