import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import { type JsonSchemaDraft, jsonSchemaDrafts } from "../config/json-schema-draft.ts";
import { type Shell, shells } from "./completion.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

/** What is used around a gateway rather than on one: a first config, editors, shells, containers. */
export function addSetupCommands(
  program: Command,
  config: () => Option,
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).exitOverride();

  command("init [directory]", "write a first config, with the WAF in shadow; overwrites nothing")
    .option("--upstream <url>", "the application behind the gateway", "http://127.0.0.1:3000")
    .option("--host <name...>", "host names of the site (default: every host)", [])
    .addOption(
      new Option("--tls <how>", "where the certificate comes from")
        .choices(["self-signed", "none"])
        .default("self-signed"),
    )
    .action(
      async (
        directory: string | undefined,
        options: { upstream: string; host: readonly string[]; tls: "self-signed" | "none" },
      ) => {
        const { initCommand } = await import("./init.ts");
        const { upstream, host: hosts, tls } = options;
        finish(initCommand({ directory: directory ?? ".", upstream, hosts, tls }, output()));
      },
    );
  command("healthcheck", "ask the gateway whether it is ready: exit 0, 1 = it is not, 3 = no answer")
    .addOption(config())
    .action(async (options: { config?: string }) => {
      const { healthcheckCommand } = await import("./healthcheck.ts");
      finish(await healthcheckCommand(options.config, output()));
    });
  command("bench", "latency at a fixed rate and CPU per request, on this machine")
    .addOption(number("--rate <number>", "requests per second", 1000, 100_000))
    .addOption(number("--duration <seconds>", "of each row", 5, 600))
    .addOption(number("--connections <number>", "kept alive", 32, 1000))
    .addOption(
      new Option("--format <format>", "how to print the result").choices(["human", "json"]).default("human"),
    )
    .action(
      async (options: { rate: number; duration: number; connections: number; format: "human" | "json" }) => {
        const { benchCommand } = await import("./bench.ts");
        const { duration, ...rest } = options;
        finish(await benchCommand({ ...rest, durationSecs: duration }, output()));
      },
    );
  command("schema", "print the JSON Schema of zion.toml, for editors")
    .addOption(new Option("--draft <version>", "of JSON Schema").choices(jsonSchemaDrafts).default("4"))
    .action(async ({ draft }: { draft: JsonSchemaDraft }) => {
      const { configJsonSchema } = await import("../config/json-schema.ts");
      output().out.write(`${JSON.stringify(configJsonSchema(draft), null, 2)}\n`);
      finish(exitCodes.ok);
    });
  command("completion", "print a completion script")
    .addArgument(new Argument("<shell>", "for which shell").choices(shells))
    .action(async (shell: Shell) => {
      const { completionScript } = await import("./completion.ts");
      output().out.write(completionScript(shell, program));
      finish(exitCodes.ok);
    });
}

function number(flags: string, description: string, preset: number, most: number): Option {
  return new Option(flags, description).default(preset).argParser((text) => {
    const value = Number(text);
    if (/^[1-9]\d*$/.test(text) && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from 1 to ${most}`);
  });
}
