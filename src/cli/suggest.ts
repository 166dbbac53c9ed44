import { systemClock } from "../std/clock.ts";
import type { Exclude } from "../waf/profile.ts";
import { type AdminOptions, adminOf, unavailable } from "./admin-client.ts";
import { loadGood, type Proposal, propose, readAttacks } from "./exclude.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

export interface SuggestOptions extends AdminOptions {
  /** Which decisions are looked at: of routes in shadow, or refusals. */
  readonly from: "shadow" | "deny";
  /** How many proposals. */
  readonly limit: number;
  readonly attacks: readonly string[];
  readonly format: "human" | "json";
}

/** What the decision ring has of one rule in one field of one route. */
export interface Group {
  readonly route: string;
  readonly rule: string;
  /** As `[[exclude]]` names it. */
  readonly field: string;
  readonly requests: number;
  /** Different client addresses: one that is refused everywhere may be an attacker, many are users. */
  readonly clients: number;
  /** Newest, for `zion why`. */
  readonly requestId: string;
}

/**
 * `zion suggest`: exclusions for what was refused, or would have been, ranked by how many clients met it, each with what
 * it would let through. Resolves with the exit code; 1 = there is nothing to propose.
 */
export async function suggestCommand(
  options: SuggestOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const loaded = loadGood(options.config, output);
  if (typeof loaded === "number") return loaded;
  const admin = adminOf(loaded.config, options.admin, environment);
  if (admin === undefined) return unavailable("the admin listener is off", output);
  let groups: readonly Group[];
  try {
    const { status, body } = await admin.get(`/v1/decisions?limit=1000&decision=${options.from}`);
    if (status !== 200) return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
    groups = groupFindings((JSON.parse(body) as { decisions: readonly SeenDecision[] }).decisions);
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
  const attacks = readAttacks(loaded.config, options.attacks, output);
  if (typeof attacks === "number") return attacks;
  const nowMs = systemClock.wallMs();
  const proposals = groups.slice(0, options.limit).map((group) => {
    const { route, rule, field } = group;
    return { group, proposal: propose(loaded, { rule, route, field }, "", attacks, nowMs) };
  });
  output.out.write(options.format === "json" ? json(proposals) : human(proposals));
  return groups.length === 0 ? exitCodes.no : exitCodes.ok;
}

/** What of a decision counts here. */
export interface SeenDecision {
  readonly requestId: string;
  readonly client: string;
  readonly route: string;
  readonly findings: readonly { readonly rule: string; readonly place: string }[];
}

/** Most clients first, then most requests. `decisions`: newest first. */
export function groupFindings(decisions: readonly SeenDecision[]): readonly Group[] {
  const groups = new Map<
    string,
    { group: Exclude & { field: string; route: string }; ids: string[]; clients: Set<string> }
  >();
  for (const { requestId, client, route, findings } of decisions) {
    if (route === "") continue;
    for (const { rule, place } of findings) {
      const field = fieldOf(place);
      const key = JSON.stringify([route, rule, field]);
      let found = groups.get(key);
      if (found === undefined)
        groups.set(key, (found = { group: { rule, route, field }, ids: [], clients: new Set() }));
      found.ids.push(requestId);
      found.clients.add(client);
    }
  }
  return [...groups.values()]
    .map(({ group, ids, clients }) => ({
      route: group.route,
      rule: group.rule,
      field: group.field,
      requests: ids.length,
      clients: clients.size,
      requestId: ids[0]!,
    }))
    .sort((a, b) => b.clients - a.clients || b.requests - a.requests);
}

/** Items of an array are one field: `json:$.items[3].name` → `json:$.items*`. */
function fieldOf(place: string): string {
  const bracket = place.indexOf("[");
  return bracket < 0 ? place : `${place.slice(0, bracket)}*`;
}

interface Suggestion {
  readonly group: Group;
  readonly proposal: Proposal | string;
}

function json(suggestions: readonly Suggestion[]): string {
  const rows = suggestions.map(({ group, proposal }) =>
    typeof proposal === "string"
      ? { ...group, problem: proposal }
      : { ...group, patch: proposal.patch.diff, proof: proposal.proof },
  );
  return `${JSON.stringify({ format_version: "1.0", suggestions: rows }, null, 2)}\n`;
}

function human(suggestions: readonly Suggestion[]): string {
  if (suggestions.length === 0) return "nothing to propose: no such decision names a rule\n";
  const blocks = suggestions.map(({ group, proposal }, i) => {
    const { route, rule, field, requests, clients, requestId } = group;
    const lines = [
      `${i + 1}. ${rule} in ${field} of route ${route}: ${plural(requests, "request")} of ${plural(clients, "client")}, last ${requestId}`,
    ];
    if (typeof proposal === "string") lines.push(`   no exclusion: ${proposal.trim().split("\n", 1)[0]}`);
    else {
      const { refusedBefore, refusedAfter, tried } = proposal.proof;
      const lost = refusedBefore - refusedAfter;
      lines.push(
        `   of ${tried} known attacks in this field, ${lost === 0 ? "none that is refused today would pass" : `${lost} of ${refusedBefore} that are refused today would pass`}`,
        `   zion exclude --route ${route} --rule ${rule} --field '${field}'`,
      );
    }
    return `${lines.join("\n")}\n`;
  });
  return blocks.join("\n");
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
