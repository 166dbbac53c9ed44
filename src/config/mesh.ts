import { hash } from "node:crypto";
import { SCORE_ONE } from "../mesh/claim.ts";
import { publicKeyOf, readIdentity } from "../mesh/identity.ts";
import type { MeshConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { checkKeyFile } from "./key-file.ts";
import { keyLabel, printable } from "./label.ts";
import type { MeshAliasInput, MeshInput } from "./mesh-schema.ts";
import type { DocumentInput } from "./schema.ts";
import { readNamedFile, requireKey, resolvePath, type SectionContext } from "./section.ts";

/** Checks `[mesh]`, or `[sovereign_aimp]` in its place. Undefined: it is off, or, with findings, cannot be run. */
export function readMesh(document: DocumentInput, context: SectionContext): MeshConfig | undefined {
  const { sovereign } = document;
  const mesh = document.mesh?.enabled === true ? document.mesh : undefined;
  const alias = document.sovereign_aimp?.enabled === true ? document.sovereign_aimp : undefined;
  const { findings } = context;
  if (mesh !== undefined && alias !== undefined)
    findings.add({
      code: "Z1214",
      path: ["sovereign_aimp"],
      at: "key",
      message: "[mesh] and [sovereign_aimp] are the same table by two names",
      fix: "keep [mesh]",
    });
  const input = mesh ?? alias;
  const denyAbove = denyAboveOf(input, sovereign?.enforce.mesh_score_deny_above ?? 0, context);
  if (input === undefined) return undefined;
  const table = mesh !== undefined ? "mesh" : "sovereign_aimp";
  if (alias !== undefined && mesh === undefined) warnOfAlias(alias, context);
  const name = `[${table}]`;
  const hasKeys =
    requireKey([table], "identity_path", input.identity_path, name, context) &&
    requireKey([table], "cluster_key_path", input.cluster_key_path, name, context);
  if (document.valkey === undefined)
    findings.add({
      code: "Z1046",
      path: [table],
      at: "key",
      message: `${name} needs a store to meet the other edges in`,
      fix: "add [valkey]",
    });
  if (input.trust_on_first_use && document.server?.state_dir === undefined)
    findings.add({
      code: "Z1046",
      path: [table, "trust_on_first_use"],
      message: `\`trust_on_first_use\` in ${name} needs \`state_dir\` in [server]`,
      effect: "who comes first after each start would be trusted anew.",
      fix: "add `state_dir`, or list the keys in `trusted_keys`",
    });
  const trusted = readKeys([table, "trusted_keys"], input.trusted_keys, context);
  const revocation = readKeys([table, "revocation_pubkeys"], input.revocation_pubkeys, context);
  for (const { id, path } of revocation)
    if (trusted.some((one) => one.id === id))
      findings.add({
        code: "Z1214",
        path,
        message: `${keyLabel(path)}: the key of an edge cannot revoke keys`,
        effect: "who takes over that edge could take out all others.",
        fix: "use a key that is on no edge",
      });
  if (!hasKeys) return undefined;
  const id = readIdentityFile([table, "identity_path"], input.identity_path!, context);
  const previous = input.previous_identity_path;
  if (previous !== undefined) readIdentityFile([table, "previous_identity_path"], previous, context);
  const clusterKeyMark = readClusterKey([table, "cluster_key_path"], input.cluster_key_path!, context);
  const voices = new Set(trusted.filter((one) => one.id !== id).map(({ operator }) => operator)).size + 1;
  checkQuorum(table, input, voices, denyAbove, context);
  return {
    cluster: input.cluster,
    id: id ?? "",
    identityPath: resolvePath(input.identity_path!, context),
    previousIdentityPath: previous === undefined ? undefined : resolvePath(previous, context),
    clusterKeyPath: resolvePath(input.cluster_key_path!, context),
    clusterKeyMark,
    trusted: trusted.map(({ id, operator }) => ({ id, operator })),
    revocation: revocation.map(({ id }) => id),
    trustsFirstUse: input.trust_on_first_use,
    hashesAddresses: input.anonymise_ip,
    quorum: input.quorum,
    quorumScore: Math.round(input.quorum_score * SCORE_ONE),
    denyAbove: Math.round(denyAbove * SCORE_ONE),
    bans: input.ban,
    banSecs: input.ban_secs,
    ejectsUpstreams: input.eject_upstreams,
    claimTtlSecs: input.claim_ttl_secs,
    antiEntropySecs: input.anti_entropy_secs,
    claimsPerSec: claimsPerSecOf(input),
    claimBurst: input.inbound_claim_burst,
  };
}

/** `HEX`, `HEX OPERATOR`, or the path of a file of such lines. */
function readKeys(path: Path, entries: readonly string[], context: SectionContext) {
  const keys: { readonly id: string; readonly operator: string; readonly path: Path }[] = [];
  for (const [index, entry] of entries.entries()) {
    const at = [...path, index];
    const isKey = /^[0-9a-fA-F]{64}(?:\s|$)/.test(entry);
    const text = isKey ? entry : readNamedFile(at, entry, context, "utf8");
    if (text === undefined) continue;
    const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
    for (const [line, words] of lines.entries()) {
      if (words === "") continue;
      const [hex = "", operator, ...rest] = words.split(/\s+/);
      const id = hex.toLowerCase();
      if (publicKeyOf(id) !== undefined && rest.length === 0) {
        keys.push({ id, operator: operator ?? id, path: at });
        continue;
      }
      const place = isKey ? "" : `${printable(entry)}, line ${line + 1}: `;
      context.findings.add({
        code: "Z1317",
        path: at,
        message: `${keyLabel(at)}: ${place}expected an Ed25519 public key, 64 hex digits, and perhaps an operator`,
      });
    }
  }
  return keys;
}

/** Its id; the key itself stays where it is. */
function readIdentityFile(path: Path, file: string, context: SectionContext): string | undefined {
  const text = readNamedFile(path, file, context);
  if (text === undefined || !checkKeyFile(path, file, context)) return undefined;
  try {
    return readIdentity(text).id;
  } catch (error) {
    const { message } = error as Error;
    context.findings.add({ code: "Z1317", path, message: `${keyLabel(path)}: ${message}` });
    return undefined;
  }
}

/** The mark of what is there; the keys themselves stay where they are. */
function readClusterKey(path: Path, file: string, context: SectionContext): string {
  const text = readNamedFile(path, file, context);
  if (text === undefined || !checkKeyFile(path, file, context)) return "";
  if (/^(?:[0-9a-f]{64}\s*){1,3}$/i.test(text))
    return hash("sha256", `zion mesh mark v1\n${text}`, "hex").slice(0, 16);
  context.findings.add({
    code: "Z1317",
    path,
    message: `${keyLabel(path)}: expected one to three lines of 64 hex digits`,
  });
  return "";
}

/** Also where the reference gateway has it, in [sovereign.enforce]. */
function denyAboveOf(input: MeshInput | undefined, other: number, { findings }: SectionContext): number {
  if (other === 0) return input?.score_deny_above ?? 0;
  const path: Path = ["sovereign", "enforce", "mesh_score_deny_above"];
  if (input === undefined)
    findings.add({
      code: "Z2108",
      path,
      message: "`mesh_score_deny_above` in [sovereign.enforce] does nothing without [mesh]",
      fix: "add [mesh], or remove it",
    });
  else if (input.score_deny_above !== 0)
    findings.add({
      code: "Z1214",
      path,
      message: "`mesh_score_deny_above` and `score_deny_above` in [mesh] are the same",
      fix: "keep that in [mesh]",
    });
  return other;
}

function warnOfAlias(input: MeshAliasInput, { findings }: SectionContext): void {
  for (const key of ["listen", "peers"] as const)
    if (input[key] !== undefined)
      findings.add({
        code: "Z2108",
        path: ["sovereign_aimp", key],
        message: `\`${key}\` in [sovereign_aimp] has no meaning here: edges meet in the store of [valkey]`,
        fix: "remove it",
      });
  if (input.xdp_block_threshold !== 0.95)
    findings.add({
      code: "Z2108",
      path: ["sovereign_aimp", "xdp_block_threshold"],
      message:
        "`xdp_block_threshold` in [sovereign_aimp] has no meaning here: nothing is dropped in the kernel",
      fix: "write `quorum_score`",
    });
  if (input.inbound_claims_per_sec === 0)
    findings.add({
      code: "Z2108",
      path: ["sovereign_aimp", "inbound_claims_per_sec"],
      message:
        "`inbound_claims_per_sec = 0` in [sovereign_aimp] switches nothing off: claims are always limited",
      fix: "write `max_inbound_claims_per_peer_per_second`",
    });
}

function claimsPerSecOf(input: MeshInput | MeshAliasInput): number {
  const other = "inbound_claims_per_sec" in input ? (input.inbound_claims_per_sec ?? 0) : 0;
  return other > 0 ? other : input.max_inbound_claims_per_peer_per_second;
}

/** What can never happen, and what one stolen key is enough for. */
function checkQuorum(
  table: string,
  input: MeshInput,
  voices: number,
  denyAbove: number,
  { findings }: SectionContext,
): void {
  if (denyAbove === 0 && !input.ban && !input.eject_upstreams) return;
  const path = [table, "quorum"];
  if (input.quorum === 1)
    findings.add({
      code: "Z2119",
      path,
      message: "one edge alone decides whom all others refuse",
    });
  else if (input.quorum > voices && !input.trust_on_first_use)
    findings.add({
      code: "Z2108",
      path,
      message: `a quorum of ${input.quorum} is never reached: there are ${voices} operators, this edge's own among them`,
      fix: "add keys to `trusted_keys`",
    });
}
