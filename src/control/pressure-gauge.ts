import { getHeapStatistics } from "node:v8";
import { type Pressure, SAMPLE_MS } from "../gate/pressure.ts";
import type { WafEngine } from "../gate/waf-engine.ts";
import type { Clock } from "../std/clock.ts";

/** Samples between two looks at the heap: four a second. */
const HEAP_EVERY = 5;
/** Looks whose smallest counts: garbage that is not collected yet is no pressure. Two seconds. */
const HEAP_LOOKS = 8;

export interface PressureGauge {
  /** Memory of all processes together, as a share of the limit of the control group; 0 = there is none. */
  setMemory(share: number): void;
  stop(): void;
}

/** Measures what `pressure` decides by. */
export function openPressureGauge(pressure: Pressure, engine: WafEngine, clock: Clock): PressureGauge {
  let lastMs = clock.nowMs();
  let roundMs = 0;
  let queuedMs = -1;
  let memory = 0;
  let samples = 0;
  const heaps: number[] = [];
  /** Stands behind all inspections that wait. */
  const probe = {
    run() {
      roundMs = clock.nowMs() - queuedMs;
      queuedMs = -1;
    },
  };

  const heapShare = () => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    heaps.push(used / limit);
    if (heaps.length > HEAP_LOOKS) heaps.shift();
    return Math.min(...heaps);
  };

  const timer = setInterval(() => {
    const nowMs = clock.nowMs();
    const loopLateMs = Math.max(0, nowMs - lastMs - SAMPLE_MS);
    lastMs = nowMs;
    const { turns, store } = engine;
    if (samples++ % HEAP_EVERY === 0) pressure.fill(Math.max(memory, heapShare()));
    // One that has not come back yet says at least how long it has waited.
    const sinceMs = queuedMs < 0 ? roundMs : Math.max(roundMs, nowMs - queuedMs);
    pressure.sample({
      loopLateMs,
      roundMs: sinceMs,
      inspectionsWaiting: turns.waiting,
      roomWaiting: store.waiting,
    });
    if (queuedMs < 0) {
      queuedMs = nowMs;
      turns.queue(probe);
    }
  }, SAMPLE_MS);
  timer.unref();
  return {
    setMemory(share) {
      memory = share;
    },
    stop: () => clearInterval(timer),
  };
}
