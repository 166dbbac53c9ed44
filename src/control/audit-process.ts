import type { ToAuditWriter } from "./audit-order.ts";
import { runAuditWriter } from "./audit-writer.ts";
import { beginChild } from "./child-entry.ts";

/** Entry of the audit writer's process, which audit-supply.ts starts. */
beginChild("audit writer");

process.once("message", async (order) => {
  const starting = runAuditWriter(
    order as ToAuditWriter & { readonly type: "start" },
    (message) => {
      // The callback keeps a broken pipe from becoming an 'error' event.
      if (process.connected) process.send!(message, undefined, {}, () => {});
    },
    (code) => process.exit(code),
  );
  // It may be told to stop while it still waits for the log of another.
  process.on("message", async (message) => {
    if ((message as ToAuditWriter).type === "stop") (await starting).stop();
  });
  const writer = await starting;
  process.on("disconnect", () => writer.primaryLost());
  if (!process.connected) writer.primaryLost();
});
