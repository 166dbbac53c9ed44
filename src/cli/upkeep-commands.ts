import type { Command, Option } from "commander";
import type { Output } from "./output.ts";

/** Commands around installing and updating the gateway. */
export function addUpkeepCommands(
  program: Command,
  options: { readonly config: () => Option },
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  program
    .command("migrate")
    .description("write the names that keys have in this version into the file; comments stay")
    .exitOverride()
    .addOption(options.config())
    .action(async (given: { config?: string }) => {
      const { migrateCommand } = await import("./migrate.ts");
      finish(migrateCommand({ config: given.config }, output()));
    });
  program
    .command("verify-release <directory>")
    .description("say whether a directory holds a release as it was signed")
    .exitOverride()
    .requiredOption("--key <file>", "public key of the releases, as minisign writes it")
    .action(async (directory: string, options: { key: string }) => {
      const { verifyReleaseCommand } = await import("./verify-release.ts");
      finish(await verifyReleaseCommand(directory, options, output()));
    });
}
