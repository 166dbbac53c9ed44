import {
  type AdminClient,
  type AdminOptions,
  type AdminReply,
  findAdmin,
  unavailable,
} from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

/** `zion reload`: asks the gateway that runs to read its configuration again. Resolves with the exit code. */
export function reloadCommand(
  options: AdminOptions & { readonly wait: boolean },
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const path = options.wait ? "/v1/reload" : "/v1/reload?wait=no";
  return change(options, environment, output, (admin) => admin.post(path));
}

/** `zion rollback N`: puts an earlier configuration in force again. Resolves with the exit code. */
export function rollBackCommand(
  generation: string,
  options: AdminOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  return change(options, environment, output, (admin) =>
    admin.post(`/v1/rollback/${encodeURIComponent(generation)}`),
  );
}

async function change(
  options: AdminOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
  ask: (admin: AdminClient) => Promise<AdminReply>,
): Promise<number> {
  const admin = findAdmin(options, environment, output);
  if (typeof admin === "number") return admin;
  try {
    return report(await ask(admin), output);
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
}

function report({ status, body }: AdminReply, output: Output): number {
  if (status === 202) {
    output.out.write("reloading\n");
    return exitCodes.ok;
  }
  if (status !== 200 && status !== 422)
    return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
  const { generation, error } = JSON.parse(body) as { generation: number; error?: string };
  if (error === undefined) {
    output.out.write(`generation ${generation} is in force\n`);
    return exitCodes.ok;
  }
  output.err.write(`${error.trimEnd()}\nrefused; generation ${generation} stays in force\n`);
  return exitCodes.no;
}
