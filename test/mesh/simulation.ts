import { createHash } from "node:crypto";
import type { Claim } from "../../src/mesh/claim.ts";
import type { MeshNode } from "../../src/mesh/node.ts";
import { edge, identityOf, NOON, reputation, ringOf } from "./edge.ts";

/** Edges in one process, on a clock and a network of their own: the same seed gives the same run. */
export interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly edges: number;
  /** Those that lie: about clients, in each other's names, in floods. */
  readonly byzantine: number;
  readonly seconds: number;
  /** Of what is published, per reader. */
  readonly lossPct: number;
  readonly delayMaxMs: number;
  readonly skewMaxMs: number;
  /** That share of the edges cannot reach the store in that time; undefined = all always can. */
  readonly cut: { readonly fromMs: number; readonly toMs: number; readonly sharePct: number } | undefined;
  readonly attackers: number;
}

export interface Outcome {
  /** For each attacker and honest edge: from the moment that a quorum had seen it to the one when the edge knew. */
  readonly latenciesMs: readonly number[];
  /** Pairs that never got there. */
  readonly unknown: number;
  /** Benign clients that an honest edge would have refused. */
  readonly wronged: number;
  readonly published: number;
  readonly delivered: number;
  readonly fetched: number;
  readonly rejected: Readonly<Record<string, number>>;
}

const QUORUM = 3;
/** Looks at what everybody believes. */
const LOOK_MS = 250;
const COMPARE_MS = 20_000;
/** Attackers are seen in the first part of a run. */
const SEEN_BY = 0.5;

export function simulate(scenario: Scenario): Outcome {
  const { edges, byzantine, cut } = scenario;
  const random = generator(scenario.seed);
  const below = (max: number) => Math.floor(random() * max);
  const names = Array.from({ length: edges }, (_, i) => `edge ${i}`);
  const all = names.map((name) => edge(name, ringOf(names)));
  const skews = all.map(() => (random() * 2 - 1) * scenario.skewMaxMs);
  const isHonest = (index: number) => index >= byzantine;
  const isCutOff = names.map(() => random() * 100 < (cut?.sharePct ?? 0));
  /** What each edge keeps for late joiners. */
  const kept = new Map<string, readonly Buffer[]>();
  const captured: Buffer[] = [];
  const agenda = new Agenda();
  let published = 0;
  let delivered = 0;
  let fetched = 0;

  const reaches = (index: number) =>
    !(isCutOff[index] === true && cut !== undefined && agenda.nowMs >= cut.fromMs && agenda.nowMs < cut.toMs);
  const soon = (work: () => void) => agenda.at(agenda.nowMs + 1 + below(scenario.delayMaxMs), work);

  const hear = (index: number, bytes: Buffer, isAsked: boolean): void => {
    const { node } = all[index]!;
    node.receive(bytes, isAsked);
    for (const signer of node.takeBehind()) soon(() => fetch(index, signer));
  };
  const fetch = (index: number, signer: string): void => {
    if (!reaches(index)) return;
    for (const bytes of kept.get(signer) ?? []) {
      fetched++;
      hear(index, bytes, true);
    }
  };
  const publish = (from: number, bytes: Buffer): void => {
    published++;
    if (!reaches(from)) return;
    if (captured.length < 500) captured.push(bytes);
    for (let index = 0; index < edges; index++) {
      if (index === from || random() * 100 < scenario.lossPct) continue;
      // Now and then twice.
      for (let times = random() < 0.05 ? 2 : 1; times > 0; times--)
        soon(() => {
          if (!reaches(index)) return;
          delivered++;
          hear(index, bytes, false);
        });
    }
  };
  const say = (index: number, claims: readonly Claim[]): void => {
    for (const { bytes } of all[index]!.node.publish(claims)) publish(index, bytes);
  };
  const nowOf = (index: number) => Math.floor(NOON + agenda.nowMs + skews[index]!);

  const comparedMs = all.map(() => Infinity);
  const compare = (index: number): void => {
    const { node } = all[index]!;
    if (reaches(index)) {
      kept.set(
        node.id,
        node.restate().map(({ bytes }) => bytes),
      );
      publish(index, node.beacon().bytes);
      for (const signer of node.unheardSince(comparedMs[index]!)) soon(() => fetch(index, signer));
      comparedMs[index] = nowOf(index);
    }
    agenda.at(agenda.nowMs + COMPARE_MS * (0.75 + random() / 2), () => compare(index));
  };
  for (let index = 0; index < edges; index++) agenda.at(below(COMPARE_MS), () => compare(index));
  if (cut !== undefined)
    // The store is back: everybody fetches everything, as mesh-edge.ts does.
    for (let index = 0; index < edges; index++)
      if (isCutOff[index] === true)
        agenda.at(cut.toMs + below(1000), () => {
          const { node } = all[index]!;
          kept.set(
            node.id,
            node.restate().map(({ bytes }) => bytes),
          );
          publish(index, node.beacon().bytes);
          for (const signer of kept.keys()) soon(() => fetch(index, signer));
        });

  // Attackers, each seen by a quorum of honest edges and perhaps one or two more.
  const quorumMs: number[] = [];
  const attackers = Array.from({ length: scenario.attackers }, (_, i) => `4cb0071${hex(i)}`);
  for (const [number, subject] of attackers.entries()) {
    const witnesses = new Set<number>();
    while (witnesses.size < QUORUM + below(3)) witnesses.add(byzantine + below(edges - byzantine));
    const firstMs = below(scenario.seconds * 1000 * SEEN_BY);
    const times = [...witnesses].map((index) => {
      const atMs = firstMs + below(2000);
      agenda.at(atMs, () => say(index, [reputation(subject, 10_000, nowOf(index))]));
      return atMs;
    });
    quorumMs[number] = times.sort((a, b) => a - b)[QUORUM - 1]!;
  }

  // Those who lie.
  const benign = Array.from({ length: 5 }, (_, i) => `4c63364${hex(i)}`);
  const lie = (index: number): void => {
    const mine = benign.map((subject) => reputation(subject, 10_000, nowOf(index)));
    say(index, mine);
    // In somebody's name, from the past, cut short, and too much of it.
    const replayed = captured[below(captured.length)];
    if (replayed !== undefined) {
      publish(index, replayed);
      const changed = Buffer.from(replayed);
      changed[below(changed.length)]! ^= 1;
      publish(index, changed);
      publish(index, replayed.subarray(0, below(replayed.length)));
    }
    const victim = identityOf(names[below(edges)]!).id;
    say(index, [{ kind: "identity_revoked", atMs: nowOf(index), ttlSecs: 600, key: victim }]);
    agenda.at(agenda.nowMs + 5000 + below(5000), () => lie(index));
  };
  for (let index = 0; index < byzantine; index++) agenda.at(below(5000), () => lie(index));

  const latenciesMs: number[] = [];
  const waiting = new Set<string>();
  for (let number = 0; number < attackers.length; number++)
    for (let index = byzantine; index < edges; index++) waiting.add(`${number} ${index}`);
  const wronged = new Set<string>();
  const isQuorum = (node: MeshNode, subject: string) => node.judge("ip_reputation", `1:${subject}`).isQuorum;
  const look = (): void => {
    for (const pair of waiting) {
      const [number, index] = pair.split(" ").map(Number) as [number, number];
      if (agenda.nowMs < quorumMs[number]! || !isQuorum(all[index]!.node, attackers[number]!)) continue;
      waiting.delete(pair);
      latenciesMs.push(agenda.nowMs - quorumMs[number]!);
    }
    for (let index = 0; index < edges; index++)
      if (isHonest(index))
        for (const subject of benign)
          if (isQuorum(all[index]!.node, subject)) wronged.add(`${index} ${subject}`);
    agenda.at(agenda.nowMs + LOOK_MS, look);
  };
  agenda.at(0, look);

  agenda.run(scenario.seconds * 1000, () => {
    for (const [index, { time }] of all.entries()) time.ms = nowOf(index);
  });
  const rejected: Record<string, number> = {};
  for (const one of all)
    for (const [reason, count] of Object.entries(one.rejected))
      rejected[reason] = (rejected[reason] ?? 0) + count;
  return {
    latenciesMs: latenciesMs.sort((a, b) => a - b),
    unknown: waiting.size,
    wronged: wronged.size,
    published,
    delivered,
    fetched,
    rejected,
  };
}

/** The three that are reported; `edges` and `seconds` make them longer. */
export function scenarios(edges: number, seconds: number, attackers: number): readonly Scenario[] {
  const usual = { edges, seconds, attackers, byzantine: 2, cut: undefined };
  return [
    { ...usual, name: "a calm network", seed: 1, lossPct: 1, delayMaxMs: 50, skewMaxMs: 1000 },
    {
      ...usual,
      name: "half of all messages lost, clocks up to 30 s apart",
      seed: 2,
      lossPct: 50,
      delayMaxMs: 2000,
      skewMaxMs: 15_000,
    },
    {
      ...usual,
      name: "a third without the store for a quarter of the time",
      seed: 3,
      lossPct: 5,
      delayMaxMs: 200,
      skewMaxMs: 5000,
      cut: { fromMs: seconds * 150, toMs: seconds * 400, sharePct: 33 },
    },
  ];
}

/** What happens next, by time. */
class Agenda {
  readonly #buckets = new Map<number, (() => void)[]>();
  nowMs = 0;

  at(ms: number, work: () => void): void {
    const bucket = Math.max(Math.ceil(ms), this.nowMs);
    const present = this.#buckets.get(bucket);
    if (present === undefined) this.#buckets.set(bucket, [work]);
    else present.push(work);
  }

  run(untilMs: number, tick: () => void): void {
    for (; this.nowMs < untilMs; this.nowMs++) {
      const works = this.#buckets.get(this.nowMs);
      if (works === undefined) continue;
      tick();
      // What is added to this moment meanwhile is done, too.
      for (const work of works) work();
      this.#buckets.delete(this.nowMs);
    }
  }
}

/** Deterministic numbers from 0 to 1. */
function generator(seed: number): () => number {
  let counter = 0;
  let block = Buffer.alloc(0);
  return () => {
    if (block.length < 4) block = createHash("sha256").update(`${seed} ${counter++}`).digest();
    const value = block.readUInt32BE(0) / 2 ** 32;
    block = block.subarray(4);
    return value;
  };
}

function hex(value: number): string {
  return value.toString(16).padStart(2, "0").slice(-2);
}
