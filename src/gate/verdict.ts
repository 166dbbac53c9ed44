import type { Reason } from "../reason.ts";

/**
 * What a gate says that may have to wait: a reason, nothing, or a promise. What it promises is called only while the
 * exchange lives: afterwards the request is another exchange's.
 */
export type Verdict = Reason | undefined | Promise<LateVerdict>;

export type LateVerdict = () => Reason | undefined;
