/** How a cost grows with something: what a straight line or a line over the logarithm explains of it. */
export interface Law {
  readonly name: "flat" | "logarithmic" | "linear";
  /** Cost at the last point by that at the first. */
  readonly factor: number;
  /** Of the better line, 0 to 1. */
  readonly rSquared: number;
}

/** What grows by less than this over the whole range is called flat: two runs of one point differ by as much. */
const FLAT = 1.15;

/** Points as [size, cost], sizes above 0 and growing; at least three. */
export function lawOf(points: readonly (readonly [size: number, cost: number])[]): Law {
  const factor = points.at(-1)![1] / points[0]![1];
  const linear = rSquared(points);
  const log = rSquared(points.map(([size, cost]) => [Math.log(size), cost]));
  const name = factor < FLAT ? "flat" : linear >= log ? "linear" : "logarithmic";
  return { name, factor, rSquared: Math.max(linear, log) };
}

/** Of the least-squares line. */
function rSquared(points: readonly (readonly [number, number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (const [x, y] of points) {
    xy += (x - meanX) * (y - meanY);
    xx += (x - meanX) ** 2;
    yy += (y - meanY) ** 2;
  }
  return xx === 0 || yy === 0 ? 0 : xy ** 2 / (xx * yy);
}
