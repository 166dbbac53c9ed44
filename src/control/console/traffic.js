import uPlot from "/console/uplot.js";

/** Seconds that charts show. */
export const SHOWN_SECS = 600;

const series = [
  { key: "allow", label: "allowed", light: "#17692f", dark: "#6bd48a" },
  { key: "deny", label: "refused", light: "#b3261e", dark: "#ff8a80" },
  { key: "shadow", label: "shadow", light: "#8a5200", dark: "#ffc36b" },
  { key: "error", label: "errors", light: "#6b3fa0", dark: "#c7a6ff" },
];

/** Requests per second by decision. */
export class ZionTraffic extends HTMLElement {
  #plot;
  #times = [];
  #values = series.map(() => []);
  #last;

  connectedCallback() {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const axis = { stroke: isDark ? "#a6adb5" : "#5b636b", grid: { stroke: isDark ? "#343a40" : "#e3e6e9" } };
    this.#plot = new uPlot(
      {
        width: this.clientWidth || 600,
        height: 200,
        axes: [axis, { ...axis, label: "requests/s" }],
        series: [
          {},
          ...series.map(({ label, light, dark }) => ({ label, stroke: isDark ? dark : light, width: 1.5 })),
        ],
      },
      [this.#times, ...this.#values],
      this,
    );
    new ResizeObserver(() => this.#plot.setSize({ width: this.clientWidth, height: 200 })).observe(this);
  }

  /** `decisions`: totals since the gateway began, by decision; the first ones only set the mark. */
  add(timeSecs, decisions) {
    const last = this.#last;
    this.#last = { timeSecs, decisions };
    if (last === undefined || timeSecs <= last.timeSecs) return;
    this.#times.push(timeSecs);
    for (const [i, { key }] of series.entries()) {
      const rate = (decisions[key] - last.decisions[key]) / (timeSecs - last.timeSecs);
      this.#values[i].push(Math.max(0, rate));
    }
    while (this.#times[0] < timeSecs - SHOWN_SECS) {
      this.#times.shift();
      for (const values of this.#values) values.shift();
    }
    this.#plot.setData([this.#times, ...this.#values]);
  }
}
