import assert from "node:assert/strict";
import { test } from "node:test";
import type { GateContext } from "../../src/gate/context.ts";
import { checkMeshScore, MeshDesk } from "../../src/gate/mesh-score.ts";
import { CanonicalRequest, FIELD_SLOTS, NAME_START, VALUE_END } from "../../src/http/request.ts";
import { buildAddressSet, parseAddress, parseCidr } from "../../src/identity/address.ts";
import { buildScoreTable, scoreKey } from "../../src/identity/score-table.ts";
import { reasons } from "../../src/reason.ts";

const client = "203.0.113.7";
const context = (own: Partial<GateContext> = {}): GateContext =>
  ({
    lists: undefined,
    internalNetworks: buildAddressSet([]),
    trustedProxies: buildAddressSet([]),
    ...own,
  }) as GateContext;

/** What the gate says of the client, and what the upstream is told. */
function ask(score: number, isDenied: boolean, own: Partial<GateContext> = {}, isMalformed = false) {
  const desk = new MeshDesk();
  const [high, low] = scoreKey(parseAddress(client)!);
  desk.scores = { plain: buildScoreTable([{ high, low, score, isDenied }], 1), hashed: undefined };
  const request = new CanonicalRequest();
  request.clientIp = parseAddress(client)!;
  request.clientAddress = client;
  request.clientMalformed = isMalformed;
  const reason = checkMeshScore(request, desk, context(own));
  const lines = Array.from({ length: request.fieldCount }, (_, i) =>
    Buffer.from(
      request.arena.subarray(
        request.fields[i * FIELD_SLOTS + NAME_START],
        request.fields[i * FIELD_SLOTS + VALUE_END],
      ),
    ).toString("latin1"),
  );
  return { reason, lines };
}

test("the upstream is told a score with three decimals, cut and never rounded up", () => {
  assert.deepEqual(ask(9999, false), { reason: undefined, lines: ["X-Zion-Mesh-Score: 0.999"] });
  assert.deepEqual(ask(10_000, false).lines, ["X-Zion-Mesh-Score: 1.000"]);
  assert.deepEqual(ask(0, false).lines, []);
});

test("whom a quorum reports is refused, but for proxies, internal networks and who is exempt", () => {
  const all = buildAddressSet([parseCidr("203.0.113.0/24")!]);
  assert.equal(ask(9500, true).reason, reasons.meshScore);
  assert.equal(ask(9500, true, { internalNetworks: all }).reason, undefined);
  assert.equal(ask(9500, true, { trustedProxies: all }).reason, undefined);
  const [low] = [parseAddress(client)!.w3];
  const ranges = { v4: Uint32Array.of(low, low), v6: new Uint32Array() };
  const exempt = [{ name: "ours", ranges, userAgents: [], isSlow: false, counts: { matches: 0 } }];
  assert.equal(ask(9500, true, { lists: { exempt, deny: [], allow: [] } }).reason, undefined);
});

test("behind a forwarding chain that cannot be read nobody is scored: the address is a proxy's", () => {
  assert.deepEqual(ask(9500, true, {}, true), { reason: undefined, lines: [] });
});
