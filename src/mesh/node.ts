import { forgetOldest } from "../std/forget-oldest.ts";
import { type Claim, type ClaimKind, claimKey, endsMs, TTL_SECS_MAX } from "./claim.ts";
import { claimProblem, decodeClaims, encodeClaim, encodeClaims } from "./claim-coding.ts";
import { digestOf } from "./digest.ts";
import {
  BODY_BYTES_MAX,
  bodyKeyOf,
  CLAIMS_MAX,
  clusterId,
  type Envelope,
  type OpenedBody,
  openBody,
  readEnvelope,
  sealEnvelope,
  tagUnder,
} from "./envelope.ts";
import { type Identity, introductionText, isSignedBy } from "./identity.ts";
import type { KeyRing, TrustedKey } from "./key-ring.ts";
import { MergeStore } from "./merge-store.ts";
import { Peer, type PeerLimits, POINTS_ALL } from "./peer.ts";
import { judge, type QuorumRule, strictest, type Verdict } from "./verdict.ts";

/** Envelopes are from now, by the clocks of two machines. */
export const WINDOW_MS = 60_000;
export const CLAIMS_KEPT_MAX = 100_000;

/** Why an envelope, or a claim in it, is not taken: the label of `zion_mesh_claims_rejected_total`. */
export const rejectReasons = [
  "decode",
  "version",
  "cluster",
  "unknown_peer",
  "revoked",
  "window",
  "replay",
  "quarantined",
  "rate",
  "seal",
  "signature",
  "contradiction",
  "unauthorised",
  "claim_invalid",
  "unknown_claim",
] as const;
export type RejectReason = (typeof rejectReasons)[number];

export interface Reception {
  /** Undefined: it was taken, perhaps without some of its claims. */
  readonly rejected: RejectReason | undefined;
  readonly signer: string;
  /** Those that were not known before, as they are now. */
  readonly news: readonly Claim[];
  /** For the audit log; "" unless it was taken. */
  readonly signature: string;
  readonly sequence: number;
}

/** What somebody should hear of. */
export type MeshNotice =
  | { readonly what: "quarantined" | "forged" | "first_use" | "revoked"; readonly key: string }
  | { readonly what: "introduced"; readonly key: string; readonly next: string }
  | { readonly what: "policy"; readonly quorum: number; readonly score: number }
  /** An audit log that somebody witnessed became shorter, or another. */
  | { readonly what: "audit_fork"; readonly key: string; readonly log: string; readonly size: number };

/** What a reload may change. */
export interface NodeTerms {
  readonly ring: KeyRing;
  readonly limits: PeerLimits;
  readonly rule: QuorumRule;
}

/** An envelope on its way out. */
export interface Sealed {
  readonly bytes: Buffer;
  readonly sequence: number;
  readonly claims: readonly Claim[];
  readonly signature: string;
}

export interface NodeOptions {
  readonly identity: Identity;
  readonly cluster: string;
  /** The first seals, all open. */
  readonly clusterKeys: readonly Uint8Array[];
  readonly terms: NodeTerms;
  /** 16 random bytes in hex, new for every process. */
  readonly boot: string;
  /** The highest sequences that were seen before the start, by signer. */
  readonly floors: ReadonlyMap<string, number>;
  readonly wallMs: () => number;
  readonly notice: (notice: MeshNotice) => void;
  readonly count: (reason: RejectReason, claims: number) => void;
  readonly claimsMax?: number;
}

/** What revocation keys alone may say, and all that they say. */
const decrees: ReadonlySet<ClaimKind> = new Set(["identity_revoked", "quorum_policy"]);

/**
 * One edge's part in the mesh, without a network: bytes in, bytes out, and what it believes. Everything that the store
 * or another edge can do to it is decided here.
 */
export class MeshNode {
  readonly #options: NodeOptions;
  #terms: NodeTerms;
  readonly #cluster: string;
  readonly #peers = new Map<string, Peer>();
  readonly #bodyKeys = new Map<string, readonly Buffer[]>();
  /** Signers that stand by other claims than we know. */
  readonly #behind = new Set<string>();
  /** Envelopes of decrees, by what they are about: handed on to late joiners by whoever has them. */
  readonly #decrees = new Map<string, Buffer>();
  /** Newest of each revocation key. */
  readonly #policies = new Map<string, Claim & { readonly kind: "quorum_policy" }>();
  readonly store: MergeStore;
  /** What it takes for consequences, by the operator or by a policy, whichever asks for more. */
  rule: QuorumRule;
  #sequence: number;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#terms = options.terms;
    this.#cluster = clusterId(options.cluster);
    this.store = new MergeStore(options.claimsMax ?? CLAIMS_KEPT_MAX);
    this.rule = options.terms.rule;
    // Above everything that a process of this key ever used, also where its state was lost.
    const floor = options.floors.get(options.identity.id) ?? 0;
    this.#sequence = Math.max(floor, Math.floor(options.wallMs() * 1000));
  }

  get id(): string {
    return this.#options.identity.id;
  }

  adopt(terms: NodeTerms): void {
    this.#terms = terms;
    this.#tightenRule();
  }

  /** Takes claims as this edge's own, and seals them into as few envelopes as hold them. */
  publish(claims: readonly Claim[]): readonly Sealed[] {
    const nowMs = this.#options.wallMs();
    const last = [...new Map(claims.map((claim) => [claimKey(claim), claim])).values()];
    for (const claim of last) this.store.merge(this.id, claim, nowMs);
    return this.#seal(last);
  }

  /** All claims of its own that hold, sealed anew: for those who missed some. */
  restate(): readonly Sealed[] {
    const nowMs = this.#options.wallMs();
    return this.#seal([...this.store.bySigner(this.id)].filter((claim) => endsMs(claim) > nowMs));
  }

  /** Says how many claims it stands by: who knows others fetches them. */
  beacon(): Sealed {
    const atMs = this.#options.wallMs();
    const { count, digest } = digestOf(this.store.bySigner(this.id), atMs);
    return this.#seal([{ kind: "state_digest", atMs, ttlSecs: 120, count, digest }])[0]!;
  }

  /** Has its next key introduced by this one. */
  introduce(next: Identity): readonly Sealed[] {
    const proof = next.sign(introductionText(this.id, next.id)).toString("hex");
    const claim: Claim = {
      kind: "identity_introduced",
      atMs: this.#options.wallMs(),
      ttlSecs: TTL_SECS_MAX,
      key: next.id,
      proof,
    };
    return this.publish([claim]);
  }

  /** `isAsked`: it was fetched, which is paced by whoever fetches. Never throws, whatever the bytes are. */
  receive(bytes: Buffer, isAsked = false): Reception {
    const { wallMs, notice } = this.#options;
    const { ring, limits } = this.#terms;
    const nowMs = wallMs();
    const envelope = readEnvelope(bytes);
    if (typeof envelope === "string") return this.#reject(envelope, undefined);
    const { signer, sequence, claims: declared } = envelope;
    const reject = (reason: RejectReason) => this.#reject(reason, envelope);
    if (envelope.cluster !== this.#cluster) return reject("cluster");
    // Our own, back from the store.
    if (signer === this.id) return { rejected: undefined, signer, sequence, news: [], signature: "" };
    if (ring.isRevoked(signer)) return reject("revoked");
    const known = ring.find(signer);
    const trusted = known ?? ring.candidate(signer);
    if (trusted === undefined) return reject("unknown_peer");
    const isDecree = trusted.source === "revocation";
    // Decrees hold for good: an old one is as true as on its first day.
    if (envelope.atMs > nowMs + WINDOW_MS || (!isDecree && envelope.atMs < nowMs - WINDOW_MS))
      return reject("window");
    const peer = this.#peerOf(signer, nowMs);
    const freshness = isDecree ? "fresh" : peer.window.look(envelope.sequence, envelope.tag);
    if (freshness === "replay") return reject("replay");
    if (peer.isQuarantined(nowMs)) return reject("quarantined");
    if (!isAsked && !peer.mayClaim(declared, limits, nowMs)) {
      // Its own signature shows who is too fast: anybody can write in its name, and as much as is too much just now.
      if (peer.isWorthBlaming(nowMs) && typeof this.#verify(envelope, trusted, peer, nowMs) !== "string")
        this.#punish(peer, signer, 1, nowMs);
      return reject("rate");
    }
    const body = this.#verify(envelope, trusted, peer, nowMs);
    if (typeof body === "string") return reject(body);
    // From here on all of it is the signer's own word.
    if (known === undefined) {
      ring.trustFirstUse(signer);
      this.#peers.set(signer, peer);
      notice({ what: "first_use", key: signer });
    }
    if (freshness === "contradiction") {
      if (this.#isSealedAgain(envelope, body, peer)) return reject("replay");
      this.#punish(peer, signer, POINTS_ALL, nowMs);
      return reject("contradiction");
    }
    peer.window.take(envelope.sequence, envelope.tag);
    peer.charge(isAsked ? 0 : declared);
    peer.lastSeenMs = nowMs;
    const decoded = decodeClaims(body.claims);
    if (decoded === undefined || decoded.claims.length + decoded.unknown !== declared) {
      this.#punish(peer, signer, 20, nowMs);
      return reject("decode");
    }
    if (decoded.unknown > 0) this.#options.count("unknown_claim", decoded.unknown);
    const news = decoded.claims.filter((claim) => this.#take(claim, envelope, trusted, peer, nowMs));
    peer.claims += news.length;
    return { rejected: undefined, signer, sequence, news, signature: body.signature.toString("base64url") };
  }

  /** Who says what about it, put together. */
  judge(kind: ClaimKind, key: string): Verdict {
    const entries = this.store.of(kind).get(key) ?? [];
    return judge(entries, this.rule, (signer) => this.operatorOf(signer), this.#options.wallMs());
  }

  /** Undefined: what it says does not count. */
  operatorOf(signer: string): string | undefined {
    const trusted = this.#terms.ring.find(signer);
    if (signer === this.id) return trusted?.operator ?? signer;
    if (trusted === undefined || trusted.source === "revocation") return undefined;
    return this.#peers.get(signer)?.isQuarantined(this.#options.wallMs()) === true
      ? undefined
      : trusted.operator;
  }

  /** Signers whose claims should be fetched, each told once. */
  takeBehind(): readonly string[] {
    const signers = [...this.#behind];
    this.#behind.clear();
    return signers;
  }

  /** Edges whose beacon did not come since then: what they stand by has to be fetched without one. */
  unheardSince(ms: number): readonly string[] {
    const edges = this.#terms.ring.edges.map(({ id }) => id).filter((id) => id !== this.id);
    return edges.filter((id) => (this.#peers.get(id)?.lastBeaconMs ?? 0) < ms);
  }

  /** By what they are about. */
  get decrees(): ReadonlyMap<string, Buffer> {
    return this.#decrees;
  }

  /** The highest sequences, for the next start; its own too. */
  get floors(): ReadonlyMap<string, number> {
    const floors = new Map([...this.#peers].map(([id, peer]) => [id, peer.window.highest]));
    return floors.set(this.id, this.#sequence);
  }

  peerOf(id: string): Peer | undefined {
    return this.#peers.get(id);
  }

  #take(claim: Claim, envelope: Envelope, trusted: TrustedKey, peer: Peer, nowMs: number): boolean {
    const { count, notice } = this.#options;
    const { id, source } = trusted;
    if ((source === "revocation") !== decrees.has(claim.kind)) {
      count("unauthorised", 1);
      this.#punish(peer, id, 5, nowMs);
      return false;
    }
    if (claimProblem(claim, envelope.atMs) !== undefined) {
      count("claim_invalid", 1);
      this.#punish(peer, id, 5, nowMs);
      return false;
    }
    if (claim.kind === "identity_revoked" || claim.kind === "quorum_policy")
      return this.#obey(claim, id, envelope);
    if (claim.kind === "state_digest") {
      peer.lastBeaconMs = nowMs;
      const own = digestOf(this.store.bySigner(id), claim.atMs);
      if (own.count !== claim.count || own.digest !== claim.digest) this.#behind.add(id);
      return false;
    }
    if (claim.kind === "identity_introduced") this.#introduced(claim, id, peer, nowMs);
    const before = claim.kind === "audit_head" ? this.store.find(id, claim) : undefined;
    const merge = this.store.merge(id, claim, nowMs);
    if (merge === "newer" && claim.kind === "audit_head" && before?.kind === "audit_head") {
      const isFork = claim.size < before.size || (claim.size === before.size && claim.root !== before.root);
      if (isFork) notice({ what: "audit_fork", key: id, log: claim.log, size: claim.size });
    }
    return merge === "new" || merge === "newer";
  }

  /** Revocations are kept as keys of the ring; of policies the newest counts. */
  #obey(
    claim: Claim & { readonly kind: "identity_revoked" | "quorum_policy" },
    id: string,
    { bytes }: Envelope,
  ): boolean {
    const { notice } = this.#options;
    const { ring } = this.#terms;
    if (claim.kind === "identity_revoked") {
      this.#decrees.set(`${id}:${claimKey(claim)}`, bytes);
      if (!ring.revoke(claim.key)) return false;
      this.store.forget(claim.key);
      this.#peers.delete(claim.key);
      notice({ what: "revoked", key: claim.key });
      return true;
    }
    const before = this.#policies.get(id);
    if (before !== undefined && before.atMs >= claim.atMs) return false;
    this.#policies.set(id, claim);
    this.#decrees.set(`${id}:${claimKey(claim)}`, bytes);
    this.#tightenRule();
    notice({ what: "policy", quorum: claim.quorum, score: claim.score });
    return true;
  }

  #introduced(
    claim: Claim & { readonly kind: "identity_introduced" },
    id: string,
    peer: Peer,
    nowMs: number,
  ): void {
    const { notice, count } = this.#options;
    const result = this.#terms.ring.introduce(id, claim.key, claim.proof);
    if (result === "new") notice({ what: "introduced", key: id, next: claim.key });
    if (result === "invalid") count("claim_invalid", 1);
    if (result === "conflict") this.#punish(peer, id, POINTS_ALL, nowMs);
  }

  #tightenRule(): void {
    this.rule = [...this.#policies.values()].reduce<QuorumRule>(strictest, this.#terms.rule);
  }

  #punish(peer: Peer, key: string, points: number, nowMs: number): void {
    if (peer.misbehave(points, nowMs)) this.#options.notice({ what: "quarantined", key });
  }

  #peerOf(signer: string, nowMs: number): Peer {
    const present = this.#peers.get(signer);
    if (present !== undefined) return present;
    const peer = new Peer(this.#options.floors.get(signer) ?? 0, this.#terms.limits, nowMs);
    // Others are candidates: they get a place when a signature shows that they exist.
    if (this.#terms.ring.find(signer) !== undefined) this.#peers.set(signer, peer);
    return peer;
  }

  #verify(
    envelope: Envelope,
    { key }: TrustedKey,
    peer: Peer,
    nowMs: number,
  ): OpenedBody | "seal" | "signature" {
    const body = this.#open(envelope);
    if (body === undefined) return "seal";
    if (!peer.isWorthVerifying(nowMs)) return "signature";
    if (isSignedBy(key, body.signed, body.signature)) return body;
    peer.doubt();
    this.#options.notice({ what: "forged", key: envelope.signer });
    return "signature";
  }

  /** Whether it was seen before, sealed with another of the cluster's keys: all edges have those. */
  #isSealedAgain(envelope: Envelope, body: OpenedBody, { window }: Peer): boolean {
    return this.#bodyKeysOf(envelope).some(
      (key) => window.look(envelope.sequence, tagUnder(envelope, body, key)) === "replay",
    );
  }

  #open(envelope: Envelope): OpenedBody | undefined {
    for (const key of this.#bodyKeysOf(envelope)) {
      const body = openBody(envelope, key);
      if (body !== undefined) return body;
    }
    return undefined;
  }

  /** Deriving one takes 10 us; somebody who makes up processes gets no memory for it. */
  #bodyKeysOf({ signer, boot }: Pick<Envelope, "signer" | "boot">): readonly Buffer[] {
    const name = signer + boot;
    const present = this.#bodyKeys.get(name);
    if (present !== undefined) return present;
    const keys = this.#options.clusterKeys.map((key) => bodyKeyOf(key, signer, boot));
    this.#bodyKeys.set(name, keys);
    forgetOldest(this.#bodyKeys, BODY_KEYS_MAX);
    return keys;
  }

  #seal(claims: readonly Claim[]): readonly Sealed[] {
    const { identity, boot, wallMs } = this.#options;
    const key = this.#bodyKeysOf({ signer: identity.id, boot })[0]!;
    return packed(claims).map((part) => {
      const sequence = ++this.#sequence;
      const atMs = Math.floor(wallMs());
      const head = { cluster: this.#cluster, boot, sequence, atMs, claims: part.length };
      const { bytes, signature } = sealEnvelope(head, encodeClaims(part), identity, key);
      return { bytes, sequence, claims: part, signature: signature.toString("base64url") };
    });
  }

  #reject(rejected: RejectReason, envelope: Envelope | undefined): Reception {
    this.#options.count(rejected, envelope?.claims ?? 1);
    const { signer = "", sequence = 0 } = envelope ?? {};
    return { rejected, signer, sequence, news: [], signature: "" };
  }
}

const BODY_KEYS_MAX = 1024;

/** Into as many lists as there are envelopes for. */
function packed(claims: readonly Claim[]): (readonly Claim[])[] {
  const parts: Claim[][] = [];
  let room = 0;
  for (const claim of claims) {
    const bytes = encodeClaim(claim).length;
    if (bytes > room || parts.at(-1)!.length === CLAIMS_MAX) {
      parts.push([]);
      room = BODY_BYTES_MAX;
    }
    room -= bytes;
    parts.at(-1)!.push(claim);
  }
  return parts;
}
