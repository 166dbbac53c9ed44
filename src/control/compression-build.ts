import { efforts } from "../answer/coding-effort.ts";
import type { CompressionRule } from "../answer/compression.ts";
import { type CompressionDesk, skips } from "../answer/compression-desk.ts";
import { compileTypeList } from "../body/type-list.ts";
import type { CompressionConfig } from "../config/config.ts";
import type { AnswerCoding } from "../http/accept-encoding.ts";
import { families, type MetricSample } from "../record/metrics.ts";

/** The same for every route that compresses. Throws where the configuration would not have passed its checks. */
export function buildCompression(config: CompressionConfig | undefined): CompressionRule | undefined {
  if (config === undefined) return undefined;
  const types = compileTypeList(config.types);
  if (typeof types === "string") throw new Error(`no media type "${types}"`);
  return {
    codings: config.codings,
    types,
    bytesMin: config.minBytes,
    effort: efforts[config.effort],
    breachGuard: config.breachGuard,
  };
}

/** What one worker's compression has done so far. */
export function compressionSamples({ coded, skipped, usedBytes }: CompressionDesk): MetricSample[] {
  const samples: MetricSample[] = [{ name: families.compressionMemory.name, labels: [], value: usedBytes }];
  for (const [coding, { answers, bytesIn, bytesOut }] of Object.entries(coded) as [
    AnswerCoding,
    (typeof coded)[AnswerCoding],
  ][]) {
    if (answers === 0) continue;
    samples.push(
      { name: families.compressedAnswers.name, labels: [coding], value: answers },
      { name: families.compressionBytes.name, labels: [coding, "in"], value: bytesIn },
      { name: families.compressionBytes.name, labels: [coding, "out"], value: bytesOut },
    );
  }
  for (const skip of skips)
    if (skipped[skip] > 0)
      samples.push({ name: families.compressionSkipped.name, labels: [skip], value: skipped[skip] });
  return samples;
}
