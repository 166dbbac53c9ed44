import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { JsonObject } from "../audit/canonical.ts";
import { buildAddressSet, parseCidr } from "../identity/address.ts";
import { type Claim, claimKey, type Dated } from "../mesh/claim.ts";
import { RULE_BYTES_MAX } from "../mesh/claim-coding.ts";
import { addressKeyOf, parseClusterKeys } from "../mesh/envelope.ts";
import { readIdentity } from "../mesh/identity.ts";
import { KeyRing } from "../mesh/key-ring.ts";
import { MeshNode, type MeshNotice, type NodeTerms, type RejectReason, type Sealed } from "../mesh/node.ts";
import { Observed } from "../mesh/observed.ts";
import { Probed } from "../mesh/probed.ts";
import { hashedSubject, type Subject, subjectOfClient } from "../mesh/subject.ts";
import { forgetOldest } from "../std/forget-oldest.ts";
import { fetchOnce } from "./mesh-fetch.ts";
import { meshFigures } from "./mesh-figures.ts";
import { channelOf, DECREES, type MeshLink, openMeshLink } from "./mesh-link.ts";
import type { FromMesh, MeshSettings, ToMesh } from "./mesh-order.ts";
import { readMeshMemory, writeMeshMemory } from "./mesh-state-file.ts";
import { endpointId, MeshTally } from "./mesh-tally.ts";

/** What is observed waits this long for more, to share envelopes. */
const FLUSH_MS = 20;
/** Observations that wait; more are dropped and counted. */
const PENDING_MAX = 16_384;
/** Between two tallies, and per 10,000 claims: the primary gets a bounded number of bytes a second. */
const TALLY_MS = 100;
/** Scores decay without anybody saying anything. */
const TALLY_LONGEST_MS = 5000;
const STATE_MS = 1000;
const SAVE_MS = 5000;
/** Events of the audit log per second; the next one counts those between. */
const EVENTS_MAX = 50;
/** Clients whose hashes are remembered, to know whom a quorum means. */
const MET_MAX = 25_000;

export interface MeshEdgeOptions {
  readonly settings: MeshSettings;
  readonly wallMs: () => number;
  readonly send: (message: FromMesh) => void;
}

/** The part of the process of the mesh that lives as long as it does. */
export interface MeshEdge {
  hear(message: ToMesh): void;
  stop(): void;
}

/**
 * Holds this edge's key, the cluster's key and the way to the others. What comes from them is read here, where there is
 * no client, no private key of TLS and no command but publishing; the primary gets scores and decisions.
 */
export function openMeshEdge(options: MeshEdgeOptions): MeshEdge {
  const { wallMs, send } = options;
  let { settings } = options;
  const memory = readMeshMemory(settings.stateFile);
  const identity = readIdentity(readFileSync(settings.mesh.identityPath, "utf8"));
  const clusterKeys = parseClusterKeys(readFileSync(settings.mesh.clusterKeyPath, "utf8"));
  const addressKey = addressKeyOf(clusterKeys[0]!);
  const rejected = new Map<RejectReason, number>();
  const decided = new Map<string, number>();
  const counts = { emitted: 0, received: 0, unpublished: 0, bytesIn: 0, bytesOut: 0, forks: 0 };
  const observed = new Observed();
  const tally = new MeshTally();
  const pending = new Map<string, Claim>();
  const probed = new Probed();
  /** Clients that this edge met, by the hash that stands for them. */
  const met = new Map<Subject, string>();
  let terms = termsOf(settings, memory.learned);
  let spared = sparedBy(settings);
  let flushTimer: NodeJS.Timeout | undefined;
  let tallyTimer: NodeJS.Timeout | undefined;
  let talliedMs = 0;
  let isDirty = true;
  let isChanged = false;
  let events = 0;
  let eventsDropped = 0;
  let wasUp = false;
  let comparedMs = 0;

  const node = new MeshNode({
    identity,
    cluster: settings.mesh.cluster,
    clusterKeys,
    terms,
    boot: randomBytes(16).toString("hex"),
    floors: memory.floors,
    wallMs,
    notice: (notice) => onNotice(notice),
    count: (reason, claims) => rejected.set(reason, (rejected.get(reason) ?? 0) + claims),
  });
  for (const decree of memory.decrees) node.receive(decree, true);

  const link: MeshLink = openMeshLink({
    config: settings.store,
    channel: channelOf(settings.mesh.cluster),
    onEnvelope: (bytes) => receive(bytes, false),
    onUp: () => {
      tellNotice("info", "up", "the store of the mesh is there", {});
      tellState();
      void meet();
    },
    onDown: (problem) => {
      // Once, not at every try.
      if (link.errors === 1 || wasUp)
        tellNotice("error", "down", "the store of the mesh is gone", { problem });
      wasUp = false;
      tellState();
    },
  });

  function receive(bytes: Buffer, isAsked: boolean): void {
    counts.bytesIn += bytes.length;
    const { rejected: reason, signer, news, signature, sequence } = node.receive(bytes, isAsked);
    const behind = node.takeBehind();
    if (behind.length > 0) void fetchFrom(behind);
    if (reason !== undefined || news.length === 0) return;
    counts.received += news.length;
    isChanged = true;
    tellEvent("mesh_receive", { claims: news, signer, sequence, signature });
    tallySoon();
  }

  /** Everybody's claims, and ours for everybody: at the start, and whenever the store is back. */
  async function meet(): Promise<void> {
    wasUp = true;
    comparedMs = wallMs();
    await compare();
  }

  /** All that these edges stand by. */
  const fetchFrom = fetchOnce(async (id) => {
    for await (const envelopes of link.fetch(id)) await take(envelopes);
  });

  /** In slices: verifying 64 envelopes takes 7 ms. */
  async function take(envelopes: readonly Buffer[]): Promise<void> {
    for (const bytes of envelopes) receive(bytes, true);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Everything of ours where late joiners find it, and a beacon for those who missed something of it. */
  async function compare(): Promise<void> {
    const { previousIdentityPath } = settings.mesh;
    if (previousIdentityPath !== undefined) introduce(previousIdentityPath);
    await link.keep(
      node.id,
      node.restate().map(({ bytes }) => bytes),
    );
    publish([node.beacon()]);
    // Whoever has decrees puts all of them there, so it looks for others first.
    for await (const envelopes of link.fetch(DECREES)) await take(envelopes);
    if (node.decrees.size > 0) await link.keep(DECREES, [...node.decrees.values()]);
    const sinceMs = comparedMs;
    comparedMs = wallMs();
    await fetchFrom(node.unheardSince(sinceMs));
  }

  /** By the key before: an edge of its own for one envelope. */
  function introduce(path: string): void {
    const previous = new MeshNode({
      identity: readIdentity(readFileSync(path, "utf8")),
      cluster: settings.mesh.cluster,
      clusterKeys,
      terms,
      boot: randomBytes(16).toString("hex"),
      floors: new Map(),
      wallMs,
      notice: () => {},
      count: () => {},
    });
    const sealed = previous.introduce(identity);
    publish(sealed);
    void link.keep(
      previous.id,
      sealed.map(({ bytes }) => bytes),
    );
  }

  function claim(one: Claim): void {
    const key = claimKey(one);
    if (pending.size >= PENDING_MAX && !pending.has(key)) {
      counts.unpublished++;
      return;
    }
    pending.set(key, one);
    flushTimer ??= setTimeout(flush, FLUSH_MS);
  }

  function flush(): void {
    flushTimer = undefined;
    const claims = [...pending.values()];
    pending.clear();
    publish(node.publish(claims));
    tallySoon();
  }

  function publish(envelopes: readonly Sealed[]): void {
    isChanged = true;
    for (const { bytes, claims, sequence, signature } of envelopes) {
      if (!link.isUp) {
        counts.unpublished += claims.length;
        continue;
      }
      counts.bytesOut += bytes.length;
      const told = claims.filter(({ kind }) => kind !== "state_digest");
      counts.emitted += told.length;
      if (told.length > 0) tellEvent("mesh_publish", { claims: told, signer: node.id, sequence, signature });
    }
    link.publish(envelopes.map(({ bytes }) => bytes));
  }

  function reputation(client: string, by: ReturnType<Observed["offended"]>): void {
    if (by === undefined) return;
    const subject = subjectOfClient(client);
    if (subject === undefined) return;
    const block = parseCidr(client)?.first;
    if (block !== undefined && spared.has(block)) return;
    const hashed = hashedSubject(subject, addressKey);
    met.set(hashed, client);
    forgetOldest(met, MET_MAX);
    claim({
      kind: "ip_reputation",
      ...dated(),
      subject: settings.mesh.hashesAddresses ? hashed : subject,
      ...by,
    });
  }

  function unhealthy(url: string, when: Dated | undefined): void {
    if (when !== undefined) claim({ kind: "upstream_unhealthy", endpoint: endpointId(url), ...when });
  }

  function dated(): Dated {
    return { atMs: Math.floor(wallMs()), ttlSecs: settings.mesh.claimTtlSecs };
  }

  function tallySoon(): void {
    isDirty = true;
    const pauseMs = Math.max(TALLY_MS, (node.store.size / 10_000) * TALLY_MS);
    tallyTimer ??= setTimeout(tallyNow, Math.max(0, talliedMs + pauseMs - wallMs()));
  }

  function tallyNow(): void {
    clearTimeout(tallyTimer);
    tallyTimer = undefined;
    isDirty = false;
    talliedMs = wallMs();
    const { scores, decisions } = tally.tell(
      node,
      {
        settings,
        spared,
        addressKey,
        clientOf: (subject) => met.get(subject),
        isHealthy: (url) => probed.isHealthy(url),
      },
      talliedMs,
    );
    for (const { decision } of decisions) decided.set(decision, (decided.get(decision) ?? 0) + 1);
    send({ type: "scores", scores, decisions });
  }

  function onNotice(notice: MeshNotice): void {
    const { what } = notice;
    isChanged = true;
    if (what === "audit_fork") counts.forks++;
    const { what: _, ...fields } = notice;
    const [level, text] = noticeTexts[what];
    tellNotice(level, what, text, fields);
    if (what === "revoked" || what === "quarantined" || what === "policy") tallySoon();
    if (what !== "forged") save();
  }

  function tellNotice(
    level: "info" | "warn" | "error",
    event: string,
    text: string,
    fields: Readonly<Record<string, string | number>>,
  ): void {
    send({ type: "notice", level, event, text, fields });
  }

  function tellEvent(
    kind: "mesh_publish" | "mesh_receive",
    { claims, signer, sequence, signature }: Omit<Sealed, "bytes"> & { readonly signer: string },
  ): void {
    if (events++ >= EVENTS_MAX) {
      eventsDropped++;
      return;
    }
    const kinds = [...new Set(claims.map((one) => one.kind))].sort();
    const data: JsonObject = {
      claims: claims.length,
      kinds,
      ...(eventsDropped > 0 ? { more: eventsDropped } : {}),
      node: signer,
      seq: sequence,
      sig: signature,
    };
    eventsDropped = 0;
    send({ type: "event", kind, data });
  }

  function tellState(): void {
    const facts = { node, link, ring: terms.ring, counts, rejected, decided };
    send({ type: "state", state: meshFigures(facts, wallMs()) });
  }

  function save(): void {
    if (settings.stateFile === undefined || !isChanged) return;
    isChanged = false;
    const { learned } = terms.ring;
    try {
      writeMeshMemory(settings.stateFile, {
        learned,
        floors: node.floors,
        decrees: [...node.decrees.values()],
      });
    } catch (error) {
      tellNotice("error", "state", "what was learned from the mesh cannot be saved", {
        problem: String(error),
      });
    }
  }

  const timers = [
    setInterval(() => {
      events = 0;
      node.store.expire(wallMs());
      if (isDirty || wallMs() - talliedMs >= TALLY_LONGEST_MS) tallySoon();
      tellState();
    }, STATE_MS),
    setInterval(save, SAVE_MS),
  ];
  let compareTimer: NodeJS.Timeout | undefined;
  /** At random within half of its time, so that many edges do not come together. */
  const compareLater = (): void => {
    const pauseMs = settings.mesh.antiEntropySecs * 1000 * (0.75 + Math.random() / 2);
    compareTimer = setTimeout(() => {
      if (link.isUp) void compare();
      const { claimTtlSecs } = settings.mesh;
      for (const url of probed.due(wallMs(), claimTtlSecs))
        unhealthy(url, probed.heard(url, false, Math.floor(wallMs()), claimTtlSecs));
      compareLater();
    }, pauseMs);
  };
  compareLater();

  return {
    hear(message) {
      const nowMs = wallMs();
      const ttlSecs = settings.mesh.claimTtlSecs;
      switch (message.type) {
        case "adopt":
          settings = message.settings;
          terms = termsOf(settings, terms.ring.learned);
          spared = sparedBy(settings);
          node.adopt(terms);
          return tallySoon();
        case "offences":
          for (const [client, waf, limit] of message.offences)
            reputation(client, observed.offended(client, { waf, limit }, nowMs, ttlSecs));
          return;
        case "banned":
          return reputation(message.client, observed.banned(message.client, message.by, nowMs, ttlSecs));
        case "health":
          return unhealthy(
            message.url,
            probed.heard(message.url, message.healthy, Math.floor(nowMs), ttlSecs),
          );
        case "rules":
          for (const [rule, count] of message.hits)
            if (rule.length <= RULE_BYTES_MAX && /^[A-Za-z0-9_.-]+$/.test(rule))
              claim({ kind: "rule_hits", ...dated(), rule, count });
          return;
        case "audit_head":
          return claim({ kind: "audit_head", ...dated(), ...message.head });
      }
    },
    stop() {
      for (const timer of timers) clearInterval(timer);
      for (const timer of [flushTimer, tallyTimer, compareTimer]) clearTimeout(timer);
      isChanged = true;
      save();
      link.close();
    },
  };
}

const noticeTexts: Readonly<Record<MeshNotice["what"], readonly ["info" | "warn" | "error", string]>> = {
  quarantined: ["error", "an edge misbehaves: its claims do not count for a quarter of an hour"],
  forged: ["warn", "somebody with the cluster's key writes in the name of an edge"],
  first_use: ["warn", "a key that came by itself is heard from now on"],
  revoked: ["warn", "a key was revoked: it is not heard any more"],
  introduced: ["info", "an edge has a new key"],
  policy: ["warn", "a policy of the mesh holds"],
  audit_fork: ["error", "the audit log of an edge became shorter, or another one"],
};

function termsOf({ mesh }: MeshSettings, learned: KeyRing["learned"]): NodeTerms {
  return {
    ring: new KeyRing({
      pinned: mesh.trusted,
      revocation: mesh.revocation,
      trustsFirstUse: mesh.trustsFirstUse,
      learned,
    }),
    limits: { claimsPerSec: mesh.claimsPerSec, burst: mesh.claimBurst },
    rule: { quorum: mesh.quorum, score: mesh.quorumScore },
  };
}

/** Proxies, internal networks and this machine's own addresses. */
function sparedBy({ spared }: MeshSettings) {
  const own = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  return buildAddressSet(
    [...spared, ...own].map((cidr) => parseCidr(cidr)).filter((block) => block !== undefined),
  );
}
