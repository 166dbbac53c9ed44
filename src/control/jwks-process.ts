import type { KeySourceConfig } from "../config/config.ts";
import { fetchKeys } from "./jwks-fetch.ts";
import { installChildLastGasp } from "./last-gasp.ts";

/**
 * A process that fetches one key set and ends: what strangers answer is parsed where there is nothing to steal, neither
 * keys nor environment, and the primary can end it at any time. Started by jwks-child.ts.
 */
installChildLastGasp("key fetcher");
process.once("message", (source) => {
  void fetchKeys(source as KeySourceConfig).then((result) => {
    // Disconnecting before the answer is through would lose it.
    process.send!(result, undefined, {}, () => process.disconnect());
  });
});
