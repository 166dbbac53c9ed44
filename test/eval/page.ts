import { barsOf } from "./bars.ts";
import { blockedOf, type Figures, type Row } from "./figures.ts";

const BEGIN = "<!-- eval:begin: written by `npm run eval -- --write` -->";
const END = "<!-- eval:end -->";

/** The page with what stands between its markers replaced. Throws when a marker is missing. */
export function replaceTables(page: string, tables: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page lacks "${BEGIN}" or "${END}"`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${tables}\n\n${page.slice(end)}`;
}

/** Bars and categories as Markdown. */
export function tablesOf(figures: Figures): string {
  const blocks = [
    `Measured ${figures.date.slice(0, 10)}, commit ${figures.commit}, Node ${figures.node}: ${figures.target}.`,
    table(
      ["Corpus", "Figure", "n", "Measured", "Bar", "Met"],
      barsOf(figures).map(({ corpus, what, n, value, unit, must, limit, met }) => [
        corpus,
        what,
        String(n),
        unit === "%" ? `${value.toFixed(1)} %` : String(value),
        `${must} ${limit}${unit === "%" ? " %" : ""}`,
        met ? "yes" : "**no**",
      ]),
    ),
  ];
  for (const { corpus, rows, leftOut } of figures.corpora) {
    blocks.push(
      `### ${corpus}`,
      ...(leftOut > 0 ? [`${leftOut} cases left out, see above.`] : []),
      table(
        ["Category", "Expected", "n", "Blocked", "By the WAF", "Otherwise", "Rate", "Wrong"],
        [...rows, ...totals(rows)].map((row) => [
          row.category,
          row.expect,
          String(row.n),
          String(blockedOf(row)),
          String(row.waf),
          String(row.refused),
          `${((100 * blockedOf(row)) / row.n).toFixed(1)} %`,
          String(row.wrong.length) + (row.lost > 0 ? ` (${row.lost} lost)` : ""),
        ]),
      ),
    );
  }
  return blocks.join("\n\n");
}

/** A sum for each expectation that has more than one row. */
function totals(rows: readonly Row[]): Row[] {
  return (["block", "pass", "either"] as const).flatMap((expect) => {
    const of = rows.filter((row) => row.expect === expect);
    if (of.length < 2) return [];
    const sum = (key: "n" | "waf" | "refused" | "clean" | "lost"): number =>
      of.reduce((n, row) => n + row[key], 0);
    return [
      {
        category: "**all**",
        expect,
        n: sum("n"),
        waf: sum("waf"),
        refused: sum("refused"),
        clean: sum("clean"),
        lost: sum("lost"),
        wrong: of.flatMap(({ wrong }) => wrong),
      },
    ];
  });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const numeric = head.map((_, column) => rows.every((row) => /^[\d.]+( %)?$/.test(row[column] ?? "")));
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(numeric.map((is) => (is ? "--:" : "---"))), ...rows.map(line)].join("\n");
}
