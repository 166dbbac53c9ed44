import { beginChild } from "./child-entry.ts";
import { fetchOcsp, type OcspTask } from "./ocsp-fetch.ts";

/** A process that asks one responder about one certificate and ends: its answer is parsed where no key is. */
beginChild("OCSP fetcher");
// Nobody is left to tell.
process.on("disconnect", () => process.exit(0));
process.once("message", (task) => {
  void fetchOcsp(task as OcspTask)
    .catch((cause: unknown) => String(cause))
    .then((result) => {
      // Disconnecting before the answer is through would lose it.
      process.send!(result, undefined, {}, () => process.disconnect());
    });
});
