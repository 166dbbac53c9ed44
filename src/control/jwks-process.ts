import type { KeySourceConfig } from "../config/config.ts";
import { beginChild } from "./child-entry.ts";
import { fetchKeys } from "./jwks-fetch.ts";

/**
 * A process that fetches one key set and ends: what strangers answer is parsed where there is nothing to steal, neither
 * keys nor environment, and the primary can end it at any time. Started by jwks-child.ts.
 */
beginChild("key fetcher");
// Nobody is left to tell.
process.on("disconnect", () => process.exit(0));
process.once("message", (source) => {
  void fetchKeys(source as KeySourceConfig).then((result) => {
    // Disconnecting before the answer is through would lose it.
    process.send!(result, undefined, {}, () => process.disconnect());
  });
});
