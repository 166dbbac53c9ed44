/** One line of a plot. */
export interface Series {
  readonly name: string;
  /** [x, y], x growing. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** x is drawn by its logarithm: values above 0. */
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly series: readonly Series[];
}

const WIDTH = 640;
const HEIGHT = 340;
const LEFT = 64;
const RIGHT = 16;
const TOP = 36;
const BOTTOM = 76;
/** Readable on white and on black, and told apart by people who see no red or green (Okabe and Ito). */
const colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#999999", "#b8a000"];

/** An SVG that needs nothing else: text as text, colours that hold in light and dark. */
export function plotSvg(plot: Plot): string {
  const all = plot.series.flatMap(({ points }) => points);
  const xs = scale(
    all.map(([x]) => x),
    plot.logX === true,
    LEFT,
    WIDTH - RIGHT,
  );
  const ys = scale(
    plot.logY === true ? all.map(([, y]) => y) : [0, ...all.map(([, y]) => y)],
    plot.logY === true,
    HEIGHT - BOTTOM,
    TOP,
  );
  const parts = [
    `<text x="${LEFT}" y="20" font-weight="bold">${escaped(plot.title)}</text>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - BOTTOM + 34}" text-anchor="middle">${escaped(plot.x)}</text>`,
    `<text transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escaped(plot.y)}</text>`,
  ];
  for (const tick of ys.ticks)
    parts.push(
      `<path d="M${LEFT} ${at(ys.of(tick))}H${WIDTH - RIGHT}" stroke="#8884"/>`,
      `<text x="${LEFT - 6}" y="${at(ys.of(tick) + 4)}" text-anchor="end">${short(tick)}</text>`,
    );
  for (const tick of xs.ticks)
    parts.push(
      `<text x="${at(xs.of(tick))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${short(tick)}</text>`,
    );
  plot.series.forEach(({ name, points }, index) => {
    const colour = colours[index % colours.length]!;
    const line = points.map(([x, y]) => `${at(xs.of(x))} ${at(ys.of(y))}`).join("L");
    const legendX = LEFT + (index % 4) * 142;
    const legendY = HEIGHT - 24 + Math.floor(index / 4) * 16;
    parts.push(`<path d="M${line}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const [x, y] of points)
      parts.push(`<circle cx="${at(xs.of(x))}" cy="${at(ys.of(y))}" r="3" fill="${colour}"/>`);
    parts.push(
      `<rect x="${legendX}" y="${legendY - 9}" width="10" height="10" fill="${colour}"/>`,
      `<text x="${legendX + 15}" y="${legendY}">${escaped(name)}</text>`,
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui,sans-serif" font-size="12" fill="#888" role="img" aria-label="${escaped(plot.title)}">\n${parts.join("\n")}\n</svg>\n`;
}

interface Scale {
  of(value: number): number;
  readonly ticks: readonly number[];
}

function scale(values: readonly number[], isLog: boolean, from: number, to: number): Scale {
  const low = Math.min(...values);
  const high = Math.max(...values) || 1;
  if (isLog) {
    const span = Math.log(high / low) || 1;
    const ticks: number[] = [];
    for (let tick = 10 ** Math.floor(Math.log10(low)); tick <= high * 1.001; tick *= 10)
      if (tick >= low * 0.999) ticks.push(tick);
    return {
      of: (value) => from + ((to - from) * Math.log(value / low)) / span,
      ticks: ticks.length > 1 ? ticks : [low, high],
    };
  }
  const step = niceStep((high - low) / 5);
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high * 1.0001; tick += step) ticks.push(tick);
  return { of: (value) => from + ((to - from) * (value - low)) / (high - low || 1), ticks };
}

function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw || 1));
  return power * ([1, 2, 5, 10].find((one) => one * power >= raw) ?? 10);
}

function at(value: number): string {
  return value.toFixed(1);
}

function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Amounts side by side, the first one ours. */
export function barsSvg(
  title: string,
  unit: string,
  bars: readonly (readonly [name: string, value: number])[],
): string {
  const height = TOP + bars.length * 24 + 12;
  const most = Math.max(...bars.map(([, value]) => value)) || 1;
  const parts = [`<text x="0" y="20" font-weight="bold">${escaped(title)}</text>`];
  bars.forEach(([name, value], index) => {
    const y = TOP + index * 24;
    const width = Math.max(1, ((WIDTH - 250) * value) / most);
    parts.push(
      `<text x="150" y="${y + 13}" text-anchor="end">${escaped(name)}</text>`,
      `<rect x="158" y="${y}" width="${at(width)}" height="18" fill="${colours[index === 0 ? 0 : 6]}"/>`,
      `<text x="${at(164 + width)}" y="${y + 13}">${short(Number(value.toPrecision(3)))} ${escaped(unit)}</text>`,
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui,sans-serif" font-size="12" fill="#888" role="img" aria-label="${escaped(title)}">\n${parts.join("\n")}\n</svg>\n`;
}
