import type { LimitConfig } from "../config/config.ts";
import { strictLimits } from "../control/limit-build.ts";
import type { Limits } from "../limit/limits.ts";
import { type StrictBatch, StrictJudge } from "../limit/strict.ts";
import type { LimitKey, LimitLevel, LimitWitness } from "../limit/usage.ts";

/**
 * The limits of a plane: before each question as far used up as the gateway that runs says, else not at all. So what a
 * question spends is forgotten, and a limit that is used up refuses as it does there.
 */
export class LimitUse implements LimitWitness {
  readonly #limits: Limits;
  readonly #strict = new StrictJudge();
  readonly #nowMs: () => number;
  #keys: LimitKey[] = [];
  /** Undefined = no gateway was asked. */
  #levels: readonly LimitLevel[] | undefined = undefined;

  constructor(limits: Limits, configs: readonly LimitConfig[], nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#strict.adopt(strictLimits(configs));
    limits.witness = this;
  }

  /** What the last question was counted by. */
  get keys(): readonly LimitKey[] {
    return this.#keys;
  }

  begin(levels: readonly LimitLevel[] | undefined): void {
    const nowMs = this.#nowMs();
    this.#keys = [];
    this.#levels = levels;
    this.#limits.restart(levels ?? [], nowMs);
    this.#strict.restart(levels ?? [], nowMs);
  }

  onLimit(limit: string, lo: number, hi: number): void {
    this.#keys.push({ limit, lo, hi });
  }

  /** Nobody waits for another process here. */
  judge({ asks }: StrictBatch): void {
    this.#limits.strict.hear(this.#strict.judge({ asks, returns: [] }, this.#nowMs()));
  }

  /** How much of it was used before this question, in words. */
  describe({ name, algorithm, rate, windowMs, burst }: LimitConfig): string {
    if (!this.#keys.some(({ limit }) => limit === name)) return "does not count it";
    if (this.#levels === undefined) return "how much is used is not known offline";
    const level = this.#levels.find(({ limit }) => limit === name)?.level ?? 0;
    if (algorithm === "fixed_window") return `${level} of ${rate} used in this window`;
    // What is given back bit by bit counts until it is whole again.
    return `${Math.ceil((level * rate) / windowMs - 1e-3)} of ${burst} used`;
  }
}
