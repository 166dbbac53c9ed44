import { runAcmeTask } from "./acme-run.ts";
import type { AcmeNews, AcmeTask } from "./acme-task.ts";
import { beginChild } from "./child-entry.ts";

/**
 * A process that does one task with a CA and ends: what strangers answer is parsed here. It has the account's key for as
 * long as it takes, and neither a key of a certificate nor the environment nor the right to write. Started by
 * acme-child.ts.
 */
beginChild("ACME client");
// Nobody is left to tell.
process.on("disconnect", () => process.exit(0));

process.once("message", (task) => {
  const say = (news: AcmeNews): Promise<void> =>
    new Promise((resolve) => {
      process.once("message", () => resolve());
      process.send!(news);
    });
  void runAcmeTask(task as AcmeTask, say).then((outcome) => {
    // Disconnecting before the answer is through would lose it.
    process.send!(outcome, undefined, {}, () => process.disconnect());
  });
});
