import { type Command, InvalidArgumentError, Option } from "commander";
import type { ExcludeOptions } from "./exclude.ts";
import type { Output } from "./output.ts";
import type { SuggestOptions } from "./suggest.ts";

/** What makes the WAF fit an application. */
export function addTuningCommands(
  program: Command,
  shared: { readonly config: () => Option; readonly admin: () => Option },
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).exitOverride().addOption(shared.config());
  const format = (): Option =>
    new Option("--format <format>", "how to print the result").choices(["human", "json"]).default("human");
  const attacks = (): Option =>
    new Option(
      "--attacks <file...>",
      "files with an attack a line, tried beside the rules' examples",
    ).default([]);

  command("exclude", "print the narrowest exclusion as a patch, and prove what would pass with it")
    .requiredOption("--route <name>", "where it applies")
    .requiredOption("--rule <id>", "rule id or class")
    .requiredOption("--field <place>", "place, such as query:q or json:$.q; findings name it")
    .option("--expires <when>", "30d, or a date; absent = for good")
    .option("--ticket <text>", "why; stands beside it in the file", "")
    .addOption(attacks())
    .option("--write", "write it into the file", false)
    .addOption(format())
    .action(async (options: Omit<ExcludeOptions, "config" | "expires"> & Partial<ExcludeOptions>) => {
      const { excludeCommand } = await import("./exclude.ts");
      const { config, expires, ...rest } = options;
      finish(excludeCommand({ ...rest, config, expires }, output()));
    });
  command("suggest", "propose exclusions from what routes in shadow would have refused")
    .addOption(
      new Option("--from <decisions>", "which ones to look at").choices(["shadow", "deny"]).default("shadow"),
    )
    .addOption(new Option("--limit <number>", "proposals").default(10).argParser(count))
    .addOption(attacks())
    .addOption(shared.admin())
    .addOption(format())
    .action(async (options: Omit<SuggestOptions, "config" | "admin"> & Partial<SuggestOptions>) => {
      const { suggestCommand } = await import("./suggest.ts");
      const { config, admin, ...rest } = options;
      finish(await suggestCommand({ ...rest, config, admin }, process.env, output()));
    });
}

function count(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("a whole number from 1 to 999");
}
