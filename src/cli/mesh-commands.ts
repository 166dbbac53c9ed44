import { type Command, InvalidArgumentError, Option } from "commander";
import type { Output } from "./output.ts";

/** `zion mesh …`: keys, and who is in the mesh. */
export function addMeshCommands(
  mesh: Command,
  shared: { readonly config: () => Option; readonly admin: () => Option },
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  const command = (name: string, description: string): Command =>
    mesh.command(name).description(description).exitOverride();
  const key = (): Option => new Option("--key <file>", "the revocation key").makeOptionMandatory();

  command(
    "keygen <file>",
    "make a key for an edge, or to revoke keys with, and print its public part",
  ).action(async (file: string) => {
    const { keygenCommand } = await import("./mesh.ts");
    finish(keygenCommand(file, output()));
  });
  command("cluster-key <file>", "make the key that all edges of a cluster share").action(
    async (file: string) => {
      const { clusterKeyCommand } = await import("./mesh.ts");
      finish(clusterKeyCommand(file, output()));
    },
  );
  command("status", "list the edges that the gateway that runs hears; exit 1 = it has no way to them")
    .addOption(shared.config())
    .addOption(shared.admin())
    .addOption(
      new Option("--format <format>", "how to print the result").choices(["human", "json"]).default("human"),
    )
    .action(async (options: { config?: string; admin?: string; format: "human" | "json" }) => {
      const { meshStatusCommand } = await import("./mesh.ts");
      const { config, admin, format } = options;
      finish(await meshStatusCommand({ config, admin, format }, process.env, output()));
    });
  command("revoke <public-key>", "take an edge's key out of the mesh, for good")
    .addOption(shared.config())
    .addOption(key())
    .action(async (id: string, options: { config?: string; key: string }) => {
      const { revokeKeyCommand } = await import("./mesh.ts");
      finish(await revokeKeyCommand(id, { config: options.config, key: options.key }, output()));
    });
  command("policy", "ask all edges for a larger quorum, or a higher score, than their files do")
    .addOption(shared.config())
    .addOption(key())
    .addOption(number("--quorum <number>", "operators that must agree"))
    .addOption(number("--score <number>", "that each must say at least, 0 to 1"))
    .action(async (options: { config?: string; key: string; quorum: number; score: number }) => {
      const { policyCommand } = await import("./mesh.ts");
      const { config, key, quorum, score } = options;
      finish(await policyCommand({ quorum, score }, { config, key }, output()));
    });
}

function number(flags: string, description: string): Option {
  return new Option(flags, description).default(0).argParser((text) => {
    if (/^\d{1,3}(?:\.\d{1,4})?$/.test(text)) return Number(text);
    throw new InvalidArgumentError("a number");
  });
}
