import type { UpstreamConfig } from "../config/config.ts";
import { Xorshift } from "../std/xorshift.ts";
import type { EndpointState } from "./endpoint-state.ts";
import { chooseByKey } from "./rendezvous.ts";

export type BalanceName = UpstreamConfig["balance"];

/**
 * The endpoint for the next attempt, or undefined when there are none at all. Endpoints that are down or ejected are
 * passed over unless nothing else is left: then any may be tried, because a wrong guess costs less than a sure 503.
 *
 * Changes what the policy keeps in the endpoints (turns), and marks one that is due for a trial. In-flight and latency
 * are the caller's to write.
 *
 * @param keyHash 32 bits over whatever consistent_hash goes by; other policies ignore it
 * @param exclude the endpoint that has just failed; taken only if nothing else is usable
 */
export function chooseEndpoint(
  balance: Balance,
  members: readonly EndpointState[],
  nowMs: number,
  keyHash: number,
  exclude: EndpointState | undefined,
): EndpointState | undefined {
  balance.nowMs = nowMs;
  balance.keyHash = keyHash;
  gatherCandidates(balance, members, exclude);
  if (balance.count === 0) return undefined;
  const chosen = balance.count === 1 ? balance.candidates[0]! : balance.policy(balance);
  tryEndpoint(chosen, nowMs);
  return chosen;
}

/** An ejection that is over: the request at hand tries the endpoint, the others wait for its answer, or a second. */
export function tryEndpoint(chosen: EndpointState, nowMs: number): void {
  if (chosen.ejectedUntilMs === 0 || nowMs < chosen.ejectedUntilMs) return;
  chosen.onTrial = true;
  chosen.ejectedUntilMs = nowMs + TRIAL_SPACING_MS;
}

/** One pool's policy and the room it works in. Reused for every choice: choosing allocates nothing. */
export class Balance {
  readonly policy: Policy;
  readonly random: Xorshift;
  /** The first `count` are the choice at hand; what lies behind is old. Never longer than the largest pool seen. */
  readonly candidates: EndpointState[] = [];
  count = 0;
  /** Sum of the candidates' weights. */
  weight = 0;
  nowMs = 0;
  keyHash = 0;

  /** @param seed any number, different in each worker: else all workers make the same choices at once */
  constructor(name: BalanceName, seed: number) {
    this.policy = policies[name];
    this.random = new Xorshift(seed);
  }
}

/** Picks one of two or more candidates. */
type Policy = (balance: Balance) => EndpointState;

const policies: Record<BalanceName, Policy> = {
  p2c: powerOfTwo,
  round_robin: smoothRoundRobin,
  least_requests: leastRequests,
  lowest_latency: lowestLatency,
  consistent_hash: byKey,
};

/** How long a trial request may keep others away when it gives no answer, as when its client leaves. */
const TRIAL_SPACING_MS = 1_000;
/**
 * Latencies and costs this close count as equal. A member just used looks worse than an idle one, whose latency has
 * faded a little: without the margin that would alternate between two members whatever their weights.
 */
const EQUAL_WITHIN = 1.25;

/**
 * The cheaper of two drawn by weight, in-flight requests times latency; the first drawn unless the second is clearly
 * cheaper. Idle equals are so chosen by weight exactly; two draws among many avoid the herd that one best would get.
 */
function powerOfTwo(balance: Balance): EndpointState {
  const first = drawByWeight(balance, undefined);
  const second = drawByWeight(balance, first);
  return cost(balance, second) * EQUAL_WITHIN < cost(balance, first) ? second : first;
}

/** (in-flight + 1) × latency; with weights, in-flight counts by what the weight entitles to. */
function cost(balance: Balance, member: EndpointState): number {
  const share = (member.weight * balance.count) / balance.weight;
  return (member.inFlight / share + 1) * member.latencyMs(balance.nowMs);
}

/** nginx's: over a sum of weights each member has its weight's turns, spread out evenly. */
function smoothRoundRobin(balance: Balance): EndpointState {
  const { candidates, count } = balance;
  let best = candidates[0]!;
  for (let at = 0; at < count; at++) {
    const member = candidates[at]!;
    member.turn += member.weight;
    if (member.turn > best.turn) best = member;
  }
  best.turn -= balance.weight;
  return best;
}

/** Fewest in flight per weight; in turns among equals, or an idle pool would always take its first member. */
function leastRequests(balance: Balance): EndpointState {
  const { candidates, count } = balance;
  let least = candidates[0]!;
  for (let at = 1; at < count; at++) {
    const member = candidates[at]!;
    if (member.inFlight * least.weight < least.inFlight * member.weight) least = member;
  }
  clearCandidates(balance);
  for (let at = 0; at < count; at++) {
    const member = candidates[at]!;
    if (member.inFlight * least.weight === least.inFlight * member.weight) addCandidate(balance, member);
  }
  return smoothRoundRobin(balance);
}

/** Lowest latency, whatever is in flight; by weight among those about as fast. */
function lowestLatency(balance: Balance): EndpointState {
  const { candidates, count, nowMs } = balance;
  let lowestMs = Number.POSITIVE_INFINITY;
  for (let at = 0; at < count; at++) lowestMs = Math.min(lowestMs, candidates[at]!.latencyMs(nowMs));
  clearCandidates(balance);
  for (let at = 0; at < count; at++) {
    const member = candidates[at]!;
    if (member.latencyMs(nowMs) <= lowestMs * EQUAL_WITHIN) addCandidate(balance, member);
  }
  return drawByWeight(balance, undefined);
}

function byKey(balance: Balance): EndpointState {
  return chooseByKey(balance.candidates, balance.count, balance.keyHash);
}

/** A random candidate other than `not`, each as likely as its weight. */
function drawByWeight(balance: Balance, not: EndpointState | undefined): EndpointState {
  const { candidates, count } = balance;
  let rest = balance.random.below(balance.weight - (not === undefined ? 0 : not.weight));
  for (let at = 0; at < count; at++) {
    const member = candidates[at]!;
    if (member === not) continue;
    if (rest < member.weight) return member;
    rest -= member.weight;
  }
  throw new Error("a draw beyond the sum of the weights");
}

function gatherCandidates(
  balance: Balance,
  members: readonly EndpointState[],
  exclude: EndpointState | undefined,
): void {
  clearCandidates(balance);
  for (const member of members) {
    if (member !== exclude && member.isUsable(balance.nowMs)) addCandidate(balance, member);
  }
  if (balance.count > 0) return;
  if (exclude?.isUsable(balance.nowMs)) {
    addCandidate(balance, exclude);
    return;
  }
  for (const member of members) if (member !== exclude) addCandidate(balance, member);
  if (balance.count === 0 && members.length > 0) addCandidate(balance, members[0]!);
}

function clearCandidates(balance: Balance): void {
  balance.count = balance.weight = 0;
}

function addCandidate(balance: Balance, member: EndpointState): void {
  balance.candidates[balance.count++] = member;
  balance.weight += member.weight;
}
