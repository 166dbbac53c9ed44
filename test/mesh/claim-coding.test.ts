import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Claim, claimKey } from "../../src/mesh/claim.ts";
import { claimProblem, decodeClaims, encodeClaim, encodeClaims } from "../../src/mesh/claim-coding.ts";
import { hashedSubject, subjectOfClient } from "../../src/mesh/subject.ts";
import { NOON, reputation } from "./edge.ts";

/** fast-check's own records have no prototype now and then. */
const record: typeof fc.record = (model: object) =>
  fc.record(model as never, { noNullPrototype: true }) as never;
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString("hex"));
const dated = {
  atMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  ttlSecs: fc.integer({ min: 0, max: 2 ** 24 - 1 }),
};
export const anyClaim: fc.Arbitrary<Claim> = fc.oneof(
  record({
    kind: fc.constant("ip_reputation" as const),
    ...dated,
    subject: fc.oneof(
      hex(4).map((text) => `4${text}`),
      hex(8).map((text) => `6${text}`),
      hex(16).map((text) => `h${text}`),
    ),
    score: fc.integer({ min: 0, max: 65_535 }),
    reason: fc.constantFrom(
      "other" as const,
      "waf" as const,
      "limit" as const,
      "ban" as const,
      "operator" as const,
    ),
  }),
  record({ kind: fc.constant("upstream_unhealthy" as const), ...dated, endpoint: hex(16) }),
  record({
    kind: fc.constant("rule_hits" as const),
    ...dated,
    rule: fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
    count: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  record({ kind: fc.constant("identity_introduced" as const), ...dated, key: hex(32), proof: hex(64) }),
  record({ kind: fc.constant("identity_revoked" as const), ...dated, key: hex(32) }),
  record({
    kind: fc.constant("quorum_policy" as const),
    ...dated,
    quorum: fc.integer({ min: 0, max: 255 }),
    score: fc.integer({ min: 0, max: 65_535 }),
  }),
  record({
    kind: fc.constant("audit_head" as const),
    ...dated,
    log: hex(16),
    size: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    root: hex(32),
  }),
  record({
    kind: fc.constant("state_digest" as const),
    ...dated,
    count: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    digest: hex(8),
  }),
);

test("every list of claims comes back as it went, in one order", () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyClaim, { selector: claimKey, maxLength: 20 }), (claims) => {
      const sorted = [...claims].sort((a, b) => (claimKey(a) < claimKey(b) ? -1 : 1));
      assert.deepEqual(decodeClaims(encodeClaims(claims)), { claims: sorted, unknown: 0 });
    }),
  );
});

test("bytes that are read have one form: printed again they are the same", () => {
  const mutated = fc
    .tuple(
      fc.uniqueArray(anyClaim, { selector: claimKey, minLength: 1, maxLength: 5 }),
      fc.nat(),
      fc.nat(255),
    )
    .map(([claims, at, value]) => {
      const bytes = encodeClaims(claims);
      bytes[at % bytes.length] = value;
      return bytes;
    });
  fc.assert(
    fc.property(mutated, (bytes) => {
      const decoded = decodeClaims(bytes);
      if (decoded === undefined || decoded.unknown > 0) return;
      assert.deepEqual(encodeClaims(decoded.claims), bytes);
    }),
    { numRuns: 2000 },
  );
});

test("no bytes make the reader throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
      decodeClaims(Buffer.from(bytes));
    }),
    { numRuns: process.env["ZION_FULL"] === "1" ? 200_000 : 2000 },
  );
});

test("a list cut at any place is no list, or a shorter one", () => {
  const whole = encodeClaims([
    reputation("4cb007107"),
    reputation("4cb007108"),
    reputation("62001db8000000001"),
  ]);
  for (let end = 0; end < whole.length; end++) {
    const decoded = decodeClaims(whole.subarray(0, end));
    if (decoded !== undefined) assert.deepEqual(encodeClaims(decoded.claims), whole.subarray(0, end));
  }
});

test("the same thing twice, or out of order, is refused", () => {
  const one = encodeClaim(reputation("4cb007107"));
  const two = encodeClaim(reputation("4cb007108"));
  assert.ok(decodeClaims(Buffer.concat([one, two])));
  assert.equal(decodeClaims(Buffer.concat([two, one])), undefined);
  assert.equal(decodeClaims(Buffer.concat([one, one])), undefined);
});

test("claims of a type that a later version has are skipped and counted", () => {
  const later = Buffer.from([99, 3, 1, 2, 3]);
  const decoded = decodeClaims(Buffer.concat([encodeClaim(reputation("4cb007107")), later]));
  assert.equal(decoded?.claims.length, 1);
  assert.equal(decoded?.unknown, 1);
});

test("nobody can claim anything about addresses that are no client's", () => {
  for (const address of [
    "0.0.0.0",
    "127.0.0.1",
    "10.1.2.3",
    "192.168.0.1",
    "172.16.9.9",
    "169.254.1.1",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::/64",
    "::1",
    "fd00::/64",
    "fe80::/64",
    "ff02::1",
  ])
    assert.equal(subjectOfClient(address), undefined, address);
  assert.equal(claimProblem(reputation("47f000001"), NOON), "address");
  assert.equal(subjectOfClient("203.0.113.7"), "4cb007107");
  assert.equal(subjectOfClient("2001:db8:0:1::/64"), "620010db800000001");
});

test("a score above one, a time in the future and a life without end are invalid", () => {
  assert.equal(claimProblem(reputation("4cb007107", 10_001), NOON), "score");
  assert.equal(claimProblem(reputation("4cb007107", 1, NOON + 1), NOON), "future");
  assert.equal(claimProblem(reputation("4cb007107", 1, NOON, 86_401), NOON), "ttl");
  assert.equal(claimProblem(reputation("4cb007107", 1, NOON, 0), NOON), "ttl");
  assert.equal(claimProblem(reputation("4cb007107"), NOON), undefined);
});

test("a hash says the same to everybody with the key, and nothing to others", () => {
  const subject = subjectOfClient("203.0.113.7")!;
  assert.equal(hashedSubject(subject, Buffer.alloc(32, 1)), hashedSubject(subject, Buffer.alloc(32, 1)));
  assert.notEqual(hashedSubject(subject, Buffer.alloc(32, 1)), hashedSubject(subject, Buffer.alloc(32, 2)));
  assert.match(hashedSubject(subject, Buffer.alloc(32, 1)), /^h[0-9a-f]{32}$/);
});
