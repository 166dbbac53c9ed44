import { type CutConfig, type Manifest, partNames } from "../config/parts.ts";
import type { WorkerLink } from "./worker-link.ts";

/** A configuration on its way to the workers. */
export interface Publication {
  readonly generation: number;
  readonly cut: CutConfig;
  /** Upstream host name to its addresses. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

/** Asks a worker to compile it, and sends the parts that it does not hold. */
export function sendPublication(worker: WorkerLink, { generation, cut, addresses }: Publication): void {
  const manifest = forWorkers(cut.manifest);
  const parts = new Map<string, Uint8Array>();
  for (const name of partNames(manifest)) {
    if (!worker.held.has(name)) parts.set(name, cut.parts.get(name)!);
    worker.held.add(name);
  }
  worker.send({ type: "prepare", generation, manifest, parts, addresses });
}

/** After a commit or a discard a worker keeps the parts of the generation in force, and forgets the others. */
export function forgetParts(worker: WorkerLink, inForce: Publication): void {
  worker.held = partNames(forWorkers(inForce.cut.manifest));
}

/** The key of the admin listener is no business of those who read what strangers send. */
function forWorkers(manifest: Manifest): Manifest {
  return manifest.filter(({ name }) => name !== "admin");
}
