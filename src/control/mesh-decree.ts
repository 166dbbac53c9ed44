import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { LimitStoreConfig, MeshConfig } from "../config/config.ts";
import type { Claim } from "../mesh/claim.ts";
import { parseClusterKeys } from "../mesh/envelope.ts";
import type { Identity } from "../mesh/identity.ts";
import { KeyRing } from "../mesh/key-ring.ts";
import { MeshNode } from "../mesh/node.ts";
import { systemClock } from "../std/clock.ts";
import { channelOf, DECREES, openMeshLink } from "./mesh-link.ts";

/** Puts what a revocation key says where all edges hear it now, and later ones find it. Throws why it cannot. */
export async function publishDecree(
  mesh: MeshConfig,
  store: LimitStoreConfig,
  identity: Identity,
  claim: Claim,
): Promise<void> {
  const node = new MeshNode({
    identity,
    cluster: mesh.cluster,
    clusterKeys: parseClusterKeys(readFileSync(mesh.clusterKeyPath, "utf8")),
    terms: {
      ring: new KeyRing({
        pinned: [],
        revocation: mesh.revocation,
        trustsFirstUse: false,
        learned: { introduced: [], firstUse: [], revoked: [] },
      }),
      limits: { claimsPerSec: mesh.claimsPerSec, burst: mesh.claimBurst },
      rule: { quorum: mesh.quorum, score: mesh.quorumScore },
    },
    boot: randomBytes(16).toString("hex"),
    floors: new Map(),
    wallMs: systemClock.wallMs,
    notice: () => {},
    count: () => {},
  });
  const up = Promise.withResolvers<void>();
  const link = openMeshLink({
    config: store,
    channel: channelOf(mesh.cluster),
    onEnvelope: () => {},
    onUp: up.resolve,
    onDown: (problem) => up.reject(new Error(problem)),
  });
  try {
    await up.promise;
    const sealed = node.publish([claim]).map(({ bytes }) => bytes);
    link.publish(sealed);
    const present: Buffer[] = [];
    for await (const envelopes of link.fetch(DECREES)) present.push(...envelopes);
    if (!(await link.keep(DECREES, [...present, ...sealed]))) throw new Error("the store went away");
  } finally {
    link.close();
  }
}
