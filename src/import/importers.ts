import { importCaddy } from "./caddy.ts";
import type { Imported } from "./imported.ts";
import { importIngress } from "./ingress.ts";
import { importNginx } from "./nginx.ts";
import type { IncludeFiles, SourceFile } from "./source-file.ts";
import { importTraefik } from "./traefik.ts";

/** A program whose configuration can be imported. */
export interface Importer {
  /** As people write it. */
  readonly name: string;
  /** Endings of the files that are read where a directory is named. */
  readonly endings: readonly string[];
  /** `include` is for those whose files name others. */
  readonly run: (files: readonly SourceFile[], include: IncludeFiles) => Imported;
}

export const importers = {
  nginx: {
    name: "nginx",
    endings: ["nginx.conf"],
    run: (files, include) => importNginx(files[0]!, include),
  },
  "ingress-nginx": {
    name: "ingress-nginx",
    endings: [".yaml", ".yml", ".json"],
    run: importIngress,
  },
  caddy: {
    name: "Caddy",
    endings: ["Caddyfile", ".caddy", ".Caddyfile"],
    run: (files, include) => importCaddy(files[0]!, include),
  },
  traefik: {
    name: "Traefik",
    endings: [".yaml", ".yml", ".toml"],
    run: importTraefik,
  },
} as const satisfies Readonly<Record<string, Importer>>;

export type ImporterName = keyof typeof importers;
