import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildDeb } from "../deb/build.ts";
import { type Source, stagePackage } from "./stage.ts";
import { packTarball } from "./tarball.ts";

export interface Artefacts {
  /** The package as a directory. */
  readonly staged: string;
  readonly tarball: string;
  readonly deb: string;
}

/** Builds everything that must come out the same twice, in an empty directory. */
export function buildArtefacts(source: Source, out: string): Artefacts {
  mkdirSync(out, { recursive: true });
  const staged = join(out, `zion-edge-${source.version}`);
  const tarball = `${staged}.tar.gz`;
  const deb = join(out, `zion-edge_${source.version}_all.deb`);
  stagePackage(source, staged);
  packTarball(staged, source, tarball);
  buildDeb(staged, source, join(out, "deb"), deb);
  return { staged, tarball, deb };
}
