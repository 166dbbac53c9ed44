import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { MeshState } from "../control/mesh-order.ts";
import { type Claim, QUORUM_MAX, SCORE_ONE } from "../mesh/claim.ts";
import { generateIdentity, publicKeyOf, readIdentity } from "../mesh/identity.ts";
import { systemClock } from "../std/clock.ts";
import { writePrivateFile } from "../std/private-file.ts";
import { type AdminOptions, findAdmin, unavailable } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";
import { printTable } from "./table.ts";

/** `zion mesh keygen FILE`: an edge's key, or that of somebody who may revoke keys. Prints the public one. */
export function keygenCommand(file: string, output: Output): number {
  const { seed, id } = generateIdentity();
  return writeNew(file, `${seed}\n`, `${id}\n`, output);
}

/** `zion mesh cluster-key FILE`: the key that all edges share. */
export function clusterKeyCommand(file: string, output: Output): number {
  return writeNew(file, `${randomBytes(32).toString("hex")}\n`, "", output);
}

/** A key that is overwritten is an edge that nobody knows any more. */
function writeNew(file: string, text: string, said: string, output: Output): number {
  if (existsSync(file)) {
    output.err.write(`error: ${file} is there already: keys are not overwritten\n`);
    return exitCodes.no;
  }
  try {
    writePrivateFile(file, text);
  } catch (error) {
    output.err.write(`error: cannot write ${file}: ${(error as Error).message}\n`);
    return exitCodes.unavailable;
  }
  output.out.write(said);
  return exitCodes.ok;
}

export interface MeshStatusOptions extends AdminOptions {
  readonly format: "human" | "json";
}

/** `zion mesh status`: who is in the mesh of the gateway that runs, and what it says. Exit 1: it has no way there. */
export async function meshStatusCommand(
  options: MeshStatusOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const admin = findAdmin(options, environment, output);
  if (typeof admin === "number") return admin;
  try {
    const { status, body } = await admin.get("/snapshot");
    if (status !== 200) return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
    const { mesh } = JSON.parse(body) as { readonly mesh: MeshPart };
    output.out.write(
      options.format === "json"
        ? `${JSON.stringify({ format_version: "1.0", mesh }, null, 2)}\n`
        : printMesh(mesh),
    );
    return mesh.state === "up" ? exitCodes.ok : exitCodes.no;
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
}

type MeshPart = { readonly state: "off" | "up" | "down" } & Partial<
  Pick<MeshState, "id" | "claims" | "quorum" | "peers" | "rules">
>;

function printMesh({ state, id, claims, quorum, peers = [], rules = [] }: MeshPart): string {
  if (id === undefined) return `mesh ${state}\n`;
  const head = `mesh ${state}  ${claims} claims, quorum ${quorum}\nkey  ${id}\n`;
  const edges = printTable(
    ["edge", "operator", "trusted", "state", "seen", "claims"],
    peers.map(({ id, operator, source, state, seen_secs_ago: seen, claims }) => [
      id.slice(0, 16),
      operator === id ? "" : operator,
      source.replaceAll("_", " "),
      state,
      seen === null ? "never" : `${seen} s ago`,
      claims,
    ]),
  );
  const hits = printTable(
    ["rule", "hits", "edges"],
    rules.map(({ rule, count, edges }) => [rule, count, edges]),
  );
  return `${head}\n${edges}${rules.length === 0 ? "" : `\n${hits}`}`;
}

export interface DecreeOptions {
  readonly config: string | undefined;
  /** File of the revocation key. */
  readonly key: string;
}

/** `zion mesh revoke KEY`: takes an edge's key out of the mesh, for good. */
export async function revokeKeyCommand(id: string, options: DecreeOptions, output: Output): Promise<number> {
  if (publicKeyOf(id.toLowerCase()) === undefined) {
    output.err.write("error: a key is 64 hex digits, as `zion mesh status --format json` shows them\n");
    return exitCodes.usage;
  }
  const claim = { kind: "identity_revoked", key: id.toLowerCase(), ...now() } as const;
  return decree(claim, options, output);
}

/** `zion mesh policy`: asks all edges for a larger quorum, or a higher score, than their own files do. */
export async function policyCommand(
  { quorum, score }: { readonly quorum: number; readonly score: number },
  options: DecreeOptions,
  output: Output,
): Promise<number> {
  if (quorum > QUORUM_MAX || score > 1) {
    output.err.write(`error: a quorum is 0 to ${QUORUM_MAX}, a score 0 to 1\n`);
    return exitCodes.usage;
  }
  const claim = { kind: "quorum_policy", quorum, score: Math.round(score * SCORE_ONE), ...now() } as const;
  return decree(claim, options, output);
}

function now() {
  return { atMs: systemClock.wallMs(), ttlSecs: 1 };
}

async function decree(claim: Claim, options: DecreeOptions, output: Output): Promise<number> {
  const loaded = loadConfig(options.config);
  if (
    loaded.kind !== "loaded" ||
    loaded.config.mesh === undefined ||
    loaded.config.limitStore === undefined
  ) {
    output.err.write("error: no configuration with [mesh]: give that of an edge with -c FILE\n");
    return exitCodes.unavailable;
  }
  const { mesh, limitStore } = loaded.config;
  try {
    const identity = readIdentity(readFileSync(options.key, "utf8"));
    if (!mesh.revocation.includes(identity.id)) {
      output.err.write(`error: ${identity.id} is not in revocation_pubkeys: no edge would obey\n`);
      return exitCodes.no;
    }
    // Everything else does without the client of the store.
    const { publishDecree } = await import("../control/mesh-decree.ts");
    await publishDecree(mesh, limitStore, identity, claim);
  } catch (error) {
    output.err.write(`error: ${(error as Error).message}\n`);
    return exitCodes.unavailable;
  }
  output.out.write("published: edges hear it now, and those that come later when they come\n");
  return exitCodes.ok;
}
