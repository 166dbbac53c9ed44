import type { Exemplar } from "../record/metric-frame.ts";
import type { MetricFamily } from "../record/metrics.ts";
import type { Series } from "./series-store.ts";

/** Prometheus' text format 0.0.4, or OpenMetrics 1.0 for whoever asks for it. */
export type MetricFormat = "text" | "openmetrics";

export const contentTypes: Readonly<Record<MetricFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The format that an `Accept` value asks for. */
export function formatFor(accept: string): MetricFormat {
  return /\bapplication\/openmetrics-text\b/i.test(accept) ? "openmetrics" : "text";
}

/**
 * One family. Own, because what stands before a value is made once per series: prom-client's printer took 110 ms for
 * 16,000 lines on a busy machine, this took 9 there (bench/micro/record/scrape.bench.ts).
 */
export function printFamily(
  family: MetricFamily,
  all: Iterable<Series>,
  format: MetricFormat,
  exemplarOf: (family: MetricFamily, series: Series) => Exemplar | undefined,
): string {
  const isOpen = format === "openmetrics";
  // OpenMetrics names a counter without the suffix that its samples have.
  const name = isOpen && family.type === "counter" ? family.name.replace(/_total$/, "") : family.name;
  let text = `# HELP ${name} ${escapeHelp(family.help)}\n# TYPE ${name} ${family.type}\n`;
  for (const series of all) {
    series.heads ??= headsOf(family, series);
    if (series.counts === undefined) text += `${series.heads[0]}${valueText(series.value)}\n`;
    else text += histogramLines(series, isOpen ? exemplarOf(family, series) : undefined);
  }
  return text;
}

function histogramLines({ heads, counts, value }: Series, exemplar: Exemplar | undefined): string {
  let text = "";
  let sum = 0;
  for (let i = 0; i < counts!.length; i++) {
    sum += counts![i]!;
    text += `${heads![i]}${sum}${exemplar?.bucket === i ? exemplarText(exemplar) : ""}\n`;
  }
  return `${text}${heads![counts!.length]}${valueText(value)}\n${heads![counts!.length + 1]}${sum}\n`;
}

function exemplarText({ traceId, value, wallMs }: Exemplar): string {
  return ` # {trace_id="${traceId}"} ${value} ${(wallMs / 1000).toFixed(3)}`;
}

/** Name, labels and the space: of the value, or of each bucket, sum and count. */
function headsOf(family: MetricFamily, { labels, counts }: Series): readonly string[] {
  const pairs = family.labels.map((label, i) => `${label}="${escapeLabel(labels[i] ?? "")}"`);
  const head = (suffix: string, all: readonly string[]): string =>
    `${family.name}${suffix}${all.length === 0 ? "" : `{${all.join(",")}}`} `;
  if (counts === undefined) return [head("", pairs)];
  const bounds = [...(family.buckets ?? []), "+Inf"];
  return [
    ...bounds.map((bound) => head("_bucket", [...pairs, `le="${bound}"`])),
    head("_sum", pairs),
    head("_count", pairs),
  ];
}

function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}

function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (char) => (char === "\n" ? "\\n" : "\\\\"));
}
