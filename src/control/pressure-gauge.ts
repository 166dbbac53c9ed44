import { getHeapStatistics } from "node:v8";
import { type Pressure, SAMPLE_MS } from "../gate/pressure.ts";
import type { WafEngine } from "../gate/waf-engine.ts";
import type { Clock } from "../std/clock.ts";
import { garbageCollector } from "../std/garbage.ts";

/** Samples between two looks at the heap: four a second. */
const HEAP_EVERY = 5;
/** Looks whose smallest counts: garbage that is not collected yet is no pressure. Two seconds. */
const HEAP_LOOKS = 8;
/** So full that a worker is replaced before it dies (reliability.md F32), and for how long. */
const WORN_SHARE = 0.85;
const WORN_MS = 30_000;

/**
 * Between two collections for want of memory. A worker that turns all work away makes no garbage either, so nothing would
 * be collected, and what a flood left would keep the memory full: 98 requests/s were answered afterwards, of 970.
 */
const COLLECT_MS = 5000;
/**
 * And where nothing is let in: each connection that is turned away leaves some 5 kB, 18 MB/s of them in a storm, which kept a worker
 * in 256 MiB turning everybody away for as long as they came back.
 */
const COLLECT_FULL_MS = 1000;
const FULL = 3;

export interface PressureGauge {
  /** Memory of all processes together, as a share of the limit of the control group; 0 = there is none. */
  setMemory(share: number): void;
  /** The heap has been almost full for half a minute: what is in it does not go away. */
  isWorn(): boolean;
}

/** Measures what `pressure` decides by. */
export function openPressureGauge(
  pressure: Pressure,
  engine: Pick<WafEngine, "turns" | "store">,
  clock: Clock,
  readHeap: () => number = heapInUse,
  collect: (() => void) | undefined = garbageCollector(),
): PressureGauge {
  let lastMs = clock.nowMs();
  let roundMs = 0;
  let queuedMs = -1;
  let memory = 0;
  let samples = 0;
  const heaps: number[] = [];
  let fullSinceMs = Infinity;
  let collectedMs = -Infinity;
  /** Stands behind all inspections that wait. */
  const probe = {
    run() {
      roundMs = clock.nowMs() - queuedMs;
      queuedMs = -1;
    },
  };

  const heapShare = (nowMs: number) => {
    heaps.push(readHeap());
    if (heaps.length > HEAP_LOOKS) heaps.shift();
    const share = Math.min(...heaps);
    fullSinceMs = share >= WORN_SHARE ? Math.min(fullSinceMs, nowMs) : Infinity;
    return share;
  };

  const timer = setInterval(() => {
    const nowMs = clock.nowMs();
    const loopLateMs = Math.max(0, nowMs - lastMs - SAMPLE_MS);
    lastMs = nowMs;
    const { turns, store } = engine;
    if (samples++ % HEAP_EVERY === 0) pressure.fill(Math.max(memory, heapShare(nowMs)));
    const collectMs = pressure.level === FULL ? COLLECT_FULL_MS : COLLECT_MS;
    if (pressure.level > 0 && nowMs - collectedMs > collectMs) {
      collectedMs = nowMs;
      collect?.();
    }
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
    isWorn: () => clock.nowMs() - fullSinceMs >= WORN_MS,
  };
}

/** Share of the heap's limit that is in use, garbage included. */
function heapInUse(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return used / limit;
}
