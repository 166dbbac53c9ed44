import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { type Loaded, loadConfig } from "../../src/cli/load.ts";
import { newDirectory } from "../support/directory.ts";
import { find, type Tree, tomlOf } from "./helm.ts";

/** Reads the rendered file as `zion check` does, with what it names made beside it as the pod's volumes would have it. */
export function check(objects: readonly Tree[]): Loaded {
  const directory = newDirectory("pod");
  return loadConfig(layOut(directory, objects));
}

/** Returns where zion.toml lies. */
function layOut(directory: string, objects: readonly Tree[]): string {
  const toml = tomlOf(objects);
  const place = (path: string) => join(directory, path);
  const own = (path: string, contents: string | Uint8Array) => {
    mkdirSync(dirname(place(path)), { recursive: true });
    writeFileSync(place(path), contents, { mode: 0o440 });
  };
  for (const path of ["/etc/zion/config", "/var/lib/zion", "/var/log/zion"])
    mkdirSync(place(path), { recursive: true });
  const pair = makeSelfSigned({ names: ["localhost"], days: 90 });
  for (const [, path] of toml.matchAll(/"(\/[^"]+)"/g)) {
    if (/\/(tls\.crt|edge\.crt|internal-ca\.pem)$|cert/.test(path!)) own(path!, pair.certPem);
    else if (/\/(tls|edge)\.key$/.test(path!)) own(path!, pair.keyPem);
    else if (path!.startsWith("/etc/zion/secrets/")) own(path!, "k".repeat(48));
  }
  const files = find(objects, "ConfigMap", "edge-zion-files")?.data ?? {};
  for (const [name, contents] of Object.entries(files)) own(`/etc/zion/files/${name}`, contents as string);
  const file = place("/etc/zion/config/zion.toml");
  writeFileSync(file, toml.replaceAll(/"\/(etc\/zion|var\/lib\/zion|var\/log\/zion)\b/g, `"${directory}/$1`));
  return file;
}
