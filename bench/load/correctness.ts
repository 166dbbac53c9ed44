import type { Candidate } from "./candidate.ts";
import { ask, group, suite } from "./client.ts";
import type { Scenario } from "./scenarios.ts";
import { printRequest, type Traffic } from "./traffic.ts";
import { type Seen, shortened } from "./witness.ts";

/**
 * Whether a candidate does the work of a scenario at all: nothing is timed before this is empty. Asks once what the
 * scenario asks, and once for the witness. Returns what is wrong, in words.
 */
export async function checkCandidate(
  candidate: Candidate,
  scenario: Scenario,
  originPort: number,
): Promise<string[]> {
  const port = scenario.tls ? candidate.httpsPort : candidate.httpPort;
  const authority = `localhost:${port}`;
  const extra = scenario.close ? ([["Connection", "close"]] as const) : [];
  const wrong: string[] = [];

  const straight = await ask(originPort, false, printRequest(scenario.traffic, authority), false);
  const answer = await ask(
    port,
    scenario.tls,
    printRequest(scenario.traffic, authority, extra),
    scenario.close,
  );
  if (answer.status !== 200) wrong.push(`status ${answer.status}`);
  if (straight.body.length !== scenario.traffic.answerBytes)
    wrong.push("the origin's own answer has another size");
  if (answer.body !== straight.body) wrong.push(`a body of ${answer.body.length} B that is not the origin's`);
  for (const name of ["x-origin", "etag", "content-type", "cache-control"]) {
    if (answer.fields.get(name) !== straight.fields.get(name))
      wrong.push(`answer field ${name} did not arrive`);
  }
  if (scenario.close && !answer.closed) wrong.push("the connection stays open after Connection: close");
  if (answer.tls !== undefined) {
    const { version, group: usedGroup, suite: usedSuite } = answer.tls;
    if (version !== "TLSv1.3" || usedGroup !== group || usedSuite !== suite) {
      wrong.push(
        `${version} with ${usedGroup} and ${usedSuite} instead of TLSv1.3 with ${group} and ${suite}`,
      );
    }
  }

  const probe: Traffic = { ...scenario.traffic, target: `/witness${scenario.traffic.target}` };
  const reply = await ask(port, scenario.tls, printRequest(probe, authority, extra), scenario.close);
  if (reply.status !== 200) return [...wrong, `status ${reply.status} on the way to the witness`];
  const seen = JSON.parse(reply.body) as Seen;
  return [...wrong, ...compareSeen(probe, seen, authority, scenario.tls)];
}

/** What differs between a request sent and what the witness saw of it. */
export function compareSeen(sent: Traffic, seen: Seen, authority: string, tls: boolean): readonly string[] {
  const wrong: string[] = [];
  if (seen.method !== sent.method) wrong.push(`method ${seen.method} upstream`);
  if (seen.target !== sent.target) wrong.push(`target ${seen.target} upstream`);
  if (seen.body !== shortened(sent.body)) wrong.push(`another body upstream: ${seen.body.length} B`);
  for (const [name, value] of sent.fields) {
    if (seen.fields[name.toLowerCase()] !== value)
      wrong.push(`request field ${name} did not arrive unchanged`);
  }
  const forwarded = { "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": tls ? "https" : "http" };
  for (const [name, value] of Object.entries(forwarded)) {
    if (seen.fields[name] !== value) wrong.push(`${name} is ${seen.fields[name]} upstream`);
  }
  if (seen.fields["x-forwarded-host"] !== authority)
    wrong.push("x-forwarded-host is not the client's authority");
  return wrong;
}
