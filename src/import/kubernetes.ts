import type { Problem, SourceFile } from "./source-file.ts";
import { at, listOf, readTrees, type Tree, tableOf, textOf } from "./tree.ts";

/** One object of a cluster, as `kubectl get -o yaml` prints it. */
export interface KubernetesObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly file: string;
  readonly tree: Tree;
}

/** All objects of the files, those within lists too. */
export function readObjects(files: readonly SourceFile[]): {
  readonly objects: readonly KubernetesObject[];
  readonly problems: readonly Problem[];
} {
  const objects: KubernetesObject[] = [];
  const problems: Problem[] = [];
  for (const source of files) {
    const reading = readTrees(source);
    problems.push(...reading.problems);
    const enter = (tree: Tree): void => {
      const kind = textOf(at(tree, "kind"));
      if (kind.endsWith("List") && at(tree, "items") !== undefined) {
        listOf(at(tree, "items")).forEach(enter);
        return;
      }
      if (kind === "") {
        problems.push({
          file: source.file,
          line: tree.line,
          message: "this is no object of Kubernetes: it has no `kind`",
        });
        return;
      }
      const namespace = textOf(at(tree, "metadata", "namespace"));
      const name = textOf(at(tree, "metadata", "name"));
      objects.push({
        kind,
        namespace: namespace === "" ? "default" : namespace,
        name,
        file: source.file,
        tree,
      });
    };
    reading.documents.forEach(enter);
  }
  return { objects, problems };
}

/** What an Ingress sends requests to: a host and a port, or why it is not known. */
export function serviceAddress(
  objects: readonly KubernetesObject[],
  namespace: string,
  backend: Tree | undefined,
): { readonly authority: string } | { readonly problem: string } {
  const name = textOf(at(backend, "service", "name")) || textOf(at(backend, "serviceName"));
  if (name === "") return { problem: "its backend is no Service" };
  const service = objects.find(
    (object) => object.kind === "Service" && object.namespace === namespace && object.name === name,
  );
  const number = textOf(at(backend, "service", "port", "number")) || textOf(at(backend, "servicePort"));
  const portName = textOf(at(backend, "service", "port", "name")) || (/^\d+$/.test(number) ? "" : number);
  const port = portName === "" ? number : portNumber(service, portName);
  if (port === undefined || !/^\d{1,5}$/.test(port))
    return {
      problem: `the port \`${portName}\` of Service ${namespace}/${name} has no number here: export the Service too`,
    };
  const external = textOf(at(service?.tree, "spec", "externalName"));
  return { authority: `${external === "" ? `${name}.${namespace}.svc.cluster.local` : external}:${port}` };
}

function portNumber(service: KubernetesObject | undefined, name: string): string | undefined {
  const ports = listOf(at(service?.tree, "spec", "ports"));
  const found = ports.find((port) => textOf(tableOf(port).get("name")) === name);
  return found === undefined ? undefined : textOf(tableOf(found).get("port"));
}
