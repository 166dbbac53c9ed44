import { createExposition, type Exposition } from "../../src/control/exposition.ts";
import { createFrames, type Exemplar } from "../../src/record/metric-frame.ts";
import type { MetricSample } from "../../src/record/metrics.ts";

/** An exposition that is given samples, each worker's through frames of its own as in the gateway. */
export function openExposition(): Omit<Exposition, "absorb"> & {
  absorb(worker: number, samples: readonly MetricSample[], exemplars?: readonly Exemplar[]): void;
} {
  const exposition = createExposition();
  const frames = new Map<number, ReturnType<typeof createFrames>>();
  return {
    ...exposition,
    absorb(worker, samples, exemplars) {
      let frame = frames.get(worker);
      if (frame === undefined) frames.set(worker, (frame = createFrames()));
      exposition.absorb(worker, frame(samples, exemplars));
    },
    forget(worker) {
      frames.delete(worker);
      exposition.forget(worker);
    },
  };
}
