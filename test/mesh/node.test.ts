import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Claim } from "../../src/mesh/claim.ts";
import { encodeClaims } from "../../src/mesh/claim-coding.ts";
import {
  bodyKeyOf,
  clusterId,
  ENVELOPE_BYTES_MAX,
  openBody,
  readEnvelope,
  sealEnvelope,
} from "../../src/mesh/envelope.ts";
import { introductionText } from "../../src/mesh/identity.ts";
import { CLUSTER_KEY, edge, identityOf, NOON, reputation, ringOf } from "./edge.ts";

const ATTACKER = "4cb007107";
const all = ["ann", "ben", "cid", "dee", "eve"];
const scoreOf = (node: ReturnType<typeof edge>["node"], subject = ATTACKER) =>
  node.judge("ip_reputation", `1:${subject}`);

/** An envelope as no honest edge makes it. */
function forged(
  signer: string,
  body: Buffer,
  head: Partial<{
    cluster: string;
    sequence: number;
    atMs: number;
    claims: number;
    key: Buffer;
    as: string;
  }> = {},
): Buffer {
  const boot = "00".repeat(16);
  const identity = { ...identityOf(signer), id: identityOf(head.as ?? signer).id };
  return sealEnvelope(
    {
      cluster: clusterId(head.cluster ?? "test"),
      boot,
      sequence: head.sequence ?? NOON * 1000,
      atMs: head.atMs ?? NOON,
      claims: head.claims ?? 1,
    },
    body,
    identity,
    bodyKeyOf(head.key ?? CLUSTER_KEY, identity.id, boot),
  ).bytes;
}

const claimed = encodeClaims([reputation(ATTACKER)]);

test("ME1: garbage of any length is `decode` or `version`, and changes nothing", () => {
  const { node } = edge("ann", ringOf(all));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      const { rejected } = node.receive(Buffer.from(bytes));
      assert.match(String(rejected), /^(?:decode|version|cluster)$/);
    }),
    { numRuns: process.env["ZION_FULL"] === "1" ? 100_000 : 2000 },
  );
  for (const length of [0, 1, 2048, 2049, 65_507])
    assert.equal(node.receive(Buffer.alloc(length, 1)).rejected === undefined, false);
  assert.equal(node.store.size, 0);
});

test("ME2: an envelope that is cut, or changed in any byte, is refused", () => {
  const sender = edge("ben", ringOf(all));
  const [sealed] = sender.node.publish([reputation(ATTACKER), reputation("4cb007108")]);
  const { bytes } = sealed!;
  for (let end = 0; end < bytes.length; end++)
    assert.ok(edge("ann", ringOf(all)).node.receive(bytes.subarray(0, end)).rejected !== undefined);
  const reader = edge("ann", ringOf(all)).node;
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ 1;
    assert.ok(reader.receive(changed).rejected !== undefined, `byte ${at}`);
  }
  assert.equal(reader.store.size, 0);
  assert.equal(reader.receive(bytes).rejected, undefined);
});

test("ME3: who is not pinned is not heard, before anything of it is decrypted", () => {
  const { node, rejected } = edge("ann", ringOf(["ann", "ben"]));
  assert.equal(node.receive(forged("mallory", claimed)).rejected, "unknown_peer");
  assert.deepEqual(rejected, { unknown_peer: 1 });
});

test("ME4: a signature of somebody else, and a key whose signatures fit everything, say nothing", () => {
  const { node, notices } = edge("ann", ringOf(all));
  assert.equal(node.receive(forged("mallory", claimed, { as: "ben" })).rejected, "signature");
  assert.deepEqual(notices, [{ what: "forged", key: identityOf("ben").id }]);
  const small = ringOf([], { pinned: [{ id: "00".repeat(32), operator: "x" }] });
  assert.equal(small.find("00".repeat(32)), undefined);
});

test("ME4: who has not the cluster's key is refused before a signature is verified", () => {
  const { node, notices } = edge("ann", ringOf(all));
  assert.equal(
    node.receive(forged("mallory", claimed, { as: "ben", key: Buffer.alloc(32) })).rejected,
    "seal",
  );
  assert.deepEqual(notices, []);
});

test("ME5: the same again, again after a restart, or from another hour, is refused", () => {
  const { node, time } = edge("ann", ringOf(all));
  const bytes = forged("ben", claimed);
  assert.equal(node.receive(bytes).rejected, undefined);
  assert.equal(node.receive(bytes).rejected, "replay");
  const restarted = edge("ann", ringOf(all), { floors: node.floors }).node;
  assert.equal(restarted.receive(bytes).rejected, "replay");
  assert.equal(node.receive(forged("ben", claimed, { sequence: 1 })).rejected, "replay");
  for (const atMs of [NOON - 25 * 3_600_000, NOON - 60_001, NOON + 60_001])
    assert.equal(node.receive(forged("ben", claimed, { atMs, sequence: NOON * 1001 })).rejected, "window");
  time.ms += 61_000;
  assert.equal(node.receive(bytes).rejected, "window");
});

test("ME6: a peer that is too fast is held to its rate, and kept out after a minute of it", () => {
  const sender = edge("ben", ringOf(all));
  const { node, rejected, notices, time } = edge("ann", ringOf(all));
  for (let ms = 0; ms < 80_000; ms += 50) {
    time.ms = sender.time.ms = NOON + ms;
    const claims = Array.from({ length: 100 }, (_, i) =>
      reputation(`4cc00${((ms / 50) % 16).toString(16)}0${i.toString(16).padStart(2, "0")}`, 1, time.ms),
    );
    for (const { bytes } of sender.node.publish(claims)) node.receive(bytes);
  }
  assert.ok(rejected["rate"]! > 10_000);
  assert.ok(rejected["quarantined"]! > 0);
  assert.deepEqual(notices, [{ what: "quarantined", key: identityOf("ben").id }]);
});

test("ME6: whoever writes in a peer's name uses up nothing of its rate", () => {
  const { node } = edge("ann", ringOf(all));
  for (let i = 0; i < 1000; i++)
    node.receive(
      forged("mallory", claimed, {
        as: "ben",
        key: Buffer.alloc(32),
        claims: 255,
        sequence: NOON * 1000 + i,
      }),
    );
  assert.equal(node.receive(forged("ben", claimed)).rejected, undefined);
});

test("ME6: whoever writes in a busy peer's name has nobody kept out", () => {
  const sender = edge("ben", ringOf(all));
  const { node, notices, time } = edge("ann", ringOf(all));
  let sequence = NOON * 1000 + 1_000_000_000;
  for (let ms = 0; ms < 80_000; ms += 50) {
    time.ms = sender.time.ms = NOON + ms;
    const claims = Array.from({ length: 30 }, (_, i) =>
      reputation(`4cc0001${i.toString(16).padStart(2, "0")}`, 1, time.ms),
    );
    for (const { bytes } of sender.node.publish(claims))
      assert.equal(node.receive(bytes).rejected, undefined);
    // As many claims as there can be: more than are left of the peer's rate.
    const head = { as: "ben", key: Buffer.alloc(32), claims: 255, atMs: time.ms, sequence: ++sequence };
    assert.match(String(node.receive(forged("mallory", claimed, head)).rejected), /^(?:rate|seal)$/);
  }
  assert.deepEqual(notices, []);
});

test("ME8, ME9: claims that make no sense are left out, the rest is taken", () => {
  const { node, rejected } = edge("ann", ringOf(all));
  const claims: Claim[] = [reputation("47f000001"), reputation(ATTACKER), reputation("4cb007109", 60_000)];
  node.receive(forged("ben", encodeClaims(claims), { claims: 3 }));
  assert.deepEqual(rejected, { claim_invalid: 2 });
  assert.equal(node.store.size, 1);
});

test("ME10: a single peer, and one less than the quorum, give a score and no quorum", () => {
  const { node } = edge("ann", ringOf(all));
  node.receive(forged("ben", claimed));
  assert.deepEqual(scoreOf(node), { score: 10_000, voices: 1, isQuorum: false });
  node.receive(forged("cid", claimed));
  assert.deepEqual(scoreOf(node), { score: 10_000, voices: 2, isQuorum: false });
  node.receive(forged("dee", claimed));
  assert.deepEqual(scoreOf(node), { score: 10_000, voices: 3, isQuorum: true });
});

test("what an edge saw itself is one of the voices", () => {
  const { node } = edge("ann", ringOf(all));
  node.publish([reputation(ATTACKER)]);
  for (const name of ["ben", "cid"]) node.receive(forged(name, claimed));
  assert.equal(scoreOf(node).isQuorum, true);
});

test("ME11: three keys of one operator are one voice", () => {
  const pinned = ["ben", "cid", "dee"].map((name) => ({ id: identityOf(name).id, operator: "one host" }));
  const { node } = edge("ann", ringOf([], { pinned }));
  for (const name of ["ben", "cid", "dee"]) node.receive(forged(name, claimed));
  assert.deepEqual(scoreOf(node), { score: 10_000, voices: 1, isQuorum: false });
});

test("a score that is no longer high enough is no voice, and none at the end of its time", () => {
  const { node, time } = edge("ann", ringOf(all));
  for (const name of ["ben", "cid", "dee"]) node.receive(forged(name, claimed));
  time.ms = NOON + 300_000;
  assert.equal(scoreOf(node).isQuorum, true);
  time.ms = NOON + 450_000;
  assert.deepEqual(scoreOf(node), { score: 5000, voices: 0, isQuorum: false });
  time.ms = NOON + 600_000;
  assert.equal(scoreOf(node).score, 0);
});

const revoked = (name: string): Claim => ({
  kind: "identity_revoked",
  atMs: NOON,
  ttlSecs: 1,
  key: identityOf(name).id,
});

test("ME12: an edge revokes nobody, neither itself nor another", () => {
  const { node, rejected } = edge("ann", ringOf(all));
  node.receive(forged("ben", encodeClaims([revoked("ben"), revoked("cid")].slice(0, 1))));
  node.receive(forged("cid", encodeClaims([revoked("ben")])));
  assert.deepEqual(rejected, { unauthorised: 2 });
  assert.equal(node.receive(forged("ben", claimed, { sequence: NOON * 1000 + 1 })).rejected, undefined);
});

test("a revocation key takes an edge out with all that it said, and stays believed when it is old", () => {
  const ring = ringOf(all, { revocation: [identityOf("root").id] });
  const { node, rejected, time } = edge("ann", ring);
  node.receive(forged("ben", claimed));
  time.ms += 86_400_000;
  assert.equal(node.receive(forged("root", encodeClaims([revoked("ben")]))).rejected, undefined);
  assert.equal(node.store.size, 0);
  assert.equal(node.receive(forged("ben", claimed, { atMs: time.ms })).rejected, "revoked");
  assert.equal(node.decrees.size, 1);
  // It says nothing of clients.
  node.receive(forged("root", claimed));
  assert.equal(rejected["unauthorised"], 1);
});

test("a policy can ask for more voices, never for fewer", () => {
  const ring = ringOf(all, { revocation: [identityOf("root").id] });
  const { node } = edge("ann", ring);
  const policy = (quorum: number, atMs: number): Buffer =>
    encodeClaims([{ kind: "quorum_policy", atMs, ttlSecs: 1, quorum, score: 9900 }]);
  node.receive(forged("root", policy(1, NOON - 2)));
  assert.deepEqual(node.rule, { quorum: 3, score: 9900 });
  node.receive(forged("root", policy(5, NOON - 1)));
  assert.deepEqual(node.rule, { quorum: 5, score: 9900 });
  // An older one that somebody kept.
  node.receive(forged("root", policy(2, NOON - 3)));
  assert.equal(node.rule.quorum, 5);
});

test("a key introduces the next one, which speaks with the same voice", () => {
  const { node } = edge("ann", ringOf(["ann", "ben", "cid"]));
  const ben = edge("ben", ringOf([])).node;
  for (const { bytes } of ben.introduce(identityOf("ben two"))) node.receive(bytes);
  node.receive(forged("ben", claimed, { sequence: NOON * 2000 }));
  assert.equal(node.receive(forged("ben two", claimed)).rejected, undefined);
  assert.deepEqual(scoreOf(node), { score: 10_000, voices: 1, isQuorum: false });
});

test("nobody introduces a key that did not agree, nor two", () => {
  const { node, rejected, notices } = edge("ann", ringOf(all));
  const introduce = (next: string, signer: string): Buffer => {
    const proof = identityOf(signer).sign(introductionText(identityOf("ben").id, identityOf(next).id));
    const key = identityOf(next).id;
    return encodeClaims([
      { kind: "identity_introduced", atMs: NOON, ttlSecs: 60, key, proof: proof.toString("hex") },
    ]);
  };
  node.receive(forged("ben", introduce("next", "ben")));
  assert.deepEqual(rejected, { claim_invalid: 1 });
  node.receive(forged("ben", introduce("next", "next"), { sequence: NOON * 1000 + 1 }));
  node.receive(forged("ben", introduce("other", "other"), { sequence: NOON * 1000 + 2 }));
  assert.deepEqual(
    notices.map(({ what }) => what),
    ["introduced", "quarantined"],
  );
});

test("an edge that introduces one key after the other takes nobody's place", () => {
  const ring = ringOf(all);
  const introduce = (before: string, next: string) => {
    const { id, sign } = identityOf(next);
    const proof = sign(introductionText(identityOf(before).id, id)).toString("hex");
    return ring.introduce(identityOf(before).id, id, proof);
  };
  let count = 0;
  // Only who is trusted is heard.
  for (let last = "ben"; count < 400 && ring.find(identityOf(last).id) !== undefined; count++) {
    const next = `ben ${count}`;
    introduce(last, next);
    last = next;
  }
  assert.equal(count, 17);
  assert.equal(introduce("cid", "cid 2"), "new");
});

test("ME13: another version, and claims of a later one, are left alone and counted", () => {
  const { node, rejected } = edge("ann", ringOf(all));
  const other = forged("ben", claimed);
  other[0] = 2;
  assert.equal(node.receive(other).rejected, "version");
  node.receive(forged("ben", Buffer.concat([claimed, Buffer.from([200, 1, 0])]), { claims: 2 }));
  assert.deepEqual(rejected, { version: 1, unknown_claim: 1 });
  assert.equal(node.store.size, 1);
});

test("another cluster is not heard, even with the same key", () => {
  const { node } = edge("ann", ringOf(all));
  assert.equal(node.receive(forged("ben", claimed, { cluster: "other" })).rejected, "cluster");
});

test("a signer that says two things under one number is kept out, with all it said", () => {
  const { node, notices } = edge("ann", ringOf(all));
  node.receive(forged("ben", claimed));
  assert.equal(
    node.receive(forged("ben", encodeClaims([reputation("4cb007108")]))).rejected,
    "contradiction",
  );
  assert.deepEqual(notices, [{ what: "quarantined", key: identityOf("ben").id }]);
  assert.equal(scoreOf(node).score, 0);
});

test("while the cluster's key is replaced, nobody makes two words out of one by sealing it again", () => {
  const nextKey = Buffer.alloc(32, 9);
  const bytes = forged("ben", claimed);
  const envelope = readEnvelope(bytes);
  assert.ok(typeof envelope !== "string");
  const body = openBody(envelope, bodyKeyOf(CLUSTER_KEY, envelope.signer, envelope.boot))!;
  const again = sealEnvelope(
    envelope,
    body.claims,
    { id: envelope.signer, sign: () => body.signature },
    bodyKeyOf(nextKey, envelope.signer, envelope.boot),
  ).bytes;
  for (const [first, second] of [
    [bytes, again],
    [again, bytes],
  ] as const) {
    const { node, notices } = edge("ann", ringOf(all), { clusterKeys: [CLUSTER_KEY, nextKey] });
    assert.equal(node.receive(first).rejected, undefined);
    assert.equal(node.receive(second).rejected, "replay");
    assert.deepEqual(notices, []);
    assert.equal(
      node.receive(forged("ben", encodeClaims([reputation("4cb007109")]))).rejected,
      "contradiction",
    );
  }
});

test("an audit log that became shorter is noticed", () => {
  const { node, notices } = edge("ann", ringOf(all));
  const head = (size: number, atMs: number): Buffer =>
    encodeClaims([
      { kind: "audit_head", atMs, ttlSecs: 600, log: "11".repeat(16), size, root: "22".repeat(32) },
    ]);
  node.receive(forged("ben", head(100, NOON - 2)));
  node.receive(forged("ben", head(90, NOON - 1), { sequence: NOON * 1000 + 1 }));
  assert.deepEqual(notices, [
    { what: "audit_fork", key: identityOf("ben").id, log: "11".repeat(16), size: 90 },
  ]);
});

test("keys of first use are heard only where that is asked for, and are one voice together", () => {
  assert.equal(edge("ann", ringOf(["ann"])).node.receive(forged("x", claimed)).rejected, "unknown_peer");
  const ring = ringOf(["ann"], { trustsFirstUse: true });
  const { node, notices } = edge("ann", ring);
  // Without the cluster's key nobody is remembered.
  node.receive(forged("y", claimed, { key: Buffer.alloc(32) }));
  for (const name of ["x", "z", "w"]) node.receive(forged(name, claimed));
  assert.equal(notices.filter(({ what }) => what === "first_use").length, 3);
  assert.equal(ring.learned.firstUse.length, 3);
  assert.equal(scoreOf(node).voices, 1);
});

test("a beacon shows who missed something, and restating it brings both to the same state", () => {
  const ben = edge("ben", ringOf(all)).node;
  const { node } = edge("ann", ringOf(all));
  ben.publish([reputation(ATTACKER), reputation("4cb007108")]);
  node.receive(ben.beacon().bytes);
  assert.deepEqual(node.takeBehind(), [ben.id]);
  for (const { bytes } of ben.restate()) node.receive(bytes, true);
  node.receive(ben.beacon().bytes);
  assert.deepEqual(node.takeBehind(), []);
  assert.equal(scoreOf(node).score, 10_000);
});

test("envelopes are as few as hold their claims, and none has more than 2 KiB", () => {
  const { node } = edge("ann", ringOf(all));
  const claims = Array.from({ length: 1000 }, (_, i) =>
    reputation(`4cc00${i.toString(16).padStart(4, "0")}`),
  );
  const envelopes = node.publish(claims);
  assert.equal(envelopes.length, 11);
  for (const { bytes } of envelopes) assert.ok(bytes.length <= ENVELOPE_BYTES_MAX);
});

test("in whatever order and however often envelopes come, an edge believes the same", () => {
  const senders = ["ben", "cid", "dee"].map((name) => edge(name, ringOf(all)).node);
  const envelopes = senders
    .flatMap((sender, index) =>
      [0, 1, 2, 3].flatMap((round) =>
        sender.publish(
          [0, 1, 2].map((i) =>
            reputation(`4cb00710${(i + index + round) % 5}`, round * 1000, NOON - 10 + round),
          ),
        ),
      ),
    )
    .map(({ bytes }) => bytes);
  const believed = (order: readonly Buffer[]): readonly object[] => {
    const { node } = edge("ann", ringOf(all));
    for (const bytes of order) node.receive(bytes);
    return [0, 1, 2, 3, 4].map((i) => scoreOf(node, `4cb00710${i}`));
  };
  const expected = believed(envelopes);
  fc.assert(
    fc.property(
      fc.shuffledSubarray([...envelopes, ...envelopes], { minLength: 24, maxLength: 24 }),
      (order) => {
        assert.deepEqual(believed(order), expected);
      },
    ),
    { numRuns: 30 },
  );
});
