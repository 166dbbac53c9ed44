import { barsOf } from "./bars.ts";
import type { Figures } from "./figures.ts";

/** Cases by which a category may be worse than what is committed: timeouts of a busy machine are not a regression. */
const SLACK = 1;

/** In what `now` is worse than `before`: one sentence each. Corpora that did not run now are not compared. */
export function regressions(before: Figures, now: Figures): string[] {
  const found: string[] = [];
  for (const { corpus, rows } of now.corpora) {
    const old = before.corpora.find((one) => one.corpus === corpus);
    for (const row of rows) {
      const same = old?.rows.find(
        ({ category, expect }) => category === row.category && expect === row.expect,
      );
      if (same === undefined) continue;
      if (row.wrong.length > same.wrong.length + SLACK) {
        found.push(
          `${corpus} ${row.category} (${row.expect}): ${row.wrong.length} of ${row.n} wrong, were ${same.wrong.length} of ${same.n}`,
        );
      }
    }
    const count = (rowsOf: typeof rows): number => rowsOf.reduce((sum, row) => sum + row.wrong.length, 0);
    if (old !== undefined && count(rows) > count(old.rows) + SLACK) {
      found.push(`${corpus}: ${count(rows)} wrong, were ${count(old.rows)}`);
    }
  }
  const met = new Set(barsOf(before).flatMap((bar) => (bar.met ? [bar.id] : [])));
  for (const bar of barsOf(now)) {
    if (!bar.met && met.has(bar.id)) {
      found.push(
        `${bar.id}: ${bar.value.toFixed(1)} ${bar.unit}, the bar of ${bar.must} ${bar.limit} was met`,
      );
    }
  }
  return found;
}
