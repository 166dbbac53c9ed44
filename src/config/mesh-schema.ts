import { z } from "zod";
import { flag, int, optionalInt, optionalText, optionalTexts, real, text, texts } from "./keys.ts";

const keys = {
  enabled: flag(false, "Tell other edges what this one sees, and hear them. Needs [valkey]."),
  cluster: text({
    default: "zion",
    doc: "Edges of one cluster hear each other; several may use one store.",
  }),
  identity_path: optionalText({
    type: "path",
    example: "/etc/zion/mesh/identity.key",
    doc: "This edge's Ed25519 key: the seed in 64 hex digits, or PEM; for its owner alone (0600). `zion mesh keygen` makes one. Required.",
  }),
  previous_identity_path: optionalText({
    type: "path",
    example: "/etc/zion/mesh/identity.old.key",
    doc: "The key before it, while it is exchanged: it introduces the new one to the others.",
  }),
  cluster_key_path: optionalText({
    type: "path",
    example: "/etc/zion/mesh/cluster.key",
    doc: "File with the key that all edges share, 64 hex digits, for its owner alone. Up to three lines: the first encrypts, all decrypt. Required.",
  }),
  trusted_keys: texts({
    type: "array of public keys or files of them",
    default: [],
    doc: "Whose claims are heard: `HEX` or `HEX OPERATOR`, or a file with one of these in a line. Edges of one operator are one voice. This edge's own may be among them.",
  }),
  revocation_pubkeys: texts({
    type: "array of public keys or files of them",
    default: [],
    doc: "Whose word takes an edge's key out of the mesh, or asks for a larger quorum. They belong to people, not to edges.",
  }),
  trust_on_first_use: flag(
    false,
    "Hear also keys that come by themselves and have the cluster's key, up to 64. They are one voice together. Needs `state_dir` in [server].",
  ),
  anonymise_ip: flag(
    false,
    "Tell hashes of addresses under the cluster's key: who has not the key learns no address.",
  ),
  quorum: int({ min: 1, max: 64, default: 3, doc: "Operators that must agree before anything follows." }),
  quorum_score: real({ min: 0.5, max: 1, default: 0.95, doc: "That each of them must say at least." }),
  score_deny_above: real({
    min: 0,
    max: 1,
    default: 0,
    doc: "403 for clients of which a quorum says as much, at least `quorum_score`. 0 = the score is for upstreams only (X-Zion-Mesh-Score).",
  }),
  ban: flag(false, "Ban on this machine whom a quorum reports."),
  ban_secs: int({ min: 1, max: 86_400, default: 600, doc: "How long, while the quorum lasts." }),
  eject_upstreams: flag(
    false,
    "Send nothing for 10 s to an endpoint that a quorum finds unhealthy, then try it; never to the last one that is left.",
  ),
  claim_ttl_secs: int({
    min: 60,
    max: 86_400,
    default: 600,
    doc: "How long this edge's claims hold: with their full score for half of it, then with less and less.",
  }),
  anti_entropy_secs: int({
    min: 1,
    max: 60,
    default: 20,
    doc: "How often edges compare what they know, and put it where late joiners find it.",
  }),
  max_inbound_claims_per_peer_per_second: int({
    min: 1,
    max: 100_000,
    default: 1000,
    doc: "Of one edge. More are dropped, and an edge that goes on for a minute is kept out for a quarter of an hour.",
  }),
  inbound_claim_burst: int({ min: 255, max: 1_000_000, default: 256, doc: "Of one edge at once." }),
} as const;

/** `[mesh]`. */
export const mesh = z.strictObject(keys);

/** `[sovereign_aimp]`: the reference gateway's name for it. */
export const meshAlias = z.strictObject({
  ...keys,
  listen: optionalText({ example: "127.0.0.1:9443", doc: "Without meaning here: edges meet in [valkey]." }),
  peers: optionalTexts({ example: ["10.0.0.2:9443"], doc: "Without meaning here: edges meet in [valkey]." }),
  xdp_block_threshold: real({
    min: 0,
    max: 1,
    default: 0.95,
    doc: "Without meaning here: `quorum_score` is what consequences need.",
  }),
  inbound_claims_per_sec: optionalInt({
    min: 0,
    max: 100_000,
    example: 1000,
    doc: "The same as `max_inbound_claims_per_peer_per_second`; 0, no limit, is not to be had.",
  }),
});

export type MeshInput = z.infer<typeof mesh>;
export type MeshAliasInput = z.infer<typeof meshAlias>;
