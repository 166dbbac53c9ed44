import type { Advisories } from "./advisories.ts";
import { describeAdvisories } from "./advisories.ts";
import type { Source } from "./stage.ts";

export interface ProvenanceFacts {
  readonly source: Source;
  /** Full hash. */
  readonly commit: string;
  /** Hash of the lockfile, which fixes every dependency by its own. */
  readonly lockfileSha256: string;
  readonly node: string;
  readonly npm: string;
  readonly advisories: Advisories;
  /** Builds that were compared byte for byte. */
  readonly builds: number;
  /** Name and SHA-256 of each artefact. */
  readonly artefacts: readonly (readonly [string, string])[];
}

/**
 * What was made from what, as an in-toto statement with SLSA's predicate. It is our own word: no build service that
 * others trust has seen the build. What holds is that anybody can repeat it and compare bytes.
 */
export function printProvenance(facts: ProvenanceFacts): string {
  const { source, commit, artefacts } = facts;
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: artefacts.map(([name, sha256]) => ({ name, digest: { sha256 } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "urn:zion-edge:release:1",
        externalParameters: { commit, version: source.version, command: "npm run release" },
        internalParameters: {
          sourceDateEpoch: source.epochSecs,
          node: facts.node,
          npm: facts.npm,
          installScripts: "not run",
          comparedBuilds: facts.builds,
          advisories: describeAdvisories(facts.advisories),
        },
        resolvedDependencies: [
          { name: "source", digest: { gitCommit: commit } },
          { name: "package-lock.json", digest: { sha256: facts.lockfileSha256 } },
        ],
      },
      runDetails: {
        builder: { id: "urn:zion-edge:self-issued" },
        metadata: { invocationId: `urn:zion-edge:release:${source.version}:${commit}` },
      },
    },
  };
  return `${JSON.stringify(statement, null, 2)}\n`;
}
