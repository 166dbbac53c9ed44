import { changesBetween } from "../config/changes.ts";
import type { Config } from "../config/config.ts";
import { type Impact, impactOf } from "../config/impact.ts";
import { cutConfig } from "../config/parts.ts";
import type { Running } from "../control/generation-endpoints.ts";
import { adminOf, unavailable } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

const meanings: Readonly<Record<Impact, string>> = {
  restart: "needs a restart or zion upgrade: a reload is refused",
  listeners: "binds and closes sockets; open connections live on",
  workers: "starts workers, or lets them finish and end",
  writer: "another audit writer takes over, and events wait meanwhile; a new path begins a new log",
  replaced: "replaces the workers one by one; what is under way is finished",
  connections: "its connections are made anew; what is under way is finished",
};

/** `zion check --against running`: what a reload with this configuration would do. Resolves with the exit code. */
export async function compareWithRunning(
  config: Config,
  admin: string | undefined,
  output: Output,
): Promise<number> {
  const client = adminOf(config, admin, process.env);
  if (client === undefined) return unavailable("the admin listener is off: give --admin HOST:PORT", output);
  let running: Running;
  try {
    const { status, body } = await client.get("/v1/running");
    if (status !== 200) return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
    running = JSON.parse(body) as Running;
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
  const changes = changesBetween(running.manifest, cutConfig(config).manifest);
  output.out.write(
    `against generation ${running.generation}: ${changes.length === 0 ? "nothing changes" : ""}\n`,
  );
  for (const change of changes) {
    const impact = impactOf(change);
    output.out.write(
      `  ${change.what} ${change.how}${impact === undefined ? "" : `: ${meanings[impact]}`}\n`,
    );
  }
  return changes.some((change) => impactOf(change) === "restart") ? exitCodes.no : exitCodes.ok;
}
