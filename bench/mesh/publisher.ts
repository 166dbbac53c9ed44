import { randomBytes } from "node:crypto";
import type { LimitStoreConfig } from "../../src/config/config.ts";
import { openMeshLink } from "../../src/control/mesh-link.ts";
import type { Claim } from "../../src/mesh/claim.ts";
import { readIdentity } from "../../src/mesh/identity.ts";
import { KeyRing } from "../../src/mesh/key-ring.ts";
import { MeshNode } from "../../src/mesh/node.ts";

/** The other edges of claims.ts, in one process: each says as much as it is told. */
export interface PublisherOrder {
  readonly store: LimitStoreConfig;
  readonly channel: string;
  readonly cluster: string;
  readonly clusterKey: string;
  readonly seeds: readonly string[];
  readonly trusted: readonly string[];
  readonly claimsPerSec: number;
  readonly addresses: number;
}

const TURN_MS = 100;

process.on("message", (order: PublisherOrder) => {
  const link = openMeshLink({
    config: order.store,
    channel: order.channel,
    onEnvelope: () => {},
    onUp: () => {},
    onDown: console.error,
  });
  const ring = new KeyRing({
    pinned: order.trusted.map((id) => ({ id, operator: id })),
    revocation: [],
    trustsFirstUse: false,
    learned: { introduced: [], firstUse: [], revoked: [] },
  });
  const share = Math.floor(order.addresses / order.seeds.length);
  for (const [number, seed] of order.seeds.entries()) {
    const node = new MeshNode({
      identity: readIdentity(seed),
      cluster: order.cluster,
      clusterKeys: [Buffer.from(order.clusterKey, "hex")],
      terms: { ring, limits: { claimsPerSec: 1, burst: 255 }, rule: { quorum: 3, score: 9500 } },
      boot: randomBytes(16).toString("hex"),
      floors: new Map(),
      wallMs: Date.now,
      notice: () => {},
      count: () => {},
    });
    let next = 0;
    setInterval(() => {
      const claims: Claim[] = [];
      for (let i = 0; i < (order.claimsPerSec * TURN_MS) / 1000; i++) {
        next = (next + 1) % share;
        const subject = `4cc${(number * share + next).toString(16).padStart(6, "0")}`;
        claims.push({
          kind: "ip_reputation",
          subject,
          atMs: Date.now(),
          ttlSecs: 600,
          score: 9000,
          reason: "waf",
        });
      }
      link.publish(node.publish(claims).map(({ bytes }) => bytes));
    }, TURN_MS);
  }
});
process.on("disconnect", () => process.exit(0));
