import type { ToWorker } from "../../src/control/messages.ts";
import type { ClientScores } from "../../src/identity/score-table.ts";

/** Takes scores as a worker does: by keeping them. */
let scores: ClientScores | undefined;
process.on("message", (message: ToWorker) => {
  if (message.type === "mesh_scores") scores = message.scores;
});
process.on("disconnect", () => process.exit(scores === undefined ? 1 : 0));
