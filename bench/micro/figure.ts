/** One step of a request, measured in-process: microseconds of CPU, a value for each round, and the bar. */
export interface StepFigure {
  readonly title: string;
  readonly limitUs: number;
  readonly us: readonly number[];
}

/** CPU microseconds of one call of `step`, by rounds of `calls`; what the compiler needs to know, it learns before. */
export function measure(calls: number, step: (call: number) => void, rounds = 7): readonly number[] {
  const round = (): number => {
    const before = process.cpuUsage();
    for (let call = 0; call < calls; call++) step(call);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / calls;
  };
  for (let warm = 0; warm < 3; warm++) round();
  return Array.from({ length: rounds }, round);
}

/** For people, or, with ZION_FIGURES=1, as a line of JSON for bench/load/steps.ts. */
export function printFigure(figure: StepFigure): void {
  if (process.env["ZION_FIGURES"] === "1") {
    process.stdout.write(`${JSON.stringify(figure)}\n`);
    return;
  }
  const sorted = figure.us.toSorted((a, b) => a - b);
  const [low, middle, high] = [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!];
  process.stdout.write(
    `${figure.title}: ${middle.toFixed(2)} us (${low.toFixed(2)}–${high.toFixed(2)}), bar ${figure.limitUs}\n`,
  );
}
