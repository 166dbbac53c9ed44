import { beginChild } from "../control/child-entry.ts";
import { systemClock } from "../std/clock.ts";
import type { FromExplainer, ToExplainer } from "./explainer.ts";
import { openPlane, type Plane } from "./plane.ts";
import { explain } from "./question.ts";

/**
 * A process that explains requests by one configuration and ends with whoever started it: bytes of clients are read where
 * there is nothing to steal but this configuration, and no network is used. Started by explainer.ts.
 */
let plane: Plane | undefined;

beginChild("explainer");
process.on("message", (message) => {
  const asked = message as ToExplainer;
  if (asked.type === "open") open(asked);
  else if (asked.type === "ask") void answer(asked);
  else void tellKeys(asked);
});
process.on("disconnect", () => process.exit(0));

function open({ config, generation, banned, seeds, scores }: ToExplainer & { readonly type: "open" }): void {
  try {
    plane = openPlane(config, generation, systemClock, seeds);
    plane.state.bans.banned = banned;
    plane.state.mesh.scores = scores;
    tell({ type: "opened" });
  } catch (cause) {
    tell({ type: "failed", problem: problemOf(cause) });
  }
}

async function answer({ questions, levels }: ToExplainer & { readonly type: "ask" }): Promise<void> {
  try {
    const explanations = [];
    for (const question of questions) explanations.push(await explain(plane!, question, levels));
    tell({ type: "answers", explanations });
  } catch (cause) {
    tell({ type: "failed", problem: problemOf(cause) });
  }
}

async function tellKeys({ question }: ToExplainer & { readonly type: "limit_keys" }): Promise<void> {
  try {
    await explain(plane!, { ...question, brief: true });
    tell({ type: "limit_keys", keys: plane!.limitUse.keys });
  } catch (cause) {
    tell({ type: "failed", problem: problemOf(cause) });
  }
}

function problemOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function tell(message: FromExplainer): void {
  process.send!(message);
}
