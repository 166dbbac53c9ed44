import type { Candidate, CandidateName } from "./candidate.ts";
import { ask } from "./client.ts";
import { post, printRequest, type Traffic, wafGet } from "./traffic.ts";

/** One attack for each kind of request that is timed. Each is what the first page of a scanner's list holds. */
export const attacks: Readonly<Record<string, Traffic>> = {
  "script in the query": {
    ...wafGet,
    target: "/api/items?page=2&sort=price-asc&q=%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E",
  },
  "SQL in JSON": post(
    "application/json",
    JSON.stringify({ user: "ada", note: "1' UNION SELECT name, password FROM users-- -" }),
  ),
  "SQL in a form": post(
    "application/x-www-form-urlencoded",
    "user=ada&note=1%27+UNION+SELECT+name%2C+password+FROM+users--+-",
  ),
};

/** Whether a candidate inspects: `on` when every attack was refused, `off` when every one passed. */
export type WafState = "on" | "off";

/** Sends the attacks. A text in `wrong` when some are refused and some not, or when the candidate must inspect. */
export async function checkWaf(
  candidate: Candidate,
): Promise<{ readonly waf: WafState; readonly wrong: readonly string[] }> {
  const statuses: Record<string, number> = {};
  for (const [name, traffic] of Object.entries(attacks)) {
    const bytes = printRequest(traffic, `localhost:${candidate.httpPort}`);
    statuses[name] = (await ask(candidate.httpPort, false, bytes, false)).status;
  }
  return judgeAttacks(candidate.name, statuses);
}

/** `statuses`: what was answered, by name of the attack. */
export function judgeAttacks(
  name: CandidateName,
  statuses: Readonly<Record<string, number>>,
): { readonly waf: WafState; readonly wrong: readonly string[] } {
  const all = Object.entries(statuses);
  const passed = all.filter(([, status]) => status === 200).map(([attack]) => attack);
  const odd = all.filter(([, status]) => ![200, 400, 403].includes(status));
  const wrong = odd.map(([attack, status]) => `status ${status} for ${attack}`);
  const waf = passed.length === 0 ? "on" : "off";
  const inspects = name.endsWith("-modsecurity");
  if (passed.length > 0 && (inspects || passed.length < all.length))
    wrong.push(`lets an attack through: ${passed.join(", ")}`);
  if (waf === "on" && (name === "nginx" || name === "haproxy"))
    wrong.push("refuses attacks, and should not inspect");
  return { waf, wrong };
}
