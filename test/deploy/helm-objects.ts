import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Tree } from "./helm.ts";

/** What Kubernetes' own schemas, and those of the Prometheus operator, have against an object. */
export async function schemaFaults(object: Tree): Promise<readonly string[]> {
  const { apiVersion, kind } = object as { readonly apiVersion: string; readonly kind: string };
  const library = apiVersion.startsWith("monitoring.coreos.com/")
    ? "@kubernetes-models/prometheus-operator"
    : "kubernetes-models";
  const models = (await import(`${library}/${apiVersion}`)) as Record<
    string,
    (new (data: Tree) => { validate(): void }) | undefined
  >;
  const Model = models[kind];
  if (Model === undefined) return [`${apiVersion} has no ${kind}`];
  try {
    new Model(object).validate();
    return [];
  } catch (error) {
    return [String(error)];
  }
}

/**
 * What TypeScript's compiler has against the objects, as the types of Kubernetes have them: fields that nobody knows, which
 * the schemas let pass and Kubernetes drops without a word.
 */
export function unknownFields(objects: readonly Tree[]): string {
  const known = objects.filter(({ apiVersion }) => !apiVersion.startsWith("monitoring.coreos.com/"));
  // Below the repository, where the types are found.
  const cache = resolve(import.meta.dirname, "../../node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "objects-"));
  try {
    const lines = known.map(({ apiVersion, kind, ...rest }, index) => {
      const literal = JSON.stringify({ apiVersion, kind, ...rest });
      return `import type { I${kind} as T${index} } from "kubernetes-models/${apiVersion}";\nexport const o${index}: T${index} = ${literal};\n`;
    });
    writeFileSync(join(directory, "objects.ts"), lines.join(""));
    const options = {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      module: "nodenext",
      target: "es2024",
      types: [],
    };
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
    const tsc = resolve(cache, "../.bin/tsc");
    return spawnSync(tsc, ["-p", directory, "--pretty", "false"], { encoding: "utf8" }).stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What the Pod Security standard "restricted" has against the pods of an object, and what we want beyond it. */
export function securityFaults(object: Tree): readonly string[] {
  const spec = object.kind === "Pod" ? object.spec : object.spec?.template?.spec;
  if (spec?.containers === undefined) return [];
  const faults: string[] = [];
  const want = (what: string, holds: boolean) => {
    if (!holds) faults.push(what);
  };
  for (const key of ["hostNetwork", "hostPID", "hostIPC"]) want(`no ${key}`, spec[key] !== true);
  want("no token", spec.automountServiceAccountToken === false);
  want("seccomp", spec.securityContext.seccompProfile?.type === "RuntimeDefault");
  want("no root", spec.securityContext.runAsNonRoot === true && spec.securityContext.runAsUser > 0);
  const safe = ["net.ipv4.ip_unprivileged_port_start"];
  for (const { name } of spec.securityContext.sysctls ?? []) want(`sysctl ${name}`, safe.includes(name));
  const kinds = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
  ];
  for (const { name, ...source } of spec.volumes ?? [])
    want(
      `volume ${name}`,
      Object.keys(source).every((kind) => kinds.includes(kind)),
    );
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
    const { securityContext, ports, resources } = container;
    want(
      "no more rights",
      securityContext.allowPrivilegeEscalation === false && securityContext.privileged !== true,
    );
    want("no root in a container", securityContext.runAsNonRoot === true);
    want("a root that cannot be written", securityContext.readOnlyRootFilesystem === true);
    want("drop ALL", securityContext.capabilities.drop.includes("ALL"));
    for (const added of securityContext.capabilities.add ?? [])
      want(`add ${added}`, added === "NET_BIND_SERVICE");
    want(
      "no port of the host",
      (ports ?? []).every(({ hostPort }: Tree) => hostPort === undefined),
    );
    want("a memory limit", resources?.limits?.memory !== undefined);
  }
  return faults;
}
