import { type Claim, claimKey, QUORUM_MAX, type ReputationReason, SCORE_ONE, TTL_SECS_MAX } from "./claim.ts";
import { isClaimable } from "./subject.ts";

/**
 * The one binary form of a list of claims: ascending by what they are about, none twice. Each is
 *
 *     type u8 | bytes that follow u8 | at, ms u48 | ttl, s u24 | what its type has, in fixed order
 *
 * so that a type of a later version can be skipped. Big-endian.
 */
export function encodeClaims(claims: readonly Claim[]): Buffer {
  const keyed = claims.map((claim) => ({ key: claimKey(claim), claim }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  return Buffer.concat(keyed.map(({ claim }) => encodeClaim(claim)));
}

export interface DecodedClaims {
  readonly claims: readonly Claim[];
  /** Of types that this version does not know. */
  readonly unknown: number;
}

/** Undefined: no such list, or not in its one form. Never throws, whatever the bytes are. */
export function decodeClaims(bytes: Buffer): DecodedClaims | undefined {
  const claims: Claim[] = [];
  let unknown = 0;
  let before = "";
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < 2) return undefined;
    const type = bytes[at]!;
    const end = at + 2 + bytes[at + 1]!;
    if (end > bytes.length) return undefined;
    const part = bytes.subarray(at + 2, end);
    at = end;
    if (type === 0 || type > readers.length) {
      unknown++;
      continue;
    }
    if (part.length < DATED_BYTES) return undefined;
    const dated = { atMs: part.readUIntBE(0, 6), ttlSecs: part.readUIntBE(6, 3) };
    const claim = readers[type - 1]!(part.subarray(DATED_BYTES), dated);
    if (claim === undefined) return undefined;
    const key = claimKey(claim);
    if (key <= before) return undefined;
    before = key;
    claims.push(claim);
  }
  return { claims, unknown };
}

/** Why a claim of this form makes no sense, whoever signs it; `sentMs` is when its envelope was signed. */
export function claimProblem(claim: Claim, sentMs: number): string | undefined {
  const { atMs, ttlSecs } = claim;
  if (ttlSecs < 1 || ttlSecs > TTL_SECS_MAX) return "ttl";
  if (atMs > sentMs) return "future";
  if (claim.kind === "ip_reputation") {
    if (claim.score > SCORE_ONE) return "score";
    if (!isClaimable(claim.subject)) return "address";
  }
  if (claim.kind === "quorum_policy" && (claim.score > SCORE_ONE || claim.quorum > QUORUM_MAX))
    return "policy";
  return undefined;
}

const DATED_BYTES = 9;
export const RULE_BYTES_MAX = 64;
const ruleName = /^[A-Za-z0-9_.-]+$/;
const reasons: readonly ReputationReason[] = ["other", "waf", "limit", "ban", "operator"];
/** First character of a subject to its tag; both address forms and the hash have a length of their own. */
const subjectForms = [
  { letter: "4", bytes: 4 },
  { letter: "6", bytes: 8 },
  { letter: "h", bytes: 16 },
] as const;

export function encodeClaim(claim: Claim): Buffer {
  const [type, rest] = encodeRest(claim);
  const head = Buffer.alloc(2 + DATED_BYTES);
  head[0] = type;
  head[1] = DATED_BYTES + rest.length;
  head.writeUIntBE(claim.atMs, 2, 6);
  head.writeUIntBE(claim.ttlSecs, 8, 3);
  return Buffer.concat([head, rest]);
}

function encodeRest(claim: Claim): readonly [type: number, rest: Buffer] {
  switch (claim.kind) {
    case "ip_reputation": {
      const form = subjectForms.findIndex(({ letter }) => claim.subject.startsWith(letter));
      const subject = Buffer.from(claim.subject.slice(1), "hex");
      const rest = Buffer.alloc(1 + subject.length + 3);
      rest[0] = form;
      subject.copy(rest, 1);
      rest.writeUInt16BE(claim.score, 1 + subject.length);
      rest[3 + subject.length] = reasons.indexOf(claim.reason);
      return [1, rest];
    }
    case "upstream_unhealthy":
      return [2, Buffer.from(claim.endpoint, "hex")];
    case "rule_hits": {
      const rest = Buffer.alloc(4 + claim.rule.length);
      rest.writeUInt32BE(claim.count, 0);
      rest.write(claim.rule, 4, "latin1");
      return [3, rest];
    }
    case "identity_introduced":
      return [4, Buffer.from(claim.key + claim.proof, "hex")];
    case "identity_revoked":
      return [5, Buffer.from(claim.key, "hex")];
    case "quorum_policy": {
      const rest = Buffer.alloc(3);
      rest[0] = claim.quorum;
      rest.writeUInt16BE(claim.score, 1);
      return [6, rest];
    }
    case "audit_head": {
      const rest = Buffer.alloc(6);
      rest.writeUIntBE(claim.size, 0, 6);
      return [7, Buffer.concat([Buffer.from(claim.log, "hex"), rest, Buffer.from(claim.root, "hex")])];
    }
    case "state_digest": {
      const rest = Buffer.alloc(4);
      rest.writeUInt32BE(claim.count, 0);
      return [8, Buffer.concat([rest, Buffer.from(claim.digest, "hex")])];
    }
  }
}

type Reader = (rest: Buffer, dated: { readonly atMs: number; readonly ttlSecs: number }) => Claim | undefined;

/** By type, from 1. */
const readers: readonly Reader[] = [
  (rest, dated) => {
    const form = subjectForms[rest[0] ?? -1];
    if (form === undefined || rest.length !== 1 + form.bytes + 3) return undefined;
    const reason = reasons[rest[form.bytes + 3]!];
    if (reason === undefined) return undefined;
    const subject = form.letter + rest.toString("hex", 1, 1 + form.bytes);
    return { kind: "ip_reputation", ...dated, subject, score: rest.readUInt16BE(1 + form.bytes), reason };
  },
  (rest, dated) =>
    rest.length === 16 ? { kind: "upstream_unhealthy", ...dated, endpoint: rest.toString("hex") } : undefined,
  (rest, dated) => {
    if (rest.length < 5 || rest.length > 4 + RULE_BYTES_MAX) return undefined;
    const rule = rest.toString("latin1", 4);
    return ruleName.test(rule)
      ? { kind: "rule_hits", ...dated, rule, count: rest.readUInt32BE(0) }
      : undefined;
  },
  (rest, dated) =>
    rest.length === 96
      ? {
          kind: "identity_introduced",
          ...dated,
          key: rest.toString("hex", 0, 32),
          proof: rest.toString("hex", 32),
        }
      : undefined,
  (rest, dated) =>
    rest.length === 32 ? { kind: "identity_revoked", ...dated, key: rest.toString("hex") } : undefined,
  (rest, dated) =>
    rest.length === 3
      ? { kind: "quorum_policy", ...dated, quorum: rest[0]!, score: rest.readUInt16BE(1) }
      : undefined,
  (rest, dated) =>
    rest.length === 54
      ? {
          kind: "audit_head",
          ...dated,
          log: rest.toString("hex", 0, 16),
          size: rest.readUIntBE(16, 6),
          root: rest.toString("hex", 22),
        }
      : undefined,
  (rest, dated) =>
    rest.length === 12
      ? { kind: "state_digest", ...dated, count: rest.readUInt32BE(0), digest: rest.toString("hex", 4) }
      : undefined,
];
