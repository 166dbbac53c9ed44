import { createHash } from "node:crypto";
import type { Claim } from "../../src/mesh/claim.ts";
import { type Identity, readIdentity } from "../../src/mesh/identity.ts";
import { KeyRing, type KeyRingOptions } from "../../src/mesh/key-ring.ts";
import { MeshNode, type MeshNotice, type NodeOptions } from "../../src/mesh/node.ts";

/** A moment of the wall clock. */
export const NOON = Date.UTC(2026, 10, 22, 12);
export const CLUSTER_KEY = createHash("sha256").update("the cluster's").digest();

/** The same key for the same name. */
export function identityOf(name: string): Identity {
  return readIdentity(createHash("sha256").update(name).digest("hex"));
}

export function ringOf(names: readonly string[], options: Partial<KeyRingOptions> = {}): KeyRing {
  return new KeyRing({
    pinned: names.map((name) => ({ id: identityOf(name).id, operator: name })),
    revocation: [],
    trustsFirstUse: false,
    learned: { introduced: [], firstUse: [], revoked: [] },
    ...options,
  });
}

/** A node with what it counted and noticed. */
export function edge(name: string, ring: KeyRing, options: Partial<NodeOptions> = {}) {
  const rejected: Record<string, number> = {};
  const notices: MeshNotice[] = [];
  const time = { ms: NOON };
  const node = new MeshNode({
    identity: identityOf(name),
    cluster: "test",
    clusterKeys: [CLUSTER_KEY],
    terms: { ring, limits: { claimsPerSec: 1000, burst: 256 }, rule: { quorum: 3, score: 9500 } },
    boot: createHash("sha256").update(`boot of ${name}`).digest("hex").slice(0, 32),
    floors: new Map(),
    wallMs: () => time.ms,
    notice: (notice) => notices.push(notice),
    count: (reason, claims) => {
      rejected[reason] = (rejected[reason] ?? 0) + claims;
    },
    ...options,
  });
  return { node, rejected, notices, time };
}

export function reputation(subject: string, score = 10_000, atMs = NOON, ttlSecs = 600): Claim {
  return { kind: "ip_reputation", atMs, ttlSecs, subject, score, reason: "waf" };
}
