import type { KeySourceConfig } from "../config/config.ts";
import type { KeysOrProblem } from "../identity/jwk.ts";
import { askChild, type ChildTaskOptions } from "./child-task.ts";

/** Fetches a key set in a process of its own; `options.entry` is jwks-process. Never rejects. */
export function fetchInProcess(
  options: ChildTaskOptions,
): (source: KeySourceConfig) => Promise<KeysOrProblem> {
  return (source) => askChild<KeysOrProblem>(options, source);
}
