import { mix32 } from "../std/xorshift.ts";
import type { EndpointState } from "./endpoint-state.ts";

/**
 * Consistent hashing by weighted rendezvous: every member draws a number from the key and its own identity, and the
 * best one serves the key. Without a member only its own keys move, each to the key's next best, in proportion to the
 * weights. There is no table to rebuild when DNS changes the members; the cost is one hash and logarithm per member.
 *
 * Looks at the first `count` members; `count` is 1 or more.
 */
export function chooseByKey(
  members: readonly EndpointState[],
  count: number,
  keyHash: number,
): EndpointState {
  let best = members[0]!;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at++) {
    const member = members[at]!;
    // Uniform in (0, 1), never 0 or 1. ln(u)/weight makes each share exactly its weight's (Thaler & Ravishankar 1998).
    const uniform = (mix32(keyHash ^ member.identity) + 0.5) / 0x1_0000_0000;
    const score = Math.log(uniform) / member.weight;
    if (score <= bestScore) continue;
    best = member;
    bestScore = score;
  }
  return best;
}
