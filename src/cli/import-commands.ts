import { type Command, Option } from "commander";
import type { ImporterName } from "../import/importers.ts";
import type { Output } from "./output.ts";

/** `zion import nginx nginx.conf`: other programs' configurations as a zion.toml with a report. */
export function addImportCommands(
  program: Command,
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  const group = program
    .command("import")
    .description("make a zion.toml of another program's configuration, and a report of what became of it")
    .exitOverride();
  const add = (name: ImporterName, argument: string, what: string): Command =>
    group
      .command(`${name} ${argument}`)
      .description(what)
      .exitOverride()
      .option("-o, --output <file>", "write the new file there, and the report beside it (default: print it)")
      .addOption(new Option("--report <format>", "format of the report").choices(["md", "json"]))
      .option("--force", "write over what is there", false)
      .action(async (paths: string | readonly string[], options: ImportFlags) => {
        const { importCommand } = await import("./import.ts");
        finish(
          importCommand(
            { source: name, paths: typeof paths === "string" ? [paths] : paths, ...options },
            output(),
          ),
        );
      });
  add("nginx", "<file>", "nginx.conf or a file of server blocks; - for standard input");
  add(
    "ingress-nginx",
    "<paths...>",
    "Ingress objects, with Services and the controller's ConfigMap: files, directories, or - for standard input",
  );
  add("caddy", "<file>", "a Caddyfile; - for standard input");
  add(
    "traefik",
    "<paths...>",
    "static and dynamic files, YAML or TOML: files, directories, or - for standard input",
  );
}

interface ImportFlags {
  readonly output?: string;
  readonly report?: "md" | "json";
  readonly force: boolean;
}
