import { type Command, Option } from "commander";
import type { Output } from "./output.ts";

/** `zion cache …`. */
export function addCacheCommands(
  cache: Command,
  shared: { readonly config: () => Option; readonly admin: () => Option },
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  cache
    .command("purge")
    .description("make the gateway that runs forget stored answers, in all workers")
    .exitOverride()
    .option("--all", "all of them", false)
    .option("--url <url>", "those of this URL, as https://host/path?query")
    .option("--prefix <url>", "those whose URL begins so")
    .option("--tag <tag>", "those whose Surrogate-Key has this word")
    .addOption(shared.config())
    .addOption(shared.admin())
    .action(async (options: { all: boolean; url?: string; prefix?: string; tag?: string } & Ways) => {
      const { purgeCommand } = await import("./cache.ts");
      const { all, url, prefix, tag, config, admin } = options;
      finish(await purgeCommand({ all, url, prefix, tag }, { config, admin }, process.env, output()));
    });
  cache
    .command("status")
    .description("print the figures of the cache of the gateway that runs")
    .exitOverride()
    .addOption(
      new Option("--format <format>", "how to print the result").choices(["human", "json"]).default("human"),
    )
    .addOption(shared.config())
    .addOption(shared.admin())
    .action(async ({ format, config, admin }: { format: "human" | "json" } & Ways) => {
      const { cacheStatusCommand } = await import("./cache.ts");
      finish(await cacheStatusCommand({ format, config, admin }, process.env, output()));
    });
}

interface Ways {
  readonly config?: string;
  readonly admin?: string;
}
