import { type Command, InvalidArgumentError, Option } from "commander";
import type { Output } from "./output.ts";

/** What answers "why": pages of diagnostics, requests taken through a configuration. */
export function addExplainCommands(
  program: Command,
  config: () => Option,
  admin: () => Option,
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  const format = (): Option =>
    new Option("--format <format>", "how to print the result").choices(["human", "json"]).default("human");
  const from = (): Option =>
    new Option("--from <address>", "the client's address (default: one that is nobody's)").default(
      "192.0.2.1",
    );

  program
    .command("explain [words...]")
    .description("explain a diagnostic (Z1042), or what a request would meet; options of curl say which")
    .usage("Z1042 | [options] [curl's options] [METHOD] URL")
    .exitOverride()
    // -X, -H, -d and the like are read by curl's rules, in their order.
    .allowUnknownOption()
    .addOption(config())
    .addOption(from())
    .option("--sni <name>", "the name asked for in the TLS handshake (default: the host of the URL)")
    .option("--curl <command>", "a whole command line, as browsers copy it")
    .option("--har <file>", "a file of recorded requests, as browsers save it; - for standard input")
    .addOption(
      new Option("--entry <number>", "which request of the HAR file, from 1").argParser((text) => {
        if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
        throw new InvalidArgumentError("entries are counted from 1");
      }),
    )
    .option("--running", "by the configuration, bans and limits of the gateway that runs", false)
    .addOption(admin())
    .addOption(format())
    .action(async (words: readonly string[], options: ExplainFlags) => {
      const { explainCommand, isDiagnosticCode } = await import("./explain.ts");
      const [word] = words;
      if (words.length === 1 && isDiagnosticCode(word!)) return finish(explainCommand(word!, output()));
      const { explainRequestCommand } = await import("./explain-request.ts");
      const { config: file, sni, curl, har, entry, admin: address, ...rest } = options;
      const request = { ...rest, words, config: file, sni, curl, har, entry, admin: address };
      finish(await explainRequestCommand(request, process.env, output()));
    });

  program
    .command("why <request-id>")
    .description("say what was decided about a past request, and what today's configuration would decide")
    .exitOverride()
    .addOption(config())
    .addOption(admin())
    .option("--audit <path>", "ask an audit log, directory or file, instead of the gateway that runs")
    .option(
      "--capture-key <file>",
      "the key of [capture]: where the request was kept, it is asked about whole",
    )
    .addOption(format())
    .action(async (requestId: string, flags: WhyFlags) => {
      const { whyCommand } = await import("./why.ts");
      const { config: file, admin: address, audit, captureKey, format: how } = flags;
      const options = { requestId, config: file, admin: address, audit, captureKey, format: how };
      finish(await whyCommand(options, process.env, output()));
    });

  program
    .command("replay <source...>")
    .description("compare what a configuration decides about requests that came with what was decided then")
    .usage(
      "[options] SOURCE...   (an audit log, a HAR or .http file, go-ftw tests, lines of curl or JSON, or the word running)",
    )
    .exitOverride()
    .addOption(config())
    .option("--against <file>", "the configuration to compare with, instead of what was decided then")
    .addOption(admin())
    .option("--from <address>", "the client's address of requests that do not say theirs")
    .option("--capture-key <file>", "the key of [capture], for requests that were kept")
    .addOption(
      new Option("--fail-on <list>", `exit with 1 when there are such: ${failures.join(", ")}, or none`)
        .default(["allow-to-deny", "deny-to-allow"], "allow-to-deny,deny-to-allow")
        .argParser(readFailures),
    )
    .addOption(format())
    .action(async (sources: readonly string[], options: ReplayFlags) => {
      const { replayCommand } = await import("./replay.ts");
      const { config: file, admin: address, from: client, format: how, ...rest } = options;
      const { against, captureKey, failOn } = rest;
      const given = { sources, against, captureKey, failOn };
      const request = { ...given, config: file, admin: address, from: client, format: how };
      finish(await replayCommand(request, process.env, output()));
    });
}

const failures = ["allow-to-deny", "deny-to-allow", "undecidable"] as const;
type Failure = (typeof failures)[number];

function readFailures(text: string): readonly Failure[] {
  if (text === "none") return [];
  return text.split(",").map((word) => {
    const found = failures.find((failure) => failure === word);
    if (found === undefined) throw new InvalidArgumentError(`Allowed are ${failures.join(", ")}, or none.`);
    return found;
  });
}

interface ReplayFlags {
  readonly captureKey?: string;
  readonly config?: string;
  readonly against?: string;
  readonly admin?: string;
  readonly from?: string;
  readonly failOn: readonly Failure[];
  readonly format: "human" | "json";
}

interface WhyFlags {
  readonly captureKey?: string;
  readonly config?: string;
  readonly admin?: string;
  readonly audit?: string;
  readonly format: "human" | "json";
}

interface ExplainFlags {
  readonly config?: string;
  readonly from: string;
  readonly sni?: string;
  readonly curl?: string;
  readonly har?: string;
  readonly entry?: number;
  readonly running: boolean;
  readonly admin?: string;
  readonly format: "human" | "json";
}
