import { type AdminOptions, findAdmin, unavailable } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

/** What is to be forgotten; one of them. */
export interface PurgeWish {
  readonly all: boolean;
  readonly url: string | undefined;
  readonly prefix: string | undefined;
  readonly tag: string | undefined;
}

/** `zion cache purge`: makes the gateway that runs forget stored answers. Resolves with the exit code. */
export async function purgeCommand(
  { all, url, prefix, tag }: PurgeWish,
  options: AdminOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const wishes = [all ? { all } : {}, { url }, { prefix }, { tag }].filter((wish) =>
    Object.values(wish).some((value) => value !== undefined),
  );
  if (wishes.length !== 1) {
    output.err.write("zion: name one of --all, --url, --prefix and --tag\n");
    return exitCodes.usage;
  }
  const admin = findAdmin(options, environment, output);
  if (typeof admin === "number") return admin;
  try {
    const { status, body } = await admin.post("/v1/cache/purge", JSON.stringify(wishes[0]));
    if (status !== 200) return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
    const { purged } = JSON.parse(body) as { purged: number };
    output.out.write(`${purged} stored ${purged === 1 ? "answer is" : "answers are"} gone\n`);
    return exitCodes.ok;
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
}

/** `zion cache status`: its figures. Resolves with the exit code. */
export async function cacheStatusCommand(
  options: AdminOptions & { readonly format: "human" | "json" },
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const admin = findAdmin(options, environment, output);
  if (typeof admin === "number") return admin;
  try {
    const { status, body } = await admin.get("/v1/cache");
    if (status !== 200) return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
    const { requests, ...rest } = JSON.parse(body) as { requests: Record<string, number> };
    const lines = Object.entries({ ...rest, ...requests }).map(
      ([name, value]) => `${name.padEnd(24)}${value}\n`,
    );
    output.out.write(options.format === "json" ? `${body.trim()}\n` : lines.join(""));
    return exitCodes.ok;
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
}
