import { type Command, InvalidArgumentError, Option } from "commander";
import type { AuditLogOptions } from "./audit-proof.ts";
import type { AuditTailOptions } from "./audit-tail.ts";
import type { AuditVerifyOptions } from "./audit-verify.ts";
import type { AuditWitnessOptions } from "./audit-witness.ts";
import type { Output } from "./output.ts";

/** `zion audit …`. They read files that a gateway wrote, on this machine or another, and need no configuration. */
export function addAuditCommands(
  audit: Command,
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  const command = (name: string, description: string): Command =>
    audit
      .command(name)
      .description(description)
      .exitOverride()
      .addOption(new Option("-d, --dir <directory>", "directory of the log").makeOptionMandatory());
  const oneLog = (): Option =>
    new Option("--log <id>", "which log, where there are several (default: the newest)");

  command("verify", "say whether a log is what was written, and what is not")
    .option("--policy <file>", "keys and witnesses to believe (default: those that the log names itself)")
    .addOption(
      list("--key <file>", "root key of the MACs, fd:N = an open descriptor; again for an older one"),
    )
    .addOption(list("--anchor <file>", "checkpoints that were kept elsewhere; may be given again"))
    .option("--witness <url>", "a witness to ask for what it has signed")
    .addOption(count("--max-unanchored <seconds>", "how old records may be that no anchor covers", 60))
    .option("--strict", "count notes of recovered crashes as findings", false)
    .option("--json", "print JSON", false)
    .action(async (options: AuditVerifyOptions) => {
      const { auditVerifyCommand } = await import("./audit-verify.ts");
      finish(await auditVerifyCommand(options, output()));
    });
  command("prove <seq>", "prove that a record is in the log of the newest checkpoint")
    .addOption(oneLog())
    .action(async (seq: string, options: AuditLogOptions) => {
      const { auditProveCommand } = await import("./audit-proof.ts");
      finish(auditProveCommand(number(seq), options, output()));
    });
  command("consistency <old> <new>", "prove that the log of one size begins with the log of another")
    .addOption(oneLog())
    .action(async (old: string, size: string, options: AuditLogOptions) => {
      const { auditConsistencyCommand } = await import("./audit-proof.ts");
      finish(auditConsistencyCommand(number(old), number(size), options, output()));
    });
  command("export", "print records as they stand, one a line")
    .addOption(oneLog())
    .addOption(count("--from <seq>", "first record", 0))
    .addOption(count("--to <seq>", "last record", Number.MAX_SAFE_INTEGER))
    .option("--kind <kind>", "records of this kind only")
    .action(async (options: AuditLogOptions & { from: number; to: number; kind?: string }) => {
      const { auditExportCommand } = await import("./audit-proof.ts");
      finish(auditExportCommand(options, output()));
    });
  command("policy", "print a policy file with the keys that the log names itself")
    .addOption(oneLog())
    .action(async (options: AuditLogOptions) => {
      const { auditPolicyCommand } = await import("./audit-proof.ts");
      finish(auditPolicyCommand(options, output()));
    });
  command("witness", "sign what continues a log, and refuse everything else (C2SP tlog-witness)")
    .requiredOption("--name <name>", "name of this witness, such as witness.example.org/w1")
    .addOption(list("--log <vkey>", "key of a log to watch over; may be given again"))
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .addOption(count("--port <port>", "port to listen on, 0 = any", 7380))
    .action(async (options: AuditWitnessOptions) => {
      const { auditWitnessCommand } = await import("./audit-witness.ts");
      finish(await auditWitnessCommand(options, output()));
    });
  command("tail", "print the newest records")
    .option("-f, --follow", "go on with those that come", false)
    .addOption(count("-n, --lines <count>", "how many", 10))
    .addOption(list("--kind <kind>", "records of this kind only; may be given again"))
    .action(async (options: AuditTailOptions) => {
      const { auditTailCommand } = await import("./audit-tail.ts");
      finish(await auditTailCommand(options, output()));
    });
}

function list(flags: string, description: string): Option {
  return new Option(flags, description)
    .default([])
    .argParser((value: string, previous: readonly string[]) => [...previous, value]);
}

function count(flags: string, description: string, preset: number): Option {
  return new Option(flags, description)
    .default(preset, preset > 1e9 ? "the last" : undefined)
    .argParser(number);
}

function number(text: string): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("not a number");
  return value;
}
