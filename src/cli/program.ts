import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { AdminRole } from "../config/config.ts";
import type { ReportFormat } from "../config/report.ts";
import { addAuditCommands } from "./audit.ts";
import { addCacheCommands } from "./cache-commands.ts";
import { addCertsCommands } from "./certs-commands.ts";
import { exitCodes } from "./exit-code.ts";
import { addExplainCommands } from "./explain-commands.ts";
import { addImportCommands } from "./import-commands.ts";
import { addMeshCommands } from "./mesh-commands.ts";
import { type ColorChoice, type Output, processOutput } from "./output.ts";
import { addSetupCommands } from "./setup-commands.ts";
import { addTuningCommands } from "./tuning-commands.ts";
import { addUpkeepCommands } from "./upkeep-commands.ts";
import { packageVersion } from "./version.ts";
import { addViewCommands } from "./view-commands.ts";

/** Runs one command line (without the program's name) and returns the exit code. Each command is loaded when it is used. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = buildProgram((code) => {
    exitCode = code;
  });
  try {
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    // Commander has printed its message already: help on request is fine, everything else was wrong usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    process.stderr.write(`zion: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
    return exitCodes.fault;
  }
  return exitCode;
}

/** The commands and their options; `finish` gets the exit code of the one that runs. Exported for test/docs. */
export function buildProgram(finish: (exitCode: number) => void): Command {
  const program = new Command("zion")
    .description("A reverse proxy and edge gateway.")
    .addOption(
      new Option("--color <when>", "colour messages").choices(["auto", "always", "never"]).default("auto"),
    )
    .version(packageVersion(), "-V, --version", "print the version")
    .helpCommand("help [command]", "help for a command")
    .showHelpAfterError("(zion --help lists what there is)")
    .exitOverride();
  const output = (): Output => processOutput(program.opts<{ color: ColorChoice }>().color);
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).exitOverride();
  const config = (): Option =>
    new Option(
      "-c, --config <file>",
      "config file, - for standard input (default: $ZION_CONFIG, ./zion.toml, /etc/zion/zion.toml)",
    );

  const admin = (): Option =>
    new Option(
      "--admin <address>",
      "HOST:PORT or unix:/path of the admin listener (default: as the config says)",
    );

  command("run", "run the gateway")
    .addOption(config())
    .option(
      "--require-signature <key>",
      "refuse a config that FILE.sig does not sign; KEY: Ed25519 public key, PEM",
    )
    .action(async (options: { config?: string; requireSignature?: string }) => {
      const { discoverConfig, noConfig } = await import("./load.ts");
      const file = options.config ?? discoverConfig();
      if (file === undefined) {
        output().err.write(`error[Z1001]: ${noConfig}\n`);
        return finish(exitCodes.configRefused);
      }
      const { runCommand } = await import("./run.ts");
      finish(await runCommand({ config: file, requireSignature: options.requireSignature }));
    });
  command("upgrade", "let this version take over from the one that runs, without losing a connection")
    .addOption(config())
    .action(async (options: { config?: string }) => {
      const { upgradeCommand } = await import("./upgrade.ts");
      finish(await upgradeCommand({ config: options.config }, output()));
    });
  command("check", "validate a config without side effects")
    .addOption(config())
    .addOption(
      new Option("--format <format>", "how to print the result")
        .choices(["human", "json", "github", "sarif"])
        .default("human"),
    )
    .addOption(
      new Option(
        "--against <what>",
        "say also what a reload with it would change in the gateway that runs",
      ).choices(["running"]),
    )
    .option("--online", "ask every server that it names, once: upstreams, key sets", false)
    .option("--fix", "write suggested names into the file first", false)
    .addOption(admin())
    .action(
      async (options: {
        config?: string;
        format: ReportFormat;
        against?: "running";
        online: boolean;
        fix: boolean;
        admin?: string;
      }) => {
        const { checkCommand } = await import("./check.ts");
        finish(await checkCommand({ ...options, config: options.config }, output()));
      },
    );
  command("reload", "make the gateway that runs read its configuration again")
    .addOption(config())
    .addOption(admin())
    .option("--wait", "say what came of it", false)
    .action(async (options: { config?: string; admin?: string; wait: boolean }) => {
      const { reloadCommand } = await import("./reload.ts");
      const { config, admin, wait } = options;
      finish(await reloadCommand({ config, admin, wait }, process.env, output()));
    });
  command("sign <file>", "print the signature of a config, for FILE.sig")
    .requiredOption("--key <file>", "Ed25519 private key, PEM")
    .addOption(
      new Option("--config-version <number>", "higher than that of every config before it")
        .makeOptionMandatory()
        .argParser((text) => {
          if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
          throw new InvalidArgumentError("a version is a whole number from 1");
        }),
    )
    .action(async (file: string, { key, configVersion }: { key: string; configVersion: number }) => {
      const { signCommand } = await import("./sign.ts");
      finish(signCommand({ config: file, key, configVersion }, output()));
    });
  command("rollback <generation>", "put an earlier configuration in force again; the file stays as it is")
    .addOption(config())
    .addOption(admin())
    .action(async (generation: string, options: { config?: string; admin?: string }) => {
      const { rollBackCommand } = await import("./reload.ts");
      const { config, admin } = options;
      finish(await rollBackCommand(generation, { config, admin }, process.env, output()));
    });
  command("demo", "run a gateway with a certificate and an upstream of its own")
    .addOption(port("--https-port <port>", "TLS port", 8443))
    .addOption(port("--http-port <port>", "plain port", 8080))
    .addOption(port("--telemetry-port <port>", "port of /livez, /readyz, /metrics", 9464))
    .action(async (ports: { httpsPort: number; httpPort: number; telemetryPort: number }) => {
      const { demoCommand } = await import("./demo.ts");
      finish(await demoCommand(ports));
    });
  addExplainCommands(program, config, admin, output, finish);
  addCertsCommands(program, { config, admin }, output, finish);
  addCacheCommands(
    command("cache", "stored answers: forget some, or count them"),
    { config, admin },
    output,
    finish,
  );
  addAuditCommands(command("audit", "verify, prove and read the audit log"), output, finish);
  addMeshCommands(command("mesh", "keys of the mesh, and who is in it"), { config, admin }, output, finish);
  const rules = command("rules", "list, show and test the WAF's rules");
  const rulesDirectory = (): Option =>
    new Option("--rules <directory>", "rule files (default: those that are shipped)");
  rules
    .command("list")
    .description("one line per rule")
    .exitOverride()
    .option("--kinds", "list what the detectors can report, instead", false)
    .addOption(rulesDirectory())
    .action(async (options: { rules?: string; kinds: boolean }) => {
      const { listRules } = await import("./rules.ts");
      finish(listRules(options, output()));
    });
  rules
    .command("show <id>")
    .description("all of one rule")
    .exitOverride()
    .addOption(rulesDirectory())
    .action(async (id: string, options: { rules?: string }) => {
      const { showRule } = await import("./rules.ts");
      finish(showRule(id, options, output()));
    });
  rules
    .command("test [file]")
    .description("run the examples of all rules, or of one file's")
    .exitOverride()
    .addOption(rulesDirectory())
    .action(async (file: string | undefined, options: { rules?: string }) => {
      const { testRuleFiles } = await import("./rules.ts");
      finish(testRuleFiles(file, options, output()));
    });
  command("api-key <id>", "make an API key: its line for api_keys_file, and the key, shown once")
    .option("--scope <scope...>", "what it may do; see required_scopes", [])
    .action(async (id: string, options: { scope: readonly string[] }) => {
      const { apiKeyCommand } = await import("./credential.ts");
      finish(apiKeyCommand(id, options.scope, output()));
    });
  command("token <name>", "make an admin token: its table for the config, and the token, shown once")
    .addOption(
      new Option("--role <role>", "what it may do").choices(["read", "operate", "admin"]).default("read"),
    )
    .addOption(
      new Option("--days <number>", "how long it is good").default(90).argParser((text) => {
        if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
        throw new InvalidArgumentError("days are a whole number from 1 to 9999");
      }),
    )
    .action(async (name: string, { role, days }: { role: AdminRole; days: number }) => {
      const { tokenCommand } = await import("./token.ts");
      finish(tokenCommand({ name, role, days }, output()));
    });
  command("password <name>", "make a user's line for users_file, from a password on standard input").action(
    async (name: string) => {
      const { passwordCommand } = await import("./credential.ts");
      finish(await passwordCommand(name, output()));
    },
  );
  addTuningCommands(program, { config, admin }, output, finish);
  addViewCommands(program, { config, admin }, output, finish);
  addSetupCommands(program, config, output, finish);
  addImportCommands(program, output, finish);
  addUpkeepCommands(program, { config }, output, finish);
  command("version", "print the versions of zion, Node and OpenSSL").action(async () => {
    const { versionCommand } = await import("./version.ts");
    finish(versionCommand(output()));
  });
  return program;
}

/** 0 = any that is free. */
function port(flags: string, description: string, preset: number): Option {
  return new Option(flags, `${description}, 0 = any`).default(preset).argParser((text) => {
    const value = Number(text);
    if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new InvalidArgumentError("a port is 0 to 65535");
    return value;
  });
}
