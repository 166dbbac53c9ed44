import { type Command, InvalidArgumentError, Option } from "commander";
import type { Output } from "./output.ts";
import type { ViewOptions } from "./views.ts";

const viewNames = ["status", "routes", "upstreams", "bans"] as const;
export type ViewName = (typeof viewNames)[number];

const descriptions: Readonly<Record<ViewName, string>> = {
  status: "say how the gateway that runs is: exit 1 = it is down",
  routes: "list the routes of the gateway that runs, with what the WAF does and their latency",
  upstreams: "list the endpoints of the gateway that runs, and why one is not used",
  bans: "list who is banned",
};

/** What only looks at the gateway that runs. */
export function addViewCommands(
  program: Command,
  shared: { readonly config: () => Option; readonly admin: () => Option },
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .exitOverride()
      .addOption(shared.config())
      .addOption(shared.admin());
  const format = (): Option =>
    new Option("--format <format>", "how to print the result").choices(["human", "json"]).default("human");
  for (const name of viewNames)
    command(name, descriptions[name])
      .addOption(format())
      .action(async (options: Pick<ViewOptions, "format"> & Partial<ViewOptions>) => {
        const { viewCommand } = await import("./views.ts");
        const { config, admin, format } = options;
        finish(await viewCommand(name, { config, admin, format }, process.env, output()));
      });
  command(
    "diff <from> [to]",
    "say what differs between two configurations: files, or `running`; exit 1 = something",
  )
    .addOption(format())
    .action(
      async (
        from: string,
        to: string | undefined,
        options: Pick<ViewOptions, "format"> & Partial<ViewOptions>,
      ) => {
        const { diffCommand } = await import("./diff.ts");
        const { config, admin, format } = options;
        finish(await diffCommand({ from, to, config, admin, format }, process.env, output()));
      },
    );
  command("support-dump", "print how the gateway that runs stands, without names and addresses").action(
    async (options: Partial<ViewOptions>) => {
      const { supportDumpCommand } = await import("./support-dump.ts");
      const { config, admin } = options;
      finish(await supportDumpCommand({ config, admin }, process.env, output()));
    },
  );
  command("top", "show rates of the gateway that runs, again and again")
    .addOption(number("--interval <seconds>", "between two pictures", 2))
    .addOption(number("--count <number>", "pictures (default: until Ctrl-C)", 0))
    .action(async (options: { config?: string; admin?: string; interval: number; count: number }) => {
      const { topCommand } = await import("./top.ts");
      const { config, admin, interval, count } = options;
      const settings = { config, admin, intervalSecs: interval, count };
      finish(await topCommand(settings, process.env, output(), process.stdout.isTTY === true));
    });
}

function number(flags: string, description: string, preset: number): Option {
  return new Option(flags, description).default(preset).argParser((text) => {
    if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
    throw new InvalidArgumentError("a whole number from 1 to 99999");
  });
}
