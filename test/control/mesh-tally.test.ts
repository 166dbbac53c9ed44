import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshConfig } from "../../src/config/config.ts";
import { endpointId, MeshTally, type TallyOptions } from "../../src/control/mesh-tally.ts";
import { buildAddressSet, parseAddress, parseCidr } from "../../src/identity/address.ts";
import { DENIED, markOf } from "../../src/identity/score-table.ts";
import type { Claim } from "../../src/mesh/claim.ts";
import { hashedSubject, subjectOfClient } from "../../src/mesh/subject.ts";
import { edge, NOON, reputation, ringOf } from "../mesh/edge.ts";

const names = ["ann", "ben", "cid", "dee"];
const attacker = subjectOfClient("203.0.113.7")!;
const addressKey = Buffer.alloc(32, 5);
const url = "http://10.0.0.1:80";

/** What follows at "ann" when these edges claim that. */
function tally(
  claims: Readonly<Record<string, Claim>>,
  mesh: Partial<MeshConfig>,
  own: Partial<TallyOptions> = {},
) {
  const { node } = edge("ann", ringOf(names));
  for (const [name, claim] of Object.entries(claims))
    for (const { bytes } of edge(name, ringOf(names)).node.publish([claim])) node.receive(bytes);
  const settings = {
    mesh: { denyAbove: 9500, bans: true, banSecs: 600, claimTtlSecs: 600, ejectsUpstreams: true, ...mesh },
    endpoints: [url],
  } as unknown as TallyOptions["settings"];
  const options: TallyOptions = {
    settings,
    spared: buildAddressSet([]),
    addressKey,
    clientOf: () => undefined,
    isHealthy: () => false,
    ...own,
  };
  const table = new MeshTally();
  const first = table.tell(node, options, NOON);
  const mark = markOf(first.scores, parseAddress("203.0.113.7")!);
  return {
    mark,
    decisions: first.decisions.map(({ decision, subject }) => `${decision} ${subject}`),
    again: table.tell(node, options, NOON + 1000).decisions.length,
  };
}

const all = (claim: Claim, count: number) =>
  Object.fromEntries(names.slice(1, 1 + count).map((name) => [name, claim]));

test("a quorum refuses and bans, and is told once; one less gives a score", () => {
  const { mark, decisions, again } = tally(all(reputation(attacker), 3), {});
  assert.equal(mark, 10_000 | DENIED);
  assert.deepEqual(decisions, ["deny 203.0.113.7", "ban 203.0.113.7"]);
  assert.equal(again, 0);
  assert.deepEqual(tally(all(reputation(attacker), 2), {}), { mark: 10_000, decisions: [], again: 0 });
});

test("nothing follows where nothing is asked for, nor below a higher threshold", () => {
  const claims = all(reputation(attacker, 9600), 3);
  assert.deepEqual(tally(claims, { denyAbove: 0, bans: false }), { mark: 9600, decisions: [], again: 0 });
  assert.deepEqual(tally(claims, { denyAbove: 9700, bans: false }), { mark: 9600, decisions: [], again: 0 });
});

test("proxies and internal networks have neither score nor consequence", () => {
  const spared = buildAddressSet([parseCidr("203.0.113.0/24")!]);
  assert.deepEqual(tally(all(reputation(attacker), 3), {}, { spared }), { mark: 0, decisions: [], again: 0 });
});

test("a hash is matched by whoever has the key; it is banned where the client was met", () => {
  const claims = all(reputation(hashedSubject(attacker, addressKey)), 3);
  const unmet = tally(claims, {});
  assert.equal(unmet.mark, 10_000 | DENIED);
  assert.ok(unmet.decisions.every((text) => text.startsWith("deny h")));
  const met = tally(claims, {}, { clientOf: () => "203.0.113.7" });
  assert.deepEqual(met.decisions, ["deny 203.0.113.7", "ban 203.0.113.7"]);
});

test("an endpoint that a quorum finds unhealthy is ejected, unless our own probes reach it", () => {
  const claim: Claim = { kind: "upstream_unhealthy", endpoint: endpointId(url), atMs: NOON, ttlSecs: 600 };
  assert.deepEqual(tally(all(claim, 3), {}).decisions, [`eject ${url}`]);
  assert.deepEqual(tally(all(claim, 2), {}).decisions, []);
  assert.deepEqual(tally(all(claim, 3), {}, { isHealthy: () => true }).decisions, []);
  assert.deepEqual(tally(all(claim, 3), { ejectsUpstreams: false }).decisions, []);
});
