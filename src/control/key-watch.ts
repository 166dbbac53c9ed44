import { stat } from "node:fs/promises";
import { pairsOf } from "../cert/inventory.ts";
import type { Config } from "../config/config.ts";
import { exposedKey } from "../config/key-file.ts";
import type { Log } from "./log.ts";

/** A change of permissions is no change of a file's contents, so no reload finds it. */
const lookEveryMs = 5000;

/** Looks whether private keys are still ours alone. A configuration with one that is not is refused (Z1314). */
export interface KeyWatch {
  adopt(config: Config): void;
  /** "off": there are no key files. */
  readonly state: "off" | "ok" | "exposed";
  /** Once, now. */
  look(): Promise<void>;
  stop(): void;
}

export function watchKeys(log: Log): KeyWatch {
  let files: readonly string[] = [];
  let exposed = new Set<string>();

  const look = async (): Promise<void> => {
    const found = new Set<string>();
    for (const file of files) {
      const problem = await stat(file).then(exposedKey, () => undefined);
      if (problem === undefined) continue;
      found.add(file);
      if (!exposed.has(file)) log.error({ "event.name": "zion.key.exposed", file }, problem);
    }
    exposed = found;
  };
  const timer = setInterval(() => void look(), lookEveryMs);
  timer.unref();

  return {
    adopt(config) {
      files = keyFiles(config);
      void look();
    },
    get state() {
      if (files.length === 0) return "off";
      return files.some((file) => exposed.has(file)) ? "exposed" : "ok";
    },
    look,
    stop: () => clearInterval(timer),
  };
}

function keyFiles({ tls, audit, admin }: Config): readonly string[] {
  const certificates = tls === undefined ? [] : pairsOf(tls);
  const files = [
    ...certificates.map(({ keyPath }) => keyPath),
    admin.tls?.keyPath,
    audit?.key.file,
    audit?.previousKey?.file,
  ];
  return [...new Set(files.filter((file): file is string => file !== undefined && file !== ""))];
}
