import type { CanonicalRequest } from "../http/request.ts";
import { type IdentityLine, printLine } from "../identity/identity.ts";
import { type ClientScores, DENIED, markOf, SCORE_MASK } from "../identity/score-table.ts";
import { type Reason, reasons } from "../reason.ts";
import { isExempt } from "./client-lists.ts";
import type { GateContext } from "./context.ts";
import { addIdentityLines } from "./identity-fields.ts";

/** What other edges say of clients, as a worker knows it. Met by state.ts `State.mesh`. */
export class MeshDesk {
  /** As the primary pushed it last; undefined = nothing, or no mesh. */
  scores: ClientScores | undefined = undefined;
  lookups = 0;
  /** By thousandths, made when a score comes first: 1001 at most. */
  readonly #lines: (ScoreLine | undefined)[] = new Array(1001);

  /** `X-Zion-Mesh-Score: 0.950`, cut to three decimals. */
  lineOf(score: number): ScoreLine {
    const thousandths = Math.floor(score / 10);
    const present = this.#lines[thousandths];
    if (present !== undefined) return present;
    const line = { lines: [printLine("X-Zion-Mesh-Score", (thousandths / 1000).toFixed(3))!] };
    this.#lines[thousandths] = line;
    return line;
  }
}

interface ScoreLine {
  readonly lines: readonly IdentityLine[];
}

/**
 * Tells the upstream what other edges say of the client, and refuses whom a quorum of them reports, where the
 * configuration asks for that. Never proxies, internal networks, nor who is exempt; behind a forwarding chain that cannot
 * be read the address is a proxy's, and says nothing of the client.
 */
export function checkMeshScore(
  request: CanonicalRequest,
  desk: MeshDesk,
  { lists, internalNetworks, trustedProxies }: GateContext,
): Reason | undefined {
  const { scores } = desk;
  if (scores === undefined || request.clientMalformed) return undefined;
  desk.lookups++;
  const mark = markOf(scores, request.clientIp);
  if (mark === 0) return undefined;
  addIdentityLines(request, desk.lineOf(mark & SCORE_MASK));
  if ((mark & DENIED) === 0 || isExempt(request, lists)) return undefined;
  if (internalNetworks.has(request.clientIp) || trustedProxies.has(request.clientIp)) return undefined;
  return reasons.meshScore;
}
