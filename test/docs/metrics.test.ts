import { test } from "node:test";
import { ownFamilies } from "../../src/control/exposition.ts";
import { families, type MetricFamily } from "../../src/record/metrics.ts";
import { assertGenerated, regenerate, row } from "./document.ts";

test("docs/operating/metrics.md is what the families say (ZION_WRITE_DOCS=1 writes it)", () => {
  assertGenerated("docs/operating/metrics.md", metricsPage());
});

function metricsPage(): string {
  const out = [
    "# Metrics",
    "",
    "Generated from `src/record/metrics.ts` and `src/control/exposition.ts`; edit those, then",
    `\`${regenerate}\`.`,
    "",
    "`GET /metrics` on the telemetry listener, in Prometheus' text format. Workers are added up; counters do not go down when a",
    "worker dies or a configuration is reloaded. Label values come from configuration and closed lists, never from clients.",
    "",
    "With `expose_internal = true`, clients in `internal_networks` get the same page, and the admin listener's snapshot as",
    "`/_zion/snapshot.json`, on the listeners of clients, under every host; others get 403. Who is internal is told by the",
    "address behind `trusted_proxies` and PROXY headers: list every proxy that stands in front. What another one says that it",
    "forwarded is refused; one that does not say so is taken for the client. An application's own `/metrics` is then out of",
    "reach.",
    "",
    "## Traffic",
    "",
    ...table(Object.values(families)),
    "",
    ...Object.values<MetricFamily>(families).flatMap(({ name, buckets }) =>
      buckets === undefined ? [] : [`Buckets of \`${name}\`: ${buckets.join(", ")}, +Inf.`],
    ),
    "",
    "## Control plane",
    "",
    ...table(ownFamilies),
    "",
    "Besides these, prom-client's default metrics of the primary process: `process_*` and `nodejs_*`.",
  ];
  return `${out.join("\n")}\n`;
}

function table(rows: readonly MetricFamily[]): string[] {
  return [
    row("Metric", "Type", "Labels", "Meaning"),
    row("---", "---", "---", "---"),
    ...rows.map(({ name, type, labels, help }) =>
      row(`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(" ") || "–", help),
    ),
  ];
}
