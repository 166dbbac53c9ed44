import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { newDirectory } from "../support/directory.ts";
import { type Edge, type EdgeOptions, startEdge } from "../support/edge.ts";
import { askRaw } from "./bench.ts";

/** A gateway that serves a directory. */
export interface StaticBench {
  readonly edge: Edge;
  /** Where the files lie. */
  readonly root: string;
  /** Outside of it, in the directory above. */
  readonly above: string;
  write(name: string, content: string | Uint8Array): string;
}

export interface StaticBenchOptions extends EdgeOptions {
  /** Name and content. */
  readonly files?: Readonly<Record<string, string>>;
  /** Lines of the `[[route]]`. */
  readonly route?: string;
  readonly server?: string;
  readonly tables?: string;
  /** Of the route. */
  readonly path?: string;
}

export async function startStatic(t: TestContext, options: StaticBenchOptions = {}): Promise<StaticBench> {
  const above = newDirectory("static");
  const root = path.join(above, "www");
  mkdirSync(root);
  const write = (name: string, content: string | Uint8Array): string => {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  for (const [name, content] of Object.entries(options.files ?? {})) write(name, content);
  const edge = await startEdge(
    `
[server]
http_mode = "serve"
${options.server ?? ""}

[[route]]
path = "${options.path ?? "/{*rest}"}"
mode = "static"
serve_dir = ${JSON.stringify(root)}
waf = false
${options.route ?? ""}
${options.tables ?? ""}
`,
    options,
  );
  t.after(() => edge.stop());
  return { edge, root, above, write };
}

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
}

/** One request on a connection of its own. */
export async function ask(
  edge: Pick<Edge, "port">,
  target: string,
  fields = "",
  method = "GET",
): Promise<Answer> {
  const text = await askRaw(
    edge.port,
    `${method} ${target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n${fields}\r\n`,
  );
  const end = text.indexOf("\r\n\r\n");
  const [status = "", ...lines] = text.slice(0, end).split("\r\n");
  return {
    status: Number(status.split(" ")[1]),
    fields: new Map(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    ),
    body: text.slice(end + 4),
  };
}
