import { families, type MetricSample } from "../record/metrics.ts";

/** How busy this worker is, and how large: since the last scrape, at a scrape. */
export function loopSamples(workerIndex: number): () => MetricSample[] {
  const labels = [String(workerIndex)];
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return [
      { name: families.loopUtilization.name, labels, value: utilization },
      { name: families.workerMemory.name, labels, value: process.memoryUsage.rss() },
    ];
  };
}
