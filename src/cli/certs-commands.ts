import type { Command, Option } from "commander";
import type { Output } from "./output.ts";

/** `zion certs` and `zion tickets`. */
export function addCertsCommands(
  program: Command,
  { config, admin }: { readonly config: () => Option; readonly admin: () => Option },
  output: () => Output,
  finish: (exitCode: number) => void,
): void {
  const running = "ask the gateway that runs instead of reading the config";
  const certs = program
    .command("certs")
    .description("list the certificates, the names they are served for and how long they are good")
    .exitOverride()
    .addOption(config())
    .addOption(admin())
    .option("--running", running, false)
    .action(async (options: { config?: string; admin?: string; running: boolean }) => {
      const { certsCommand } = await import("./certs.ts");
      finish(
        await certsCommand(
          { config: options.config, admin: options.admin, running: options.running },
          output(),
        ),
      );
    });
  certs
    .command("check <host>")
    .description("say which certificate a client that asks for HOST gets, and whether it would take it")
    .exitOverride()
    .action(async (host: string) => {
      const { checkCertCommand } = await import("./certs.ts");
      const { config, admin, running } = certs.opts<{
        config?: string;
        admin?: string;
        running: boolean;
      }>();
      finish(await checkCertCommand(host, { config, admin, running }, output()));
    });
  program
    .command("tickets")
    .description("revoke the TLS session tickets of the gateway that runs")
    .exitOverride()
    .command("revoke")
    .description("let no TLS session be resumed that began before")
    .exitOverride()
    .addOption(config())
    .addOption(admin())
    .action(async (options: { config?: string; admin?: string }) => {
      const { revokeTicketsCommand } = await import("./certs.ts");
      const { config, admin } = options;
      finish(await revokeTicketsCommand({ config, admin }, process.env, output()));
    });
}
