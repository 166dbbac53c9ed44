import type { CanonicalRequest } from "../http/request.ts";
import type { Clock } from "../std/clock.ts";
import type { TimerWheel } from "../std/timer-wheel.ts";
import type { RuleSet } from "../waf/compile.ts";
import type { FindingWitness } from "../waf/finding.ts";
import { Inspector } from "../waf/inspector.ts";
import { Scratch } from "../waf/scratch.ts";
import { SegmentStore } from "./segment-store.ts";
import { Turns } from "./turns.ts";
import { BodyInspection } from "./waf-body.ts";
import { HeadInspection } from "./waf-head.ts";
import type { RouteWaf } from "./waf-settings.ts";
import { inspectorGate, topRule, type WafVerdict } from "./waf-verdict.ts";

export interface WafEngineDeps {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** 32 random bits that no client can learn; see NameSet. */
  readonly seed: number;
  /** Absent while serving. */
  readonly witness?: FindingWitness;
}

/** What the WAF of a worker works with: scratch buffers, pools, memory for bodies, and turns. One per worker. */
export class WafEngine {
  readonly store = new SegmentStore(64 * 1_048_576);
  readonly turns: Turns;
  readonly wheel: TimerWheel;
  readonly #clock: Clock;
  readonly #seed: number;
  readonly #witness: FindingWitness | undefined;
  readonly #head: HeadInspection;
  readonly #headVerdict: { refused: boolean; gate: WafVerdict["gate"]; detail: string } = {
    refused: false,
    gate: "patterns",
    detail: "",
  };
  #scratch: Scratch | undefined;
  readonly #inspectors: Inspector[] = [];
  readonly #bodies: BodyInspection[] = [];

  constructor(deps: WafEngineDeps) {
    this.#clock = deps.clock;
    this.wheel = deps.wheel;
    this.#seed = deps.seed;
    this.#witness = deps.witness;
    this.turns = new Turns(deps.clock);
    this.#head = new HeadInspection(deps.seed);
  }

  /** An inspector that has begun a request of this route; to be given back. */
  begin(waf: RouteWaf, route: string): Inspector {
    const { ruleSet } = waf.profile;
    const inspector = this.#inspectorOf(ruleSet);
    inspector.begin(waf.profile, route, this.#clock.wallMs());
    return inspector;
  }

  give(inspector: Inspector): void {
    if (inspector.ruleSet === this.#scratch?.ruleSet && this.#inspectors.length < KEPT_MAX)
      this.#inspectors.push(inspector);
  }

  /** Looks at a head. The verdict is written over by the next one. */
  inspectHead(request: CanonicalRequest, waf: RouteWaf, inspector: Inspector): WafVerdict {
    const verdict = this.#headVerdict;
    const reason = this.#head.inspect(request, waf, inspector);
    verdict.refused = reason !== undefined || inspector.refused;
    if (reason !== undefined) {
      verdict.gate = "head";
      verdict.detail = reason;
    } else if (verdict.refused) {
      verdict.gate = inspectorGate(inspector, waf.profile.threshold);
      verdict.detail = topRule(inspector);
    }
    return verdict;
  }

  takeBody(): BodyInspection {
    return this.#bodies.pop() ?? new BodyInspection(this.#seed);
  }

  giveBody(body: BodyInspection): void {
    body.close();
    if (this.#bodies.length < BODIES_KEPT_MAX) this.#bodies.push(body);
  }

  /** Of the current rule set, or after a reload the first of the new one. */
  #inspectorOf(ruleSet: RuleSet): Inspector {
    if (this.#scratch?.ruleSet !== ruleSet) {
      this.#scratch = new Scratch(ruleSet, this.#witness);
      this.#inspectors.length = 0;
    }
    return this.#inspectors.pop() ?? new Inspector(this.#scratch);
  }
}

const KEPT_MAX = 256;
/** Their readers hold up to 128 KiB each. */
const BODIES_KEPT_MAX = 16;
