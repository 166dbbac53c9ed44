import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newDirectory } from "../support/directory.ts";
import type { Mount } from "./container.ts";
import { find, type Tree } from "./helm.ts";

/** Contents of Secrets by name and key. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;

/**
 * The volumes of a rendered pod's first container, as a kubelet makes them: files behind links that it can swap at once,
 * everything root's, and for the pod's group to read or, where a directory is empty, to write. Needs root.
 */
export function podVolumes(objects: readonly Tree[], secrets: Secrets): readonly Mount[] {
  const base = newDirectory("pod");
  const { spec } = find(objects, "Deployment").spec.template;
  const group = spec.securityContext.fsGroup as number;
  return spec.containers[0].volumeMounts.map(({ name, mountPath, readOnly }: Tree) => {
    const directory = join(base, name);
    mkdirSync(directory);
    const volume = spec.volumes.find((one: Tree) => one.name === name);
    if (volume.configMap !== undefined) {
      const files = find(objects, "ConfigMap", volume.configMap.name).data as Readonly<
        Record<string, string>
      >;
      layOut(directory, Object.entries(files), 0o644, group);
    } else if (volume.secret !== undefined) {
      const keys = secrets[volume.secret.secretName]!;
      const items = volume.secret.items ?? Object.keys(keys).map((key) => ({ key, path: key }));
      const files = items.map(({ key, path }: Tree) => [path, keys[key]!]);
      // Whatever the mode says, the group may read.
      layOut(directory, files, volume.secret.defaultMode | 0o040, group);
    } else {
      chownSync(directory, 0, group);
      chmodSync(directory, 0o2777);
    }
    return { from: directory, at: mountPath, writable: readOnly !== true };
  });
}

function layOut(
  directory: string,
  files: Iterable<readonly [string, string | Uint8Array]>,
  mode: number,
  group: number,
): void {
  const generation = "..2026_11_22_00_00_00.1";
  mkdirSync(join(directory, generation));
  symlinkSync(generation, join(directory, "..data"));
  for (const [name, contents] of files) {
    const file = join(directory, generation, name);
    writeFileSync(file, contents);
    chownSync(file, 0, group);
    chmodSync(file, mode);
    symlinkSync(join("..data", name), join(directory, name));
  }
}
